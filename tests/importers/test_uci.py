import zoneinfo
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from localizer.errors import SurveyError
from localizer.importers import ImportReport
from localizer.importers.uci import (
    BEACONS,
    COPIED_DATE,
    POSITION_SD_M,
    SEALED_DATES,
    UciFiles,
    import_uci,
    label_to_position,
    local_to_utc,
)
from localizer.scans import Fingerprint
from localizer.site import Position, distance_m
from localizer.sites import built_in_site
from localizer.survey import ROLES, Survey
from localizer.survey_jsonl import export_jsonl, import_jsonl
from localizer.table import table_from_fingerprints
from tests.conftest import lacking
from tests.real_data import uci_files

HEADER = "location,date," + ",".join(f"b{number}" for number in range(3001, 3014))


def _row(label: str, time: str, **rssi: int) -> str:
    readings = [rssi.get(f"b{number}", -200) for number in range(3001, 3014)]
    return ",".join([label, time, *map(str, readings)])


def _files(folder: Path, labelled: Sequence[str], unlabelled: Sequence[str] = ()) -> UciFiles:
    files = UciFiles(folder / "labelled.csv", folder / "unlabelled.csv", "test")
    for path, rows in ((files.labelled, labelled), (files.unlabelled, unlabelled)):
        path.write_text("\r\n".join([HEADER, *rows, ""]), newline="")
    return files


def _import(
    folder: Path, labelled: Sequence[str], unlabelled: Sequence[str] = ()
) -> tuple[ImportReport, list[Fingerprint]]:
    report = import_uci(_files(folder, labelled, unlabelled), folder / "s.survey", verify=False)
    with Survey.open(folder / "s.survey") as survey:
        return report, list(survey.fingerprints(roles=ROLES))


def test_a_row_becomes_a_fingerprint(tmp_path: Path) -> None:
    _, (got,) = _import(tmp_path, [_row("K04", "4-20-2016 09:05:07", b3002=-70, b3013=-198)])
    assert got.position == Position(11 * 3.048, 14 * 3.048, "1")
    assert got.position_sd_m == POSITION_SD_M == pytest.approx(0.8799, abs=1e-4)
    assert got.scan.readings == {"name:uci:b3002": (-70.0,)}
    assert got.time_utc == datetime(2016, 4, 20, 13, 5, 7, tzinfo=UTC)
    assert got.scan.start_ns == 1_461_157_507_000_000_000
    assert got.scan.duration_s == 1.0
    assert (got.session, got.local_date) == ("2016-04-20", date(2016, 4, 20))
    assert got.device == "iPhone 6S"
    assert got.synthetic is None


def test_an_unlabelled_row_has_no_position(tmp_path: Path) -> None:
    _, (got,) = _import(tmp_path, [], [_row("?", "11-7-2016 12:29:01", b3001=-111)])
    assert got.position is None
    assert got.position_sd_m is None
    assert got.time_utc == datetime(2016, 11, 7, 17, 29, 1, tzinfo=UTC)
    assert got.scan.readings == {"name:uci:b3001": (-111.0,)}


def test_visits_end_where_the_label_changes_or_unlabelled_scans_pause(tmp_path: Path) -> None:
    labelled = [
        _row("A02", "9-27-2016 10:00:09"),
        _row("A01", "9-27-2016 10:00:07"),
        _row("B01", "9-27-2016 10:00:05"),
        _row("A01", "9-27-2016 10:00:03"),
        _row("A01", "9-27-2016 10:00:01"),
    ]
    unlabelled = [
        _row("?", "9-27-2016 10:00:16"),
        _row("?", "9-27-2016 10:00:10"),
        _row("?", "9-27-2016 10:00:05"),
        _row("?", "9-27-2016 10:00:04"),
        _row("?", "9-26-2016 10:00:04"),
    ]
    _, got = _import(tmp_path, labelled, unlabelled)
    places = [one.visit.split("/")[1] for one in got if one.position]
    runs = [one.visit for one in got if not one.position]
    assert places == ["place-001", "place-001", "place-002", "place-003", "place-004"]
    assert runs == ["2016-09-26/run-001"] + 3 * ["2016-09-27/run-001"] + ["2016-09-27/run-002"]
    assert {one.session for one in got} == {"2016-09-26", "2016-09-27"}


