from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from localizer.beacons import BeaconId
from localizer.clock import s_to_ns
from localizer.simulator import SimulatedSite
from localizer.site import Position
from localizer.sites import built_in_site
from localizer.sources.status import SourceStatus
from localizer.survey.coverage import Visit
from localizer.survey.derivation import WINDOW_S
from localizer.surveying.enough import SCANS_PER_POINT, STAND_S
from localizer.surveying.quality import (
    MIN_ADVERTS,
    NEIGHBOURS,
    StandRecording,
    judge_recording,
    nearest_visits,
)
from localizer.surveying.steadiness import judge_steadiness, robust_sd_db
from localizer.walkable import grid_points_m
from localizer.walker import Leg, standing
from tests.surveying.visits import BEACONS, A, B, C, covered, packets, visit


def stand(duration_s: float, readings: Mapping[BeaconId, Sequence[float]]) -> StandRecording:
    """Return a stand in every scan of which something was heard."""
    return StandRecording(duration_s, readings, int(duration_s / WINDOW_S))


GOOD = stand(20.0, {b: packets(-70.0, seed=i) for i, b in enumerate(BEACONS)})


def reasons(recording: StandRecording, *neighbours: Visit, **more: object) -> list[str]:
    return [one.reason for one in judge_recording(recording, neighbours, **more)]  # type: ignore[arg-type]


def test_a_good_recording_has_no_findings() -> None:
    around = [visit(dict.fromkeys(BEACONS, -72.0))] * 3
    status = SourceStatus("running", 0)
    assert judge_recording(GOOD, around, status=status) == ()
    assert reasons(GOOD) == []


def test_too_few_adverts_and_too_short_are_said_with_what_to_do() -> None:
    few = stand(20.0, {A: packets(-70.0, MIN_ADVERTS - 1)})
    (finding,) = judge_recording(few, [])
    assert (finding.reason, finding.text) == (
        "too_few_adverts",
        "19 packets heard; 20 are the least",
    )
    assert "stay" in finding.advice
    assert reasons(stand(20.0, {A: packets(-70.0, MIN_ADVERTS)})) == []
    assert reasons(stand(STAND_S - 0.1, {A: packets(-70.0)})) == ["too_short"]
    assert reasons(stand(STAND_S, {A: packets(-70.0)})) == []
    assert reasons(stand(0.0, {})) == ["too_short", "too_few_adverts"]


def test_a_stand_whose_scans_were_silent_is_too_short_however_long_it_took() -> None:
    deaf = StandRecording(2 * STAND_S, GOOD.readings, SCANS_PER_POINT - 1)
    (finding,) = judge_recording(deaf, [])
    assert finding.reason == "too_short"
    assert finding.text == "something was heard in 4 of 10 scans; 5 are the least"
    assert "localizer doctor" in finding.advice


def test_a_beacon_that_two_neighbours_hear_is_missed() -> None:
    without = stand(20.0, {b: r for b, r in GOOD.readings.items() if b != A})
    loud = visit({A: -75.0, B: -70.0, C: -70.0})
    findings = judge_recording(without, [loud, loud])
    assert [(one.reason, one.beacons) for one in findings] == [("beacon_silent", (A,))]
    assert f"{A} is not heard here, but 2 points around hear it at -75 dBm" in findings[0].text
    assert reasons(without, loud) == []
    weak = visit({A: -86.0, B: -70.0, C: -70.0})
    assert reasons(without, loud, weak) == []
    assert reasons(without, loud, loud, retired=[A]) == []


def test_a_rate_far_below_that_of_the_neighbours_is_said() -> None:
    around = [visit(dict.fromkeys(BEACONS, -72.0))] * 2  # 40 packets in 20 s each
    throttled = stand(40.0, {b: packets(-70.0, 20) for b in BEACONS})
    assert reasons(throttled, *around) == ["rate_dropped"]
    assert reasons(throttled, *around[:1]) == []
    assert reasons(stand(40.0, {b: packets(-70.0, 30) for b in BEACONS}), *around) == []


@pytest.mark.parametrize("state", ["opening", "recovering", "ended", "failed"])
def test_a_source_that_does_not_run_is_said(state: str) -> None:
    status = SourceStatus(state, 0, "powered_off", "switch Bluetooth on")  # type: ignore[arg-type]
    (finding,) = judge_recording(GOOD, [], status=status)
    assert finding.reason == "source_not_running"
    assert f"{state} (switch Bluetooth on)" in finding.text


def test_two_places_under_one_name_are_seen() -> None:
    here, there = packets(-60.0, 20), packets(-80.0, 20)
    both = stand(20.0, {A: here + there, B: there + here})
    findings = judge_recording(both, [])
    assert {one.reason for one in findings} == {"spread_too_wide", "moved"}
    assert all(one.beacons == (A, B) for one in findings)
    # One beacon alone may be a door that was opened.
    one = stand(20.0, {A: packets(-66.0, 20) + packets(-74.0, 20), B: packets(-70.0)})
    assert reasons(one) == []


def test_the_robust_spread_is_that_of_a_normal_distribution_and_bears_outliers() -> None:
    values = np.random.default_rng(0).normal(-70, 4, 10_000)
    assert robust_sd_db(values) == pytest.approx(4.0, abs=0.1)
    values[:1000] = -20
    assert robust_sd_db(values) == pytest.approx(4.0, abs=0.7)


def test_the_simulator_s_radio_is_steady_at_a_place_and_not_on_the_way() -> None:
    site = built_in_site("demo")
    simulated = SimulatedSite(site, seed=3)
    points = grid_points_m(site.floors[0], 4.0)
    half_ns, moved = s_to_ns(10), 0
    for number, a in enumerate(points):
        here, there = (float(a[0]), float(a[1])), tuple(points[number - 1].tolist())
        for legs, walks in (
            (list(standing(here, 20.0)), False),
            (
                [Leg(0, half_ns, here, here, 0.0), Leg(half_ns, 2 * half_ns, there, there, 0.0)],
                True,
            ),
        ):
            readings: dict[object, list[float]] = {}
            for advert in simulated.advertisements(legs, seed=number):
                readings.setdefault(advert.beacon, []).append(advert.rssi_dbm)
            found = {one.reason for one in judge_steadiness(readings)}  # type: ignore[arg-type]
            assert walks or not found
            moved += walks and "moved" in found
    assert moved > len(points) / 2


def test_the_nearest_points_are_asked_each_by_its_last_visit() -> None:
    first, last = visit({A: -70.0}, start_s=0.0), visit({A: -60.0}, number=1, start_s=100.0)
    points = [covered(f"P{x}", float(x), visit({A: -70.0}, number=x)) for x in range(2, 8)]
    points += [
        covered("here", 1.0, visit({B: -70.0})),
        covered("P1", 1.1, last, first),
        covered("open", 1.2, visit({C: -70.0}, duration_s=None)),
        covered("up", 1.0, visit({C: -70.0}), floor="1"),
    ]
    found = nearest_visits(Position(1.0, 1.0), points, without="here")
    assert len(found) == NEIGHBOURS
    assert found[0] is last
    assert [one.recording.id for one in found[1:]] == ["r2", "r3", "r4"]
    assert nearest_visits(Position(90.0, 1.0), points) == ()
