from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from localizer.errors import ConfigError, SurveyError
from localizer.radio import RadioParameters
from localizer.scans import Fingerprint
from localizer.simulated_survey import SCAN_S, SESSIONS, SimulatedSession, simulate_survey
from localizer.simulator import SimulatedSite
from localizer.sites import built_in_site
from localizer.survey import ROLES, Survey
from localizer.walkable import walkable

DEMO = built_in_site("demo")
SMALL = (
    SimulatedSession("a"),
    SimulatedSession("b", "sealed", receiver_offset_db=-10.0),
    SimulatedSession("walk", walk_s=31.0),
)


def rows_of(path: Path) -> list[Fingerprint]:
    with Survey.open(path) as survey:
        return list(survey.fingerprints(roles=ROLES))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    result = tmp_path_factory.mktemp("survey") / "demo.survey"
    count = simulate_survey(DEMO, result, seed=1, step_m=4.0, scans_per_place=2, sessions=SMALL)
    assert count == len(rows_of(result))
    return result


def test_every_session_visits_every_place_in_an_order_of_its_own(path: Path) -> None:
    with Survey.open(path) as survey:
        counts = {one.session.id: one for one in survey.counts().sessions}
        places = survey.counts().places
        assert survey.site == DEMO
    assert places == 6 * 4 - 1  # one point of the grid is the corner of what is blocked
    assert counts["a"].labelled == counts["b"].labelled == 2 * places
    assert [counts[name].session.role for name in "ab"] == ["development", "sealed"]
    order = {
        name: [row.position for row in rows_of(path) if row.session == name][::2] for name in "ab"
    }
    assert set(order["a"]) == set(order["b"])
    assert order["a"] != order["b"]


def test_the_walk_is_unlabelled_and_without_gaps(path: Path) -> None:
    walk = [row for row in rows_of(path) if row.session == "walk"]
    assert len(walk) == 10
    assert all(row.position is None for row in walk)
    assert [row.scan.start_ns for row in walk] == [3 * 10**9 * i for i in range(10)]
    assert sum(bool(row.scan.readings) for row in walk) == 10


def test_a_visit_is_the_scans_at_one_place(path: Path) -> None:
    visits: dict[str, list[Fingerprint]] = {}
    for row in rows_of(path):
        if row.position is not None:
            visits.setdefault(row.visit, []).append(row)
    assert len(visits) == 2 * 23
    for rows in visits.values():
        assert len({row.position for row in rows}) == 1
        assert rows[1].scan.start_ns - rows[0].scan.start_ns == SCAN_S * 1e9
        assert (rows[1].time_utc - rows[0].time_utc).total_seconds() == SCAN_S


def test_sessions_lie_apart_in_time(path: Path) -> None:
    rows = rows_of(path)
    days = {row.session: row.local_date for row in rows}
    assert len(set(days.values())) == 3
    for one, following in pairwise(rows):
        if one.session == following.session:
            gap_s = (following.time_utc - one.time_utc).total_seconds()
            assert gap_s == pytest.approx((following.scan.start_ns - one.scan.start_ns) / 1e9)


def test_places_are_walkable(path: Path) -> None:
    places = {row.position for row in rows_of(path)} - {None}
    points = np.array([(place.x_m, place.y_m) for place in places if place is not None])
    assert walkable(DEMO.floors[0], points).all()


def test_readings_follow_the_simulated_site(path: Path) -> None:
    quiet = RadioParameters(sensitivity_dbm=-150.0)
    site = SimulatedSite(DEMO, quiet, seed=1).with_receiver(offset_db=0.0, body_loss_db=6.0)
    differences = []
    for row in rows_of(path):
        if row.session == "a" and row.position is not None:
            at = [[row.position.x_m, row.position.y_m]]
            expected = site.expected_rssi_dbm(at, headings_deg=[0.0])[0]
            for beacon, rssi in row.scan.readings.items():
                mean = expected[site.beacons.index(beacon)]
                if mean > -80:  # far above what is not heard
                    assert 5 <= len(rssi) <= 15
                    differences.append(float(np.mean(rssi)) - mean)
    assert len(differences) > 100
    assert np.mean(differences) == pytest.approx(-1.5, abs=0.5)  # the mean in dB of the fading
    assert np.std(differences) < 3.0


def test_sessions_differ_by_their_receiver(path: Path) -> None:
    heard = {
        name: np.mean([len(row.scan.readings) for row in rows_of(path) if row.session == name])
        for name in "ab"
    }
    assert heard["a"] > heard["b"] + 1


def test_the_seed_fixes_the_survey(tmp_path: Path) -> None:
    def data_hash(name: str, seed: int) -> str:
        path = tmp_path / name
        simulate_survey(DEMO, path, seed=seed, step_m=8.0, scans_per_place=1, sessions=SMALL)
        with Survey.open(path) as survey:
            return survey.data_hash(roles=ROLES)

    assert data_hash("one", 1) == data_hash("same", 1)
    assert data_hash("one", 1) != data_hash("other", 2)


def test_a_simulated_floor_brings_its_own_radio(tmp_path: Path) -> None:
    deaf = SimulatedSite(DEMO, RadioParameters(sensitivity_dbm=0.0))
    simulate_survey(deaf, tmp_path / "deaf", seed=1, step_m=8.0, scans_per_place=1, sessions=SMALL)
    rows = rows_of(tmp_path / "deaf")
    assert len(rows) > 10
    assert all(not row.scan.readings for row in rows)


def test_the_sessions_by_default() -> None:
    labelled = [one for one in SESSIONS if not one.walk_s]
    assert len(labelled) == 5
    assert [one.role for one in labelled].count("sealed") == 1
    assert len({(one.receiver_offset_db, one.heading_deg) for one in labelled}) == 5
    assert any(one.walk_s for one in SESSIONS)


@pytest.mark.parametrize(
    ("step_m", "scans_per_place", "sessions", "told"),
    [
        (0.0, 1, SMALL, "step_m > 0"),
        (float("nan"), 1, SMALL, "step_m > 0"),
        (8.0, 0, SMALL, "scans_per_place >= 1"),
        (8.0, 1, (SimulatedSession("a"),), "sealed session"),
        (8.0, 1, (), "sealed session"),
    ],
)
def test_bad_numbers_are_refused(
    tmp_path: Path,
    step_m: float,
    scans_per_place: int,
    sessions: tuple[SimulatedSession, ...],
    told: str,
) -> None:
    with pytest.raises(ConfigError, match=told):
        simulate_survey(
            DEMO,
            tmp_path / "a",
            seed=1,
            step_m=step_m,
            scans_per_place=scans_per_place,
            sessions=sessions,
        )
    assert not (tmp_path / "a").exists()


def test_a_session_stands_once_and_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    simulate_survey(DEMO, path, seed=1, step_m=8.0, scans_per_place=1, sessions=SMALL)
    old = path.read_bytes()
    twice = (*SMALL, replace(SMALL[0]))
    with pytest.raises(SurveyError, match="stand once"):
        simulate_survey(DEMO, path, seed=1, step_m=8.0, scans_per_place=1, sessions=twice)
    assert path.read_bytes() == old
