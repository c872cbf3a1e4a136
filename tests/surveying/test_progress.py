from __future__ import annotations

import pytest

from localizer.survey.coverage import Coverage
from localizer.surveying.progress import measure_progress
from tests.surveying.visits import BEACONS, covered, visit

LEVELS = {beacon: -60.0 - 5 * i for i, beacon in enumerate(BEACONS)}
OTHER = {beacon: -60.0 - 5 * i for i, beacon in enumerate(BEACONS[::-1])}


def test_every_point_has_a_state() -> None:
    coverage = Coverage(
        (
            covered("none", 1.0),
            covered("little", 2.0, visit(LEVELS, scans=2)),
            covered("cut", 3.0, visit(LEVELS, status="incomplete")),
            covered("once", 4.0, visit(LEVELS)),
            covered("cut and redone", 5.0, visit(LEVELS, status="incomplete"), visit(LEVELS)),
            covered("twice", 6.0, visit(LEVELS, scans=3), visit(LEVELS, scans=3)),
            covered("torn", 7.0, visit(LEVELS), visit(OTHER)),
        ),
        (),
    )
    progress = measure_progress(coverage)
    assert [one.state for one in progress.points] == [
        "lacking",
        "lacking",
        "incomplete",
        "one_visit",
        "one_visit",
        "agree",
        "contradict",
    ]
    assert progress.done == 4
    assert [point.id for point in progress.lacking] == ["none", "little", "cut"]
    assert [point.id for point in progress.contradicting] == ["torn"]
    assert progress.points[5].scans == 6


def test_the_minutes_left_are_those_of_the_lacking_points() -> None:
    points = [
        covered(f"P{i}", float(i), visit(LEVELS, number=i, start_s=40.0 * i, point=f"P{i}"))
        for i in range(3)
    ]
    coverage = Coverage((*points, covered("P3", 3.0), covered("P4", 4.0)), ())
    assert measure_progress(coverage).minutes_left == pytest.approx(2 * 40 / 60)
    assert measure_progress(Coverage(tuple(points), ())).minutes_left == 0.0
    assert measure_progress(coverage, scans_wanted=50).done == 0


def test_headings_of_one_stay_are_one_visit_and_do_not_contradict_each_other() -> None:
    north = visit(LEVELS, number=1, heading_deg=90.0)
    south = visit(OTHER, number=2, start_s=30.0, heading_deg=270.0)
    stay = covered("turned", 1.0, south, north)
    hours_later = visit(OTHER, number=3, start_s=7_200.0, heading_deg=270.0)
    back = covered("back", 2.0, north, hours_later)
    again = covered("again", 3.0, north, visit(OTHER, number=4, start_s=30.0, heading_deg=90.0))
    progress = measure_progress(Coverage((stay, back, again), ()))
    assert [one.state for one in progress.points] == ["one_visit", "contradict", "contradict"]
