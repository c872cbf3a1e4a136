from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from localizer.beacons import BeaconId
from localizer.clock import JumpingClock, s_to_ns
from localizer.doctor import Finding, TraceExam, is_fit
from localizer.scans import Advertisement
from localizer.sources import open_source
from tests.sources.contract import run, take

A, B = BeaconId("name:demo:b01"), BeaconId("name:demo:b02")


def trace(
    levels: Iterable[float], beacon: BeaconId = A, every_s: float = 0.2
) -> list[Advertisement]:
    return [Advertisement(beacon, rssi, s_to_ns(n * every_s)) for n, rssi in enumerate(levels)]


def findings(rows: Iterable[Advertisement]) -> dict[str, Finding]:
    exam = TraceExam()
    for row in rows:
        exam.hear(row)
    return {one.check: one for one in exam.findings()}


def passed_on_from_8_db(levels: Iterable[float]) -> list[float]:
    """What BlueZ makes of a stream without a filter: the last level again until 8 dB away."""
    told: list[float] = []
    for level in levels:
        far = not told or abs(level - told[-1]) >= 8
        told.append(level if far else told[-1])
    return told


def real_levels(seed: int) -> list[float]:
    rng = random.Random(seed)
    return [round(rng.gauss(-70, 5)) for _ in range(300)]


@pytest.mark.parametrize("seed", range(5))
def test_a_threshold_is_suspected_where_there_is_one_and_not_where_there_is_none(seed: int) -> None:
    rows = real_levels(seed)
    assert findings(trace(rows))["threshold"].level == "ok"
    found = findings(trace(passed_on_from_8_db(rows)))["threshold"]
    assert found.level == "fail"
    assert "RSSI threshold/deduplication suspected" in found.said
    assert found.advice


@pytest.mark.parametrize(
    ("levels", "level"),
    [
        ([-70.0] * 40, "fail"),
        ([-60.0, -68.0] * 20, "fail"),
        ([-60.0, -67.0] * 20, "ok"),
        ([-60.0] * 39 + [-61.0], "ok"),
        ([-60.0, -68.0] * 10, "warn"),
        ([-60.0], "warn"),
    ],
)
def test_differences_of_0_or_from_8_db_on_are_suspicious(levels: list[float], level: str) -> None:
    assert findings(trace(levels))["threshold"].level == level


def test_two_beacons_are_not_compared_with_each_other() -> None:
    both = [
        row
        for pair in zip(trace([-60.0] * 40), trace([-61.0] * 40, B), strict=True)
        for row in pair
    ]
    assert findings(both)["threshold"].level == "fail"


def test_a_simulated_radio_is_fit() -> None:
    rows = run(take(open_source("simulate:demo", clock=JumpingClock()), 2_000))
    assert is_fit(findings(rows).values())


def test_nothing_heard_is_unfit() -> None:
    (found,) = findings([]).values()
    assert (found.check, found.level) == ("rates", "fail")


def test_rates_are_told_by_beacon_the_rarest_first() -> None:
    found = findings([*trace([-70.0, -72.0] * 10), *trace([-75.0] * 5, B, every_s=0.95)])["rates"]
    assert found.level == "ok"
    assert "name:demo:b02 1.3, name:demo:b01 5.3" in found.said


@pytest.mark.parametrize(("rssi", "level"), [(-60.0, "warn"), (-95.0, "ok")])
def test_a_near_beacon_that_is_rare_is_told(rssi: float, level: str) -> None:
    assert findings(trace([rssi] * 5, every_s=3.0))["rates"].level == level


def test_many_beacons_are_not_all_named() -> None:
    rows = [row for n in range(30) for row in trace([-70.0] * 3, BeaconId(f"name:demo:c{n}"))]
    assert "and 18 that are heard more often" in findings(rows)["rates"].said
