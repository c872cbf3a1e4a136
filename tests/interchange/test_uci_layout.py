from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localizer.errors import SurveyError
from localizer.importers.uci import (
    LABELLED_NAME,
    UNLABELLED_NAME,
    import_uci,
    label_to_position,
    local_to_utc,
)
from localizer.interchange import export_survey, import_survey
from localizer.interchange.scanned import Reading, Scanned, losses_of_scans
from localizer.interchange.uci_layout import PUBLISHED_HEADER, UciLayout
from localizer.interchange.uci_rules import UciRules
from localizer.scans import Fingerprint
from localizer.site import Floor, Position, Site
from localizer.survey import ROLES, Survey
from tests.interchange import scans
from tests.real_data import uci_files
from tests.strategies import fingerprint

FORMAT = UciLayout()
HALL = Site(
    "hall", "Hall", (Floor("0", "Hall", ((0, 0), (30, 0), (30, 12), (0, 12))),), (), "made", 2.0
)
RULES = UciRules.of(HALL, Reading(HALL, "pi", 3600))
HEADER = ",".join(PUBLISHED_HEADER) + "\n"


def test_the_published_survey_goes_out_and_in_without_loss(tmp_path: Path) -> None:
    import_uci(uci_files(), tmp_path / "a.survey")
    with Survey.open(tmp_path / "a.survey") as survey:
        exported = export_survey(survey, tmp_path / "out", "uci")
        assert (exported.losses, exported.count) == ((), 6611)
        hashed = survey.data_hash(roles=ROLES)
    imported = import_survey(tmp_path / "out", tmp_path / "b.survey")
    assert imported.count == 6611
    with Survey.open(tmp_path / "b.survey") as again:
        assert again.data_hash(roles=ROLES) == hashed
    for name in (LABELLED_NAME, UNLABELLED_NAME):
        written = (tmp_path / "out" / name).read_bytes()
        published = (uci_files().labelled.parent / name).read_bytes()
        # Slips of -198 and -199 come out as -200, as they came in; nothing else differs.
        slips = published.replace(b",-198", b",-200").replace(b",-199", b",-200")
        assert _without_zeros(written) == _without_zeros(slips)


def _without_zeros(content: bytes) -> bytes:
    """The times of the published files have a leading zero here and not there."""
    return content.replace(b" 0", b" ")


@pytest.mark.parametrize("label", ["A01", "K04", "W18", "Z18", "AA05", "AZ01", "BA01"])
def test_labels_and_places_are_the_same(label: str) -> None:
    rules = UciRules.of(scans.SITE, Reading())
    place = rules.position_of(label)
    assert rules.label_of(place) == label
    if len(label) == 3:
        assert place == label_to_position(label)


@pytest.mark.parametrize("label", ["", "a01", "A00", "A19", "A1", "A001", "ABCD01", "01A"])
def test_what_is_no_label_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="location"):
        UciRules.of(scans.SITE, Reading()).position_of(label)


def test_the_rows_of_another_site_reach_from_zero_to_its_outline() -> None:
    assert RULES.rows == 7
    assert RULES.position_of("A07") == Position(2.0, 0.0, "0")
    assert RULES.position_of("O01") == Position(30.0, 12.0, "0")
    for place in (Position(0, 4, "0"), Position(4, -4, "0"), Position(4, 4, "1")):
        assert RULES.label_of(place) is None


@settings(max_examples=40)
@given(st.datetimes(datetime(2016, 1, 2), datetime(2016, 12, 30)))
def test_times_in_the_library_come_back(local: datetime) -> None:
    rules = UciRules.of(scans.SITE, Reading())
    time_utc = local_to_utc(local.replace(microsecond=0))
    assert local_to_utc(rules.to_local(time_utc)) == time_utc


seconds = st.integers(0, 10**6)
cells = st.builds("{}{:02d}".format, st.sampled_from("ABHO"), st.integers(1, 7))


def _one_rssi(rssi_dbm: int) -> tuple[float, ...]:
    return (float(rssi_dbm),)


levels = st.dictionaries(
    st.sampled_from(["name:hall:b1", "name:hall:b2", "name:other:b1"]),
    st.integers(-150, -1).map(_one_rssi),
)


