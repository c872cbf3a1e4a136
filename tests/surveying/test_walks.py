from __future__ import annotations

import pytest

from localizer.clock import s_to_ns
from localizer.errors import SiteError, WalkError
from localizer.site import Position
from localizer.survey.records import Waypoint
from localizer.surveying.walks import check_tap, check_taps, leg_issues
from tests.surveying.floors import TWO_ROOMS, site_of


def tap(at_s: float, x_m: float, y_m: float, floor: str = "0") -> Waypoint:
    return Waypoint(s_to_ns(at_s), Position(x_m, y_m, floor))


def refusal(*taps: Waypoint) -> str:
    with pytest.raises(WalkError) as caught:
        check_taps(taps)
    return str(caught.value.reason)


def test_a_walk_at_walking_pace_is_taken() -> None:
    check_taps([tap(0, 0, 0), tap(5, 6, 0), tap(30, 6, 0), tap(35, 6, 8)])
    check_tap(None, tap(0, 0, 0))


def test_nobody_walks_faster_than_three_metres_a_second() -> None:
    check_tap(tap(0, 0, 0), tap(2, 6.0, 0))
    with pytest.raises(WalkError, match=r"6\.2 m in 2\.0 s are 3\.1 m/s") as caught:
        check_tap(tap(0, 0, 0), tap(2, 6.2, 0))
    assert caught.value.reason == "too_fast"
    assert refusal(tap(0, 0, 0), tap(5, 1, 0), tap(6, 9, 0)) == "too_fast"


def test_two_waypoints_close_together_may_be_tapped_in_one_go() -> None:
    check_tap(tap(0, 0, 0), tap(0.1, 1.0, 0))


def test_a_way_to_another_floor_has_no_speed() -> None:
    check_tap(tap(0, 0, 0), tap(3, 50, 0, "1"))


def test_taps_come_in_the_order_of_time() -> None:
    assert refusal(tap(5, 0, 0), tap(4, 0, 0)) == "not_later"
    assert refusal(tap(5, 0, 0), tap(5, 0, 0)) == "not_later"


def test_a_walk_has_a_start_and_an_end() -> None:
    assert refusal() == "too_few_taps"
    assert refusal(tap(0, 0, 0)) == "too_few_taps"


def test_a_leg_through_a_wall_or_a_table_is_flagged() -> None:
    around = [tap(12, 9, 5), tap(18, 9, 9), tap(24, 1, 9)]
    issues = leg_issues([tap(0, 4, 1), tap(5, 5.5, 1), tap(12, 8.5, 7)], site_of(TWO_ROOMS))
    assert [(one.leg, one.reason) for one in issues] == [(0, "through_wall"), (1, "through_wall")]
    issues = leg_issues(around, site_of(TWO_ROOMS))
    assert issues == ()


def test_long_legs_and_stairs_are_flagged() -> None:
    upstairs = TWO_ROOMS.__class__("1", "", TWO_ROOMS.outline)
    site = site_of(TWO_ROOMS, upstairs)
    taps = [tap(0, 1, 1), tap(21, 1, 8), tap(40, 9, 9, "1")]
    issues = leg_issues(taps, site)
    assert [(one.leg, one.reason) for one in issues] == [(0, "long"), (1, "other_floor")]
    with pytest.raises(SiteError, match="no floor"):
        leg_issues([tap(0, 1, 1, "9"), tap(5, 1, 1, "9")], site)
