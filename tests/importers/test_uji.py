import csv
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from localizer.errors import SurveyError
from localizer.importers import ImportReport
from localizer.importers.source_files import DataFolder
from localizer.importers.uji import Zone, import_uji
from localizer.scans import Fingerprint, Session
from localizer.site import Site
from localizer.sites import built_in_site
from localizer.survey import ROLES, Survey
from localizer.table import FingerprintTable, table_from_fingerprints
from localizer.walkable import inside, walkable
from tests.real_data import uji_folder

ZONES: tuple[Zone, ...] = ("lib", "geo")
SILENT = 100


class _Line(NamedTuple):
    ids: str
    at: str = "1.5,2.5"
    rss: str = "-60,100"
    tms: str = "5000000000,0"


def _write(folder: Path, lines: list[_Line]) -> DataFolder:
    for name in ("rss", "dep", "obs"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "dep/lib.csv").write_text("id,x,y\n23,0.5,1.5\n24,2.5,1.5\n")
    (folder / "obs/lib.csv").write_text("id,x,y,type\n")
    for part, column in zip(("ids", "crd", "rss", "tms"), zip(*lines, strict=True), strict=True):
        (folder / f"rss/lib_{part}.csv").write_text("\n".join(column) + "\n")
    return DataFolder(folder, "test")


def _import(
    folder: Path, lines: list[_Line]
) -> tuple[ImportReport, list[Session], list[Fingerprint]]:
    path = folder / "uji.survey"
    report = import_uji(_write(folder, lines), path, zone="lib", verify=False)
    with Survey.open(path) as survey:
        return report, survey.sessions, list(survey.fingerprints(roles=ROLES))


def test_a_sample_becomes_a_fingerprint_and_the_first_is_left_out(tmp_path: Path) -> None:
    lines = [
        _Line("12201701", rss="100,100", tms="0,0"),
        _Line("12201702", rss="-60,-71", tms="5000000000,4500000001"),
        _Line("12201706", rss="100,-80", tms="0,9000000000"),
    ]
    report, (session,), (got, last) = _import(tmp_path, lines)
    assert report.fingerprints == 2
    assert (session.id, session.role, session.device) == ("training", "development", "Galaxy A5")
    assert "first sample of each of 1 visits is left out" in session.note
    assert "heard 0.0 beacons, later ones 1.5" in session.note
    assert got.scan.readings == {"name:uji-lib:23": (-60.0,), "name:uji-lib:24": (-71.0,)}
    assert (got.scan.start_ns, got.scan.duration_s) == (4_500_000_001, 1.0)
    assert (last.scan.readings, last.scan.duration_s) == ({"name:uji-lib:24": (-80.0,)}, 2.0)
    assert (got.visit, got.device) == ("training/a5-point-017", "Galaxy A5")
    assert got.time_utc == datetime(1970, 1, 1, 0, 0, 4, 500_000, tzinfo=UTC)
    assert got.position is not None
    assert (got.position.x_m, got.position.y_m, got.position.floor) == (1.5, 2.5, "1")


def test_a_sample_that_heard_nothing_takes_the_last_time_known(tmp_path: Path) -> None:
    lines = [
        _Line("12201702", rss="100,100", tms="0,0"),
        _Line("12201703", tms="5000000000,0"),
        _Line("12201704", rss="-60,-60", tms="6000000000,6300000000"),
        _Line("12201705", rss="100,100", tms="0,0"),
    ]
    _, _, got = _import(tmp_path, lines)
    assert [one.scan.start_ns for one in got] == [5 * 10**9, 5 * 10**9, 6 * 10**9, 63 * 10**8]
    assert [len(one.scan.readings) for one in got] == [0, 1, 2, 0]


def test_visits_end_where_the_point_or_the_phone_changes_or_samples_begin_anew(
    tmp_path: Path,
) -> None:
    ids = ["12200102", "12200103", "12200202", "22200202", "22200202", "22300202"]
    lines = [_Line(one, tms=f"{second}000000000,0") for second, one in enumerate(ids, start=1)]
    _, sessions, got = _import(tmp_path, lines)
    assert [one.visit for one in got] == [
        "training/a5-point-001",
        "training/a5-point-001",
        "training/a5-point-002",
        "training/bq-point-002",
        "training/bq-point-002-again-1",
        "test/bq-point-002",
    ]
    assert {one.id: one.role for one in sessions} == {"training": "development", "test": "sealed"}
    # Two phones never seem to stand there at the same time.
    assert [one.local_date.day for one in got] == [1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (_Line("42201702"), "phone and power 1 to 3, but got '42201702'"),
        (_Line("1220170"), "8 digits"),
        (_Line("12201702", at="1.5"), "not enough values"),
        (_Line("12201702", rss="-60"), "2 RSSIs and times, but got 1 and 2"),
        (_Line("12201702", rss="5,100"), "but got 5 and 5000000000"),
        (_Line("12201702", rss="-60,-70"), "with a time, or 100 without one, but got -70 and 0"),
        (_Line("12201702", tms="1,2"), "but got 100 and 2"),
    ],
)
def test_a_damaged_row_is_named_and_nothing_else_is_lost(
    tmp_path: Path, line: _Line, reason: str
) -> None:
    report, _, got = _import(tmp_path, [_Line("12201602"), line, _Line("12201802")])
    assert len(got) == report.fingerprints == 2
    (problem,) = report.problems
    assert (problem.path, problem.line) == (tmp_path / "rss/lib_rss.csv", 2)
    assert reason in problem.reason


