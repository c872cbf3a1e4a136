from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from localizer.errors import SiteError
from localizer.site import Floor, Position
from localizer.survey.records import Point
from localizer.surveying.reference_points import grid_of_points
from localizer.surveying.route import Routes
from localizer.walkable import crossings, walls_array
from tests.surveying.floors import CLOSED, HALL, TWO_ROOMS, site_of


def point(x_m: float, y_m: float, floor: str = "0") -> Point:
    return Point(f"{floor}:{x_m:g},{y_m:g}", Position(x_m, y_m, floor))


def test_the_nearest_point_is_the_nearest_to_walk() -> None:
    routes = Routes(site_of(TWO_ROOMS))
    beyond_the_wall, down_the_room = point(5.5, 1.0), point(1.0, 7.0)
    found = routes.next_point(Position(4.5, 1.0), [beyond_the_wall, down_the_room])
    assert found.point == down_the_room
    assert found.distance_m == pytest.approx(math.hypot(3.5, 6.0), rel=0.03)


def test_a_way_leads_through_the_door() -> None:
    routes = Routes(site_of(TWO_ROOMS))
    found = routes.next_point(Position(4.5, 1.0), [point(5.5, 1.0)])
    assert found.distance_m is not None
    through_the_door = 2 * math.hypot(0.5, 7.5)
    assert through_the_door <= found.distance_m < through_the_door + 1.0
    way = np.array(found.way_m)
    assert (found.way_m[0], found.way_m[-1]) == ((4.5, 1.0), (5.5, 1.0))
    assert not crossings(way[:-1], way[1:], walls_array(TWO_ROOMS.walls)).any()


def test_a_straight_way_is_as_long_as_the_line() -> None:
    found = Routes(site_of(HALL)).next_point(Position(1.0, 1.0), [point(8.0, 4.0)])
    assert found.distance_m == pytest.approx(math.hypot(7.0, 3.0))


def test_the_nearest_in_a_straight_line_wins_over_cells_in_eight_directions() -> None:
    # Along cells (4.2, 1.7) is 4.9 m away and (0, 4.7) 4.7 m; in truth 4.53 m and 4.7 m.
    found = Routes(site_of(HALL)).next_point(
        Position(0.25, 0.25), [point(0.25, 4.95), point(4.45, 1.95)]
    )
    assert found.point == point(4.45, 1.95)


def test_points_that_cannot_be_walked_to_are_named() -> None:
    closed_in, open_to_all = point(8.0, 1.0), point(1.0, 9.0)
    inside_table = point(7.0, 5.0)
    found = Routes(site_of(CLOSED)).next_point(Position(6.0, 1.0), [closed_in, open_to_all])
    assert (found.point, found.unreachable, found.done) == (open_to_all, (closed_in,), False)
    found = Routes(site_of(TWO_ROOMS)).next_point(Position(6.0, 1.0), [inside_table])
    assert (found.point, found.unreachable, found.done) == (None, (inside_table,), False)


def test_somebody_in_the_closed_room_is_sent_within_it() -> None:
    within, without = point(8.0, 1.0), point(6.5, 1.0)
    routes = Routes(site_of(CLOSED))
    found = routes.next_point(Position(9.0, 2.0), [without, within])
    assert (found.point, found.unreachable) == (within, (without,))
    found = routes.next_point(Position(6.0, 2.0), [without, within])
    assert (found.point, found.unreachable) == (without, (within,))


def test_nothing_left_is_done() -> None:
    found = Routes(site_of(HALL)).next_point(Position(1.0, 1.0), [])
    assert (found.point, found.distance_m, found.done) == (None, None, True)


def test_other_floors_come_last_and_without_a_distance() -> None:
    site = site_of(HALL, replace(HALL, id="1"))
    routes = Routes(site)
    upstairs, far = point(1.0, 1.0, "1"), point(9.0, 9.0)
    assert routes.next_point(Position(1.0, 1.0), [upstairs, far]).point == far
    found = routes.next_point(Position(1.0, 1.0), [upstairs])
    assert (found.point, found.distance_m, found.way_m) == (upstairs, None, ())
    assert routes.next_point(None, [upstairs, far]).point == upstairs
    with pytest.raises(SiteError, match="no floor"):
        routes.next_point(None, [point(1.0, 1.0, "9")])


def test_somebody_outside_the_outline_starts_at_its_nearest_place() -> None:
    found = Routes(site_of(HALL)).next_point(Position(-2.0, 5.0), [point(3.0, 5.0)])
    assert found.distance_m == pytest.approx(2.75, abs=0.3)


def test_a_floor_without_room_has_only_unreachable_points() -> None:
    full = Floor("0", "", HALL.outline, (HALL.outline,))
    found = Routes(site_of(full)).next_point(Position(1.0, 1.0), [point(2.0, 2.0)])
    assert (found.point, len(found.unreachable)) == (None, 1)


def test_following_the_suggestions_visits_every_point_without_long_ways() -> None:
    routes = Routes(site_of(TWO_ROOMS))
    lacking = list(grid_of_points(TWO_ROOMS, 2.0))
    here, walked_m, visited = Position(1.0, 1.0), 0.0, 0
    while (found := routes.next_point(here, lacking)).point is not None:
        assert found.distance_m is not None
        walked_m += found.distance_m
        lacking.remove(found.point)
        here, visited = found.point.position, visited + 1
    assert (found.done, visited) == (True, 20)
    assert walked_m < 20 * 2.0 * 1.7