def test_equal_times_come_back_in_the_order_of_the_file(tmp_path: Path) -> None:
    labels = ["A03", "B01", "A02", "B01", "A01"]
    _, got = _import(tmp_path, [_row(label, "9-27-2016 10:00:00") for label in labels])
    restored = [one.position for one in reversed(got)]
    assert restored == [label_to_position(label) for label in labels]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (_row("X01", "9-27-2016 10:00:00"), "A01 to W18, but got 'X01'"),
        (_row("A19", "9-27-2016 10:00:00"), "A01 to W18, but got 'A19'"),
        (_row("A01", "27-9-2016 10:00:00"), "does not match format"),
        (_row("A01", "9-27-2017 10:00:00"), "2016"),
        (_row("A01", "9-27-2016 10:00:00", b3001=5), "but got 5"),
        (_row("A01", "9-27-2016 10:00:00") + ",-70", "15 cells, but got 16"),
        (_row("A01", "9-27-2016 10:00:00").replace("-200", "loud", 1), "loud"),
        ("A01", "15 cells, but got 1"),
        (
            _row("A01", "9-27-2016 10:00:00", b3001=-170),
            "-198 or less where not heard, but got -170",
        ),
    ],
)
def test_a_damaged_row_is_named_and_nothing_else_is_lost(
    tmp_path: Path, row: str, reason: str
) -> None:
    good = [_row("A02", "9-27-2016 10:00:09"), _row("A01", "9-27-2016 10:00:07")]
    report, got = _import(tmp_path, [good[0], row, good[1]])
    assert len(got) == report.fingerprints == 2
    (problem,) = report.problems
    assert (problem.path, problem.line) == (tmp_path / "labelled.csv", 3)
    assert reason in problem.reason


def test_another_header_or_checksum_or_no_file_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "s.survey"
    files = _files(tmp_path, [_row("A01", "9-27-2016 10:00:00")])
    with pytest.raises(SurveyError, match="must have sha256 2be36c37"):
        import_uci(files, target)
    files.unlabelled.write_text("location,date,b3001\n")
    with pytest.raises(SurveyError, match=r"line 1 of .*unlabelled"):
        import_uci(files, target, verify=False)
    files.unlabelled.unlink()
    with pytest.raises(SurveyError, match="No such file"):
        import_uci(files, target, verify=False)
    assert not target.exists()


def test_local_time_agrees_with_the_time_zone_data_base() -> None:
    try:
        zone = zoneinfo.ZoneInfo("America/Detroit")
    except zoneinfo.ZoneInfoNotFoundError:
        lacking("time zone data (Debian package or Python package tzdata) must be installed")
    hours = [datetime(2016, 1, 1) + timedelta(hours=hour) for hour in range(366 * 24)]
    # At 2 on the Sunday in March there is no such local time; the rest of the year is compared.
    exist = [one for one in hours if one != datetime(2016, 3, 13, 2)]
    # From 1 to 2 on the Sunday in November both readings are right; fold=0 is the first.
    expected = [one.replace(tzinfo=zone).astimezone(UTC) for one in exist]
    differing = [
        local
        for local, utc in zip(exist, expected, strict=True)
        if local_to_utc(local) != utc and local.date() != date(2016, 11, 6)
    ]
    assert differing == []


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    path = tmp_path_factory.mktemp("uci") / "uci.survey"
    report = import_uci(uci_files(), path)
    assert report == ImportReport(path, sessions=24, fingerprints=6611)
    return Survey.open(path)


@pytest.fixture(scope="module")
def real(survey: Survey) -> list[Fingerprint]:
    with survey:
        return list(survey.fingerprints(roles=ROLES))


def test_the_published_figures(real: list[Fingerprint]) -> None:
    labelled = [one for one in real if one.position]
    genuine = [one for one in labelled if one.synthetic is None]
    assert (len(labelled), len(real) - len(labelled)) == (1_420, 5_191)
    assert len({one.position for one in labelled}) == 105
    assert len({one.session for one in labelled}) == 11
    assert len({one.session for one in real if not one.position}) == 15
    assert len(genuine) == 820
    assert len({one.session for one in genuine}) == 10
    assert len({one.position for one in genuine}) == 105
    days_of_place = Counter(at for _, at in {(one.session, one.position) for one in genuine})
    assert sum(days == 1 for days in days_of_place.values()) == 66
    assert {beacon for one in real for beacon in one.scan.readings} == set(BEACONS)


def test_copied_rows_are_exactly_those_of_one_day(real: list[Fingerprint]) -> None:
    assert sum(one.synthetic is not None for one in real) == 600
    assert all((one.synthetic is not None) == (one.session == COPIED_DATE) for one in real)


def test_the_two_oldest_days_are_sealed(real: list[Fingerprint], survey: Survey) -> None:
    days = sorted({one.session for one in real})
    assert set(days[:2]) == SEALED_DATES
    with Survey.open(survey.path) as again:
        roles = {session.id: session.role for session in again.sessions}
        development = list(again.fingerprints(labelled=True))
    assert {day for day, role in roles.items() if role == "sealed"} == set(days[:2])
    assert len(development) == 1_420 - 334