def test_another_checksum_or_length_or_no_file_is_refused(tmp_path: Path) -> None:
    files, target = _write(tmp_path, [_Line("12201602")]), tmp_path / "s.survey"
    with pytest.raises(SurveyError, match=r"lib\.csv must have sha256 ff683f12"):
        import_uji(files, target, zone="lib")
    (tmp_path / "rss/lib_tms.csv").write_text("1,0\n1,0\n")
    with pytest.raises(SurveyError, match=r"as many lines as each other, but have \[1, 1, 1, 2\]"):
        import_uji(files, target, zone="lib", verify=False)
    (tmp_path / "rss/lib_tms.csv").unlink()
    with pytest.raises(SurveyError, match="No such file"):
        import_uji(files, target, zone="lib", verify=False)
    assert not target.exists()


class _Real(NamedTuple):
    sessions: dict[str, Session]
    rows: list[Fingerprint]
    site: Site

    def table(self, *sessions: str) -> FingerprintTable:
        rows = [one for one in self.rows if one.session in sessions]
        return table_from_fingerprints(rows, [beacon.id for beacon in self.site.beacons])

    def places_m(self) -> np.ndarray:
        at = [beacon.position for beacon in self.site.beacons]
        return np.array([(one.x_m, one.y_m) for one in at if one is not None])


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[Zone, _Real]:
    folder, got = tmp_path_factory.mktemp("uji"), {}
    for zone in ZONES:
        path = folder / f"{zone}.survey"
        report = import_uji(uji_folder(), path, zone=zone)
        assert report.problem_count == 0
        with Survey.open(path) as survey:
            rows = list(survey.fingerprints(roles=ROLES))
            got[zone] = _Real({one.id: one for one in survey.sessions}, rows, survey.site)
            assert len(rows) == report.fingerprints
    return got


def _numbers(name: str) -> np.ndarray:
    return np.loadtxt(uji_folder().folder / name, delimiter=",", dtype=float)


def test_the_library_has_the_rows_of_its_readme(real: dict[Zone, _Real]) -> None:
    lib = real["lib"]
    assert {one.id: one.role for one in lib.sessions.values()} == {
        "training": "development",
        "test": "sealed",
    }
    assert Counter(one.session for one in lib.rows) == {"training": 730, "test": 1_020}
    assert {one.device for one in lib.sessions.values()} == {"Galaxy A5, BQ, Galaxy S6"}
    points = {(one.session, one.visit.split("point-")[1][:3]) for one in lib.rows}
    assert Counter(session for session, _ in points) == {"training": 48, "test": 68}
    # The BQ visited two points of the training campaign twice.
    assert len({one.visit for one in lib.rows}) == 350
    again = {one.visit for one in lib.rows if "again" in one.visit}
    assert again == {"training/bq-point-017-again-1", "training/bq-point-031-again-1"}
    assert "each of 146 visits is left out" in lib.sessions["training"].note
    assert "each of 204 visits is left out" in lib.sessions["test"].note


def test_the_office_has_one_session_a_power_and_none_is_sealed(real: dict[Zone, _Real]) -> None:
    geo = real["geo"]
    assert {one.role for one in geo.sessions.values()} == {"development"}
    assert Counter(one.session for one in geo.rows) == {
        "minus-4dbm": 816,
        "minus-12dbm": 816,
        "minus-20dbm": 816,
    }
    assert "all beacons transmit at -20 dBm" in geo.sessions["minus-20dbm"].note
    heard = {name: geo.table(name).mask.mean() for name in geo.sessions}
    assert heard["minus-4dbm"] > heard["minus-12dbm"] > heard["minus-20dbm"]


@pytest.mark.parametrize("zone", ZONES)
def test_the_first_samples_are_nearly_empty_and_no_others(
    real: dict[Zone, _Real], zone: Zone
) -> None:
    heard = (_numbers(f"rss/{zone}_rss.csv") != SILENT).sum(axis=1)
    sample = _numbers(f"rss/{zone}_ids.csv").astype(int) % 100
    first, later = heard[sample == 1], heard[sample > 1]
    expected = {"lib": (0.52, 14.42), "geo": (1.27, 8.09)}[zone]
    assert (first.mean(), later.mean()) == pytest.approx(expected, abs=0.02)
    kept = [len(one.scan.readings) for one in real[zone].rows]
    assert Counter(kept) == Counter(later.tolist())


