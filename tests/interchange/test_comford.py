from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localizer.beacons import BeaconId
from localizer.errors import SurveyError
from localizer.interchange.comford import Comford
from localizer.interchange.scanned import Reading, Scanned, losses_of_scans
from localizer.scans import Fingerprint
from localizer.site import Position
from tests import strategies as own
from tests.interchange import scans
from tests.strategies import fingerprint

FORMAT = Comford()


def _is_said(text: str) -> bool:
    return bool(text.strip()) and text.strip().lower() not in ("none", "nan")


said = own.full_texts.filter(_is_said)
holdable = scans.anything(
    position=st.builds(Position, x_m=own.finite, y_m=own.finite, floor=said),
    device=st.just("") | said,
)


def _round_trip(scanned: Scanned, folder: Path) -> tuple[Scanned, list[Fingerprint]]:
    reading, held = FORMAT.write(scanned, folder)
    return FORMAT.read(folder, reading), list(held)


@settings(max_examples=40)
@given(fingerprints=st.lists(holdable, max_size=4))
def test_scans_with_a_place_come_back_value_by_value(
    fingerprints: list[Fingerprint], tmp_path_factory: pytest.TempPathFactory
) -> None:
    scanned = scans.scanned_of(fingerprints)
    back, held = _round_trip(scanned, tmp_path_factory.mktemp("comford"))
    assert back == scanned
    assert [repr(one.position) for one in back.fingerprints] == [
        repr(one.position) for one in scanned.fingerprints
    ]
    assert losses_of_scans(scanned, held, back) == []


@settings(max_examples=40)
@given(fingerprints=st.lists(scans.anything(), max_size=4))
def test_what_does_not_come_back_is_listed(
    fingerprints: list[Fingerprint], tmp_path_factory: pytest.TempPathFactory
) -> None:
    scanned = scans.scanned_of(fingerprints)
    back, held = _round_trip(scanned, tmp_path_factory.mktemp("comford"))
    assert held == [one for one in fingerprints_of(scanned) if one.position is not None]
    losses = losses_of_scans(scanned, held, back)
    assert (back == scanned) == (losses == [])
    without_place = sum(one.position is None for one in scanned.fingerprints)
    told = {loss.what: loss.count for loss in losses}
    assert told.get("fingerprints without a place", 0) == without_place
    assert [one.scan.readings for one in back.fingerprints] == [one.scan.readings for one in held]


def fingerprints_of(scanned: Scanned) -> list[Fingerprint]:
    return list(scanned.fingerprints)


def test_the_tables_are_as_the_package_reads_them(tmp_path: Path) -> None:
    # By the order of columns, semicolons between them, None for what is unknown, and not a row for
    # what was not heard.
    one = fingerprint(1, session="first", readings={"name:uci:b3001": (-60.0, -61.5)})
    two = fingerprint(2, session="zweite", readings={})
    FORMAT.write(scans.scanned_of([one, two]), tmp_path)
    samples = (tmp_path / "Samples.csv").read_text(encoding="utf-8").splitlines()
    assert samples[0] == (
        "sample_id;x;y;z;timestamp;set;floor;building;device;user;config;orientation"
    )
    assert samples[1].split(";")[:10] == [
        "0", "1", "2", "None", "1461067201", "training", "1", "uci", "phone", "None",
    ]  # fmt: skip
    assert samples[2].split(";")[5] == "testing"
    levels = (tmp_path / "RSSI.csv").read_text(encoding="utf-8").splitlines()
    assert levels == [
        "sample_id;rssi;ap_id;channel/freq",
        "0;-60;name:uci:b3001;None",
        "0;-61.5;name:uci:b3001;None",
    ]
    points = (tmp_path / "APs.csv").read_text(encoding="utf-8").splitlines()
    assert points[:2] == ["ap_id;technology;x;y;z", "name:uci:b3001;BLE;15.24;27.432;None"]
    assert len(points) == 14


