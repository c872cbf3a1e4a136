import csv
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localizer.errors import SiteError, SurveyError
from localizer.interchange.scanned import Reading, Scanned, losses_of_scans
from localizer.interchange.spreadsheet import COLUMNS, Spreadsheet
from localizer.scans import Fingerprint
from localizer.site import Position
from tests.interchange import scans
from tests.strategies import fingerprint

FORMAT = Spreadsheet()
HEADER = "session,time_utc,x_m,y_m,floor,name:uci:b3001\n"
LINE = "s,2026-03-01T12:00:00+00:00,1.5,2,1,-60\n"


def _round_trip(scanned: Scanned, folder: Path) -> Scanned:
    path = folder / "a.csv"
    reading, held = FORMAT.write(scanned, path)
    assert list(held) == list(scanned.fingerprints)
    return FORMAT.read(path, reading)


def _read(tmp_path: Path, text: str, reading: Reading = Reading(scans.SITE)) -> Scanned:  # noqa: B008
    path = tmp_path / "made.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return FORMAT.read(path, reading)


@settings(max_examples=40)
@given(fingerprints=st.lists(scans.with_scan(scans.single_readings), max_size=4))
def test_scans_with_one_rssi_a_beacon_come_back_value_by_value(
    fingerprints: list[Fingerprint], tmp_path_factory: pytest.TempPathFactory
) -> None:
    scanned = scans.scanned_of(fingerprints)
    back = _round_trip(scanned, tmp_path_factory.mktemp("csv"))
    assert back == scanned
    assert [repr(one.position) for one in back.fingerprints] == [
        repr(one.position) for one in scanned.fingerprints
    ]  # -0.0 == 0.0, but not in its repr
    assert losses_of_scans(scanned, scanned.fingerprints, back) == []


@settings(max_examples=40)
@given(fingerprints=st.lists(scans.anything(), max_size=4))
def test_of_several_rssis_the_mean_is_kept_and_nothing_else_is_lost(
    fingerprints: list[Fingerprint], tmp_path_factory: pytest.TempPathFactory
) -> None:
    scanned = scans.scanned_of(fingerprints)
    back = _round_trip(scanned, tmp_path_factory.mktemp("csv"))
    several = [
        any(len(rssis) > 1 for rssis in one.scan.readings.values()) for one in scanned.fingerprints
    ]
    lost = {loss.what: loss.count for loss in losses_of_scans(scanned, scanned.fingerprints, back)}
    assert lost.keys() <= {"readings of fingerprints"}
    assert sum(lost.values()) <= sum(several)
    for before, after in zip(scanned.fingerprints, back.fingerprints, strict=True):
        assert after.scan.readings.keys() == before.scan.readings.keys()
        for beacon, rssis in before.scan.readings.items():
            assert after.scan.readings[beacon][0] == pytest.approx(
                sum(rssis) / len(rssis), abs=0.006
            )


def test_not_heard_is_an_empty_cell_and_never_a_number(tmp_path: Path) -> None:
    one = fingerprint(readings={"name:uci:b3001": (-70.0,)})
    FORMAT.write(scans.scanned_of([replace(one, session="first")]), tmp_path / "a.csv")
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0]["name:uci:b3001"] == "-70"
    assert {rows[0][f"name:uci:b30{n:02d}"] for n in range(2, 14)} == {""}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\ty", "\rz", "'quoted", "'=1"])
def test_no_text_is_a_formula(tmp_path: Path, text: str) -> None:
    one = replace(fingerprint(), session=text, visit=text, device=text, synthetic=text)
    scanned = scans.scanned_of([replace(one, position=Position(1, 2, text))])
    back = _round_trip(scanned, tmp_path)
    assert back == scanned
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    for name in ("session", "visit", "device", "synthetic", "floor"):
        assert row[name] == f"'{text}"


def test_a_table_made_by_hand_needs_four_columns(tmp_path: Path) -> None:
    text = "x_m;y_m;floor;time_utc;name:uci:b3001\n1,5;2;1;2026-03-01 23:30;-60,5\n"
    back = _read(tmp_path, text, Reading(None, "my phone", 3600))
    (one,) = back.fingerprints
    assert one.position == Position(1.5, 2.0, "1")
    assert (one.device, one.session, one.local_date.isoformat()) == (
        "my phone", "imported", "2026-03-02",
    )  # fmt: skip
    assert list(one.scan.readings.values()) == [(-60.5,)]
    assert back.site.floors[0].id == "1"
    assert "no plan" in back.site.source


def test_without_places_there_is_no_site(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="--site"):
        _read(tmp_path, HEADER + LINE.replace("1.5,2,1", ",,"), Reading())


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (HEADER + LINE + LINE.replace("-60", "-6o"), 3, "finite number, but got '-6o'"),
        (HEADER + LINE.replace("1.5", "1,5"), 2, "decimal commas"),
        (HEADER + LINE.replace("1.5", '"1,5"'), 2, "with a point"),
        (HEADER + LINE[:-5] + "\n", 2, "6 columns"),
        (HEADER + LINE.replace("1.5", ""), 2, "both be there"),
        (HEADER + LINE.replace("2026-03-01T12", "1.3.2026 12"), 2, "time_utc"),
        (HEADER + LINE + '"s,2026', 3, "was cut off"),
        (HEADER + LINE + '"s,2026\n', 3, "CSV"),
        (HEADER.replace("b3001", "b 1") + LINE, 1, "beacon id"),
        (HEADER.replace("floor", "floor,00:11:22") + LINE, 1, "beacon id"),
        (HEADER.replace("floor", "floor,rssi") + LINE, 1, "'rssi'"),
        (HEADER.replace("floor,", "floor,NAME:uci:b3001,") + LINE, 1, "has two"),
        (HEADER.replace("x_m", "latitude") + LINE, 1, "metres"),
        (HEADER.replace(",", "|") + LINE, 1, "lacks"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(SurveyError, match=words) as caught:
        _read(tmp_path, text)
    assert caught.value.line == line or "cut off" in words


def test_a_session_has_one_role(tmp_path: Path) -> None:
    header = "role," + HEADER
    rows = "".join(f"{role},{LINE}" for role in ("sealed", "development"))
    with pytest.raises(SurveyError, match="one role"):
        _read(tmp_path, header + rows)
    with pytest.raises(SurveyError, match="'secret'"):
        _read(tmp_path, header + f"secret,{LINE}")


def test_every_column_is_written(tmp_path: Path) -> None:
    FORMAT.write(scans.scanned_of([]), tmp_path / "a.csv")
    header = (tmp_path / "a.csv").read_text(encoding="utf-8").strip().split(",")
    assert tuple(header[: len(COLUMNS)]) == COLUMNS
    assert header[len(COLUMNS) :] == sorted(beacon.id for beacon in scans.SITE.beacons)