@pytest.mark.parametrize("zone", ZONES)
def test_readings_positions_and_times_are_those_of_the_files(
    real: dict[Zone, _Real], zone: Zone
) -> None:
    rssi, times = _numbers(f"rss/{zone}_rss.csv"), _numbers(f"rss/{zone}_tms.csv")
    assert ((rssi == SILENT) == (times == 0)).all()
    later = _numbers(f"rss/{zone}_ids.csv").astype(int) % 100 > 1
    got = real[zone].table(*real[zone].sessions)
    filled = np.where(got.mask, got.rssi_dbm, SILENT)
    files = np.hstack([_numbers(f"rss/{zone}_crd.csv"), rssi])[later]
    ours = np.hstack([got.position_m, filled])
    assert sorted(map(tuple, files.tolist())) == sorted(map(tuple, ours.tolist()))
    starts = [one.scan.start_ns for one in real[zone].rows if one.scan.readings]
    first = [row[row > 0].min() for row in times[later] if row.any()]
    assert sorted(starts) == sorted(first)


@pytest.mark.parametrize("zone", ZONES)
def test_no_sample_lasts_longer_than_it_says(real: dict[Zone, _Real], zone: Zone) -> None:
    by_visit: dict[str, list[Fingerprint]] = {}
    for one in real[zone].rows:
        by_visit.setdefault(one.visit, []).append(one)
    for visit in by_visit.values():
        assert len({(one.session, one.device, one.position) for one in visit}) == 1
        starts = [one.scan.start_ns for one in visit]
        assert starts == sorted(starts)
        assert starts[-1] - starts[0] < sum(one.scan.duration_s for one in visit) * 1e9


@pytest.mark.parametrize("zone", ZONES)
def test_columns_stand_in_the_order_of_dep(real: dict[Zone, _Real], zone: Zone) -> None:
    table, places_m = real[zone].table(*real[zone].sessions), real[zone].places_m()
    away = np.linalg.norm(table.position_m[:, None] - places_m, axis=2)
    correlation = np.empty((len(places_m), len(places_m)))
    for column in range(len(places_m)):
        heard = table.mask[:, column]
        rssi = table.rssi_dbm[heard, column].astype(float)
        for beacon in range(len(places_m)):
            correlation[column, beacon] = np.corrcoef(away[heard, beacon], rssi)[0, 1]
    # Each column falls with the distance from its own beacon, and mostly from no other as steeply.
    own = np.diag(correlation)
    assert own.max() < -0.39
    assert own.mean() == pytest.approx({"lib": -0.524, "geo": -0.512}[zone], abs=0.001)
    assert (correlation.argmin(axis=1) == np.arange(len(own))).mean() > 0.75
    # In an order that is shifted by one it would be -0.22 and -0.20.
    assert np.diag(np.roll(correlation, 1, axis=0)).mean() > -0.25


@pytest.mark.parametrize("zone", ZONES)
def test_the_site_is_that_of_dep_and_obs(real: dict[Zone, _Real], zone: Zone) -> None:
    site, folder = built_in_site(f"uji-{zone}"), uji_folder().folder
    with (folder / f"dep/{zone}.csv").open() as file:
        beacons = {
            f"name:uji-{zone}:{row['id'].lower()}": (float(row["x"]), float(row["y"]))
            for row in csv.DictReader(file)
        }
    at = {str(beacon.id): beacon.position for beacon in site.beacons}
    assert {name: (p.x_m, p.y_m) for name, p in at.items() if p is not None} == beacons
    corners: dict[str, list[tuple[float, float]]] = {}
    with (folder / f"obs/{zone}.csv").open() as file:
        for row in csv.DictReader(file):
            corners.setdefault(row["id"], []).append((float(row["x"]), float(row["y"])))
    floor = site.floor("1")
    assert floor.blocked == tuple(tuple(polygon[:-1]) for polygon in corners.values())
    everything = [*beacons.values(), *(corner for one in corners.values() for corner in one)]
    assert inside(np.array(everything), floor.outline).all()
    assert walkable(floor, real[zone].table(*real[zone].sessions).position_m).all()


def test_the_weighted_centroid_has_the_error_of_the_raw_files(real: dict[Zone, _Real]) -> None:
    lib = real["lib"]
    table = lib.table("test")
    weights = np.where(table.mask, 10 ** (np.nan_to_num(table.rssi_dbm) / 15), 0.0)
    heard = table.mask.any(axis=1)
    at = weights[heard] @ lib.places_m() / weights[heard].sum(axis=1, keepdims=True)
    error = np.linalg.norm(at - table.position_m[heard], axis=1)
    assert (len(error), error.mean()) == (1_012, pytest.approx(1.767, abs=0.001))
    assert error[table.device[heard] == "Galaxy A5"].mean() == pytest.approx(2.491, abs=0.001)