def _write(folder: Path, **changes: str) -> Path:
    """Tables as its specification writes them: other names, another order of columns, commas."""
    tables = {
        "Sample.csv": "sample_id,x,y,timestamp,test/train/val,floor,orientation\n"
        "a,1,2,1461067201.5,train,G,north-facing\nb,1,2,1461067202,train,G,\n"
        "c,3,4,1461067203,test,G,\n",
        "RSSI.csv": "sample_id,ap_id,rssi\na,WAP001,-60\na,WAP002,-70\nc,WAP001,-80\n",
        "AP.csv": "ap_id,technology,x,y\nWAP001,WiFi,5,6\nWAP002,BLE,,\n",
    }
    for name, text in tables.items():
        key = name.split(".")[0].lower()
        (folder / name).write_text(changes.get(key, text), encoding="utf-8")
    return folder


def test_a_published_data_set_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    folder = tmp_path / "My Set"
    folder.mkdir()
    back = FORMAT.read(_write(folder), Reading())
    assert back.site.id == "my-set"
    assert [one.session for one in back.fingerprints] == ["train", "train", "test"]
    assert [(one.id, one.role) for one in back.sessions] == [
        ("test", "sealed"), ("train", "development"),
    ]  # fmt: skip
    assert [one.visit for one in back.fingerprints] == ["train/00001"] * 2 + ["test/00002"]
    assert back.fingerprints[0].time_utc.microsecond == 500_000
    assert back.fingerprints[0].heading_deg is None
    assert back.fingerprints[0].scan.readings == {
        "name:my-set:wap001": (-60.0,), "name:my-set:wap002": (-70.0,),
    }  # fmt: skip
    assert back.fingerprints[1].scan.readings == {}
    placed = {beacon.id: beacon.position for beacon in back.site.beacons}
    assert placed[BeaconId("name:my-set:wap001")] == Position(5.0, 6.0, "G")
    assert placed[BeaconId("name:my-set:wap002")] is None


@pytest.mark.parametrize(
    ("table", "old", "new", "words"),
    [
        ("ap", "WAP002", "WAP001", "stands twice"),
        ("ap", "WAP002", "00:11:22:33:44:55", "addresses are not stored"),
        ("ap", "WAP002,BLE", "WAP002", "4 columns"),
        ("rssi", "WAP002", "WAP009", "'WAP009'"),
        ("rssi", "-70", "-7o", "finite number"),
        ("rssi", "-70", '"-70,5"', "with a point"),
        ("rssi", "c,WAP001", "z,WAP001", "'z' does not"),
        ("sample", "b,1", "a,1", "stands twice"),
        ("sample", "b,1", "b,", "x must be"),
        ("sample", "train,G,\n", "holdout,G,\n", "'holdout'"),
        ("sample", "1461067202", "yesterday", "UNIX"),
        ("sample", "floor", "building", "of one building"),
        ("sample", "x,y", "longitude,latitude", "metres"),
        ("sample", "sample_id", "id", "sample_id"),
    ],
)
def test_damage_is_named_with_its_file_and_line(
    tmp_path: Path, table: str, old: str, new: str, words: str
) -> None:
    _write(tmp_path)
    name = {"ap": "AP.csv", "rssi": "RSSI.csv", "sample": "Sample.csv"}[table]
    text = (tmp_path / name).read_text(encoding="utf-8")
    changed = text.replace(old, new, 1)
    if words == "of one building":
        changed = changed.replace("3,G,", "3,H,").replace("test,G", "test,H")
    assert changed != text
    (tmp_path / name).write_text(changed, encoding="utf-8")
    with pytest.raises(SurveyError, match=words) as caught:
        FORMAT.read(tmp_path, Reading())
    assert caught.value.path == tmp_path / name
    assert caught.value.line is not None


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    (_write(tmp_path) / "RSSI.csv").unlink()
    with pytest.raises(SurveyError, match=r"RSSI\.csv"):
        FORMAT.read(tmp_path, Reading())


def test_scans_without_a_place_are_said_to_be_lost(tmp_path: Path) -> None:
    rows = [fingerprint(n, session="first") for n in range(3)]
    rows[1] = replace(rows[1], position=None)
    scanned = scans.scanned_of(rows)
    back, held = _round_trip(scanned, tmp_path)
    (loss,) = losses_of_scans(scanned, held, back)
    assert (loss.what, loss.count) == ("fingerprints without a place", 1)
