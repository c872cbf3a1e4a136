from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from localizer.clock import NS_PER_S, s_to_ns
from localizer.site import Floor
from localizer.sites import built_in_site
from localizer.walkable import crossings, walkable, walls_array
from localizer.walker import SPEED_M_S, STOP_S, Leg, legs_until, random_walk, standing

FLOOR = built_in_site("demo").floors[0]


def walk(seed: int, floor: Floor = FLOOR, *, minutes: float = 10.0, start_ns: int = 0) -> list[Leg]:
    legs = random_walk(floor, np.random.default_rng(seed), start_ns=start_ns)
    return list(legs_until(legs, start_ns + s_to_ns(60 * minutes)))


def test_a_leg_goes_straight_on() -> None:
    leg = Leg(10, 20, (0.0, 0.0), (4.0, 2.0), 0.0)
    assert [leg.at(time) for time in (0, 10, 15, 20, 99)] == [
        (0.0, 0.0),
        (0.0, 0.0),
        (2.0, 1.0),
        (4.0, 2.0),
        (4.0, 2.0),
    ]


def test_legs_have_no_gaps_in_time_or_place() -> None:
    legs = walk(1, start_ns=777)
    assert legs[0].start_ns == 777
    for one, following in itertools.pairwise(legs):
        assert one.end_ns == following.start_ns
        assert one.to_m == following.from_m
    assert legs[-2].end_ns < s_to_ns(600) + 777 <= legs[-1].end_ns


def test_walking_has_one_speed_and_stops_their_length() -> None:
    legs = walk(2, minutes=30)
    stops = [leg for leg in legs if leg.from_m == leg.to_m]
    assert 0.05 < len(stops) / len(legs) < 0.9
    for leg in legs:
        seconds = (leg.end_ns - leg.start_ns) / NS_PER_S
        if leg in stops:
            assert STOP_S[0] <= seconds <= STOP_S[1]
        else:
            assert math.dist(leg.from_m, leg.to_m) / seconds == pytest.approx(SPEED_M_S, rel=1e-6)


def test_the_walker_faces_where_it_goes() -> None:
    moving = [leg for leg in walk(3) if leg.from_m != leg.to_m]
    for leg in moving:
        (x1, y1), (x2, y2) = leg.from_m, leg.to_m
        along = math.radians(leg.heading_deg)
        length = math.dist(leg.from_m, leg.to_m)
        assert (math.cos(along), math.sin(along)) == pytest.approx(
            ((x2 - x1) / length, (y2 - y1) / length)
        )


@pytest.mark.parametrize("seed", range(3))
def test_no_wall_is_passed_and_nothing_blocked_is_entered(seed: int) -> None:
    legs = walk(seed, minutes=20)
    from_m, to_m = np.array([leg.from_m for leg in legs]), np.array([leg.to_m for leg in legs])
    assert not crossings(from_m, to_m, walls_array(FLOOR.walls)).any()
    dense = from_m + np.linspace(0, 1, 40)[:, None, None] * (to_m - from_m)
    assert walkable(FLOOR, dense.reshape(-1, 2)).all()


def test_the_walker_gets_everywhere() -> None:
    rooms = {(leg.to_m[0] // 8, leg.to_m[1] > 9) for leg in walk(4, minutes=30)}
    assert len(rooms) == 6


def test_the_stream_of_random_numbers_fixes_the_walk() -> None:
    assert walk(5) == walk(5)
    assert walk(5) != walk(6)


def test_time_goes_on_where_there_is_hardly_room() -> None:
    tiny = Floor("0", "", ((0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5)))
    assert walk(0, tiny, minutes=1)[-1].end_ns >= s_to_ns(60)


def test_standing_is_one_place_in_short_legs() -> None:
    legs = list(standing((1.0, 2.0), 2.5, start_ns=5))
    assert [(leg.start_ns, leg.end_ns) for leg in legs] == [
        (5, NS_PER_S + 5),
        (NS_PER_S + 5, 2 * NS_PER_S + 5),
        (2 * NS_PER_S + 5, s_to_ns(2.5) + 5),
    ]
    assert {leg.at(leg.end_ns) for leg in legs} == {(1.0, 2.0)}