@st.composite
def holdable(draw: st.DrawFn) -> Scanned:
    """Scans at cells and whole seconds; their visits are as the layout cuts them once read."""
    lines = draw(st.lists(st.tuples(st.booleans(), seconds, cells, levels), max_size=8))
    fingerprints = []
    for labelled, second, cell, heard in lines:
        time = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
        place = RULES.position_of(cell) if labelled else None
        one = fingerprint(position=place, readings=heard)
        fingerprints.append(replace(one, time_utc=time, device="pi"))
    return Scanned(HALL, (), tuple(sorted(fingerprints, key=lambda one: one.time_utc)))


@settings(max_examples=40)
@given(scanned=holdable())
def test_cells_seconds_and_whole_dbm_come_back(
    scanned: Scanned, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("uci")
    first = _round_trip(scanned, folder)
    for before, after in zip(_in_file_order(scanned), first.fingerprints, strict=True):
        assert after.scan.readings == before.scan.readings
        assert (after.time_utc, after.position) == (before.time_utc, before.position)
    # What has come back once has lost what it can lose.
    again = _round_trip(first, folder)
    assert again == first
    assert losses_of_scans(first, first.fingerprints, again) == []


def _in_file_order(scanned: Scanned) -> list[Fingerprint]:
    return sorted(scanned.fingerprints, key=lambda one: one.position is None)


def _round_trip(scanned: Scanned, folder: Path) -> Scanned:
    reading, held = FORMAT.write(scanned, folder)
    back = FORMAT.read(folder, reading)
    assert len(held) == len(back.fingerprints) == len(scanned.fingerprints)
    return back


def test_what_the_layout_cannot_say_is_listed(tmp_path: Path) -> None:
    one = fingerprint(
        position=Position(3.1, 4.0, "0"),
        readings={"name:hall:b1": (-60.0, -61.0), "name:x:y": (-0.2,)},
    )
    odd = replace(
        one,
        session="first",
        heading_deg=90.0,
        time_utc=one.time_utc.astimezone(timezone(timedelta(hours=1))) + timedelta(milliseconds=5),
    )
    scanned = replace(scans.scanned_of([odd]), site=HALL)
    reading, held = FORMAT.write(scanned, tmp_path)
    losses = losses_of_scans(scanned, held, FORMAT.read(tmp_path, reading))
    told = {loss.what for loss in losses}
    assert told >= {
        "heading_deg of fingerprints",
        "position of fingerprints",
        "readings of fingerprints",
        "session of fingerprints",
        "time_utc of fingerprints",
        "visit of fingerprints",
    }
    assert "sessions under their ids" in told


def test_a_site_without_a_grid_cannot_have_cells(tmp_path: Path) -> None:
    with pytest.raises(SurveyError, match="cell_m = None"):
        FORMAT.write(Scanned(replace(HALL, cell_m=None), (), ()), tmp_path)
    with pytest.raises(SurveyError, match="--site"):
        FORMAT.read(tmp_path, Reading())


ROW = "K04,4-19-2016 9:37:46," + ",".join(["-200"] * 13) + "\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (HEADER + ROW + ROW.replace("K04", "K19"), 3, "'K19'"),
        (HEADER + ROW.replace("4-19-2016", "2016-04-19"), 2, "does not match"),
        (HEADER + ROW.replace("-200\n", "-60.5\n"), 2, "whole number"),
        (HEADER + ROW.replace("-200\n", "0\n"), 2, "below 0 dBm"),
        (HEADER + ROW.replace(",-200\n", "\n"), 2, "15 columns"),
        (HEADER + ROW + ROW.replace("9:37", "10:37"), 2, "newest first"),
        (HEADER.replace("b3013", "b 13") + ROW, 1, "beacon id"),
        (HEADER.replace("b3013", "b3012") + ROW, 1, "in excess"),
        ((HEADER + ROW).replace(",", ";"), 1, "parted by commas"),
        (ROW, 1, "lacks"),
    ],
)
def test_damage_is_named_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = tmp_path / LABELLED_NAME
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SurveyError, match=words) as caught:
        FORMAT.read(tmp_path, Reading(scans.SITE))
    assert caught.value.line == line


def test_one_file_alone_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(HEADER + ROW, encoding="utf-8")
    imported = import_survey(path, tmp_path / "a.survey")
    assert imported.count == 1
    with pytest.raises(SurveyError, match="neither"):
        FORMAT.read(tmp_path, Reading(scans.SITE))