def test_what_is_not_heard_is_missing(real: list[Fingerprint]) -> None:
    files = uci_files()
    cells = [line.split(",")[2:] for line in files.labelled.read_text().splitlines()[1:]]
    slips = Counter(cell for row in cells for cell in row if cell in ("-198", "-199"))
    assert slips == {"-198": 11, "-199": 4}
    labelled = [rssi for one in real if one.position for rssi in one.scan.readings.values()]
    assert len(labelled) == sum(cell not in ("-198", "-199", "-200") for r in cells for cell in r)
    assert (min(labelled), max(labelled)) == ((-88.0,), (-55.0,))
    unlabelled = [rssi for one in real if not one.position for rssi in one.scan.readings.values()]
    assert min(unlabelled) == (-111.0,)


@pytest.mark.parametrize("labelled", [True, False])
def test_time_order_reversed_is_the_order_of_the_file(
    real: list[Fingerprint], labelled: bool
) -> None:
    files = uci_files()
    lines = (files.labelled if labelled else files.unlabelled).read_text().splitlines()
    restored = [one for one in reversed(real) if (one.position is not None) == labelled]
    assert [_as_line(one) for one in restored] == [_normal(line) for line in lines[1:]]


def _as_line(one: Fingerprint) -> list[str]:
    at = one.position
    label = f"{chr(64 + round(at.x_m / 3.048))}{18 - round(at.y_m / 3.048):02d}" if at else "?"
    local = one.time_utc - timedelta(hours=5 if one.local_date > date(2016, 11, 6) else 4)
    time = f"{local.month}-{local.day}-{local.year} {local:%H:%M:%S}"
    rssi = [one.scan.readings.get(beacon, (-200.0,))[0] for beacon in BEACONS]
    return [label, time, *(f"{value:.0f}" for value in rssi)]


def _normal(line: str) -> list[str]:
    label, time, *cells = line.split(",")
    day, clock = time.split(" ")
    rssi = ["-200" if cell in ("-198", "-199") else cell for cell in cells]
    return [label, f"{day} {clock:0>8}", *rssi]


def test_the_published_test_rows_cut_a_visit_of_the_second_day(real: list[Fingerprint]) -> None:
    labelled = [one for one in real if one.position]
    test, rest = labelled[:284], labelled[284:]
    assert Counter(one.session for one in test) == {"2016-04-19": 30, "2016-04-20": 254}
    assert test[-1].visit == rest[0].visit


def test_a_visit_is_at_one_place_on_one_day(real: list[Fingerprint]) -> None:
    by_visit: dict[str, list[Fingerprint]] = {}
    for one in real:
        by_visit.setdefault(one.visit, []).append(one)
    for visit in by_visit.values():
        assert len({(one.session, one.position) for one in visit}) == 1
    labelled = [one.visit for one in real if one.position]
    assert len([visit for visit, _ in groupby(labelled)]) == len(set(labelled)) == 287


def test_labels_and_beacons_share_one_frame(real: list[Fingerprint]) -> None:
    at = {beacon.id: beacon.position for beacon in built_in_site("uci").beacons}
    distances_m, correlations = [], []
    for beacon in BEACONS:
        where = at[beacon]
        assert where is not None
        heard = [one for one in real if one.position and beacon in one.scan.readings]
        away = [distance_m(where, one.position) for one in heard if one.position]
        rssi = [one.scan.readings[beacon][0] for one in heard]
        distances_m.append(np.mean(away))
        correlations.append(np.corrcoef(away, rssi)[0, 1])
    # In the frame of the paper's code, which is turned by 180 degrees, it is 12.5 cells.
    assert np.mean(distances_m) / 3.048 == pytest.approx(2.35, abs=0.01)
    assert min(correlations) == pytest.approx(-0.83, abs=0.01)
    assert max(correlations) == pytest.approx(-0.29, abs=0.01)


def test_the_table_and_json_lines_agree_with_the_survey(
    real: list[Fingerprint], survey: Survey, tmp_path: Path
) -> None:
    table = table_from_fingerprints(real, BEACONS, "mean")
    assert table.place.max() == 104
    assert (table.labelled.sum(), table.synthetic.sum()) == (1_420, 600)
    assert (table.mask.sum(axis=1)[table.labelled] == 1).mean() == pytest.approx(0.644, abs=0.001)
    with Survey.open(survey.path) as again:
        export_jsonl(again, tmp_path / "uci.jsonl")
        before = again.data_hash(roles=ROLES)
    import_jsonl(tmp_path / "uci.jsonl", tmp_path / "again.survey")
    with Survey.open(tmp_path / "again.survey") as again:
        assert again.data_hash(roles=ROLES) == before
