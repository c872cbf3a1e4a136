from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localizer.errors import SiteError
from localizer.site import Floor, Wall
from localizer.sites import built_in_site
from localizer.walkable import (
    MAX_CELLS,
    WalkGrid,
    crossings,
    grid_points_m,
    inside,
    walkable,
    walls_array,
)

SQUARE = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))
U_SHAPE = (
    (0.0, 0.0),
    (9.0, 0.0),
    (9.0, 9.0),
    (6.0, 9.0),
    (6.0, 3.0),
    (3.0, 3.0),
    (3.0, 9.0),
    (0.0, 9.0),
)
coordinates = st.integers(-6, 6).map(float)


def crossed(a: tuple[float, float], b: tuple[float, float], *walls: Wall) -> int:
    return int(crossings(np.array([a]), np.array([b]), walls_array(walls)).sum())


def test_walls_between_are_counted() -> None:
    walls: tuple[Wall, ...] = (((2.0, -1.0), (2.0, 1.0)), ((4.0, -1.0), (4.0, 1.0)))
    assert crossed((0.0, 0.0), (3.0, 0.0), *walls) == 1
    assert crossed((0.0, 0.0), (5.0, 0.5), *walls) == 2
    assert crossed((0.0, 0.0), (1.9, 0.0), *walls) == 0
    assert crossed((0.0, 3.0), (5.0, 3.0), *walls) == 0
    assert crossed((0.0, 0.0), (3.0, 0.0)) == 0


def test_two_walls_that_share_an_end_count_once() -> None:
    walls: tuple[Wall, ...] = (((2.0, -1.0), (2.0, 0.0)), ((2.0, 0.0), (2.0, 1.0)))
    assert crossed((0.0, 0.0), (4.0, 0.0), *walls) == 1
    assert crossed((4.0, 0.0), (0.0, 0.0), *walls) == 1


def test_a_way_along_a_wall_does_not_cross_it() -> None:
    assert crossed((0.0, 0.0), (9.0, 0.0), ((2.0, 0.0), (4.0, 0.0))) == 0


@given(st.tuples(*[st.tuples(coordinates, coordinates)] * 4))
def test_a_wall_is_crossed_on_the_way_back_too(ends: tuple[tuple[float, float], ...]) -> None:
    a, b, c, d = ends
    assert crossed(a, b, (c, d)) == crossed(b, a, (c, d))


def test_inside_an_outline_with_a_bay() -> None:
    points = np.array([[1.0, 5.0], [4.5, 5.0], [7.0, 8.0], [4.5, 1.0], [10.0, 1.0]])
    assert inside(points, U_SHAPE).tolist() == [True, False, True, True, False]


def test_what_is_blocked_cannot_be_walked() -> None:
    table = ((4.0, 4.0), (6.0, 4.0), (6.0, 6.0), (4.0, 6.0))
    points = np.array([[5.0, 5.0], [3.0, 5.0], [11.0, 5.0]])
    assert walkable(Floor("0", "", SQUARE, (table,)), points).tolist() == [False, True, False]


def test_grid_points_are_centred_and_walkable() -> None:
    points = grid_points_m(Floor("0", "", SQUARE), 4.0)
    assert points.tolist() == [[3.0, 3.0], [7.0, 3.0], [3.0, 7.0], [7.0, 7.0]]
    bay = grid_points_m(Floor("0", "", U_SHAPE), 1.0)
    assert len(bay) == 81 - 18


def test_a_step_longer_than_the_floor_gives_its_middle() -> None:
    assert grid_points_m(Floor("0", "", SQUARE), 50.0).tolist() == [[5.0, 5.0]]


def test_a_path_goes_round_a_wall_through_the_door() -> None:
    walls: tuple[Wall, ...] = (((5.0, 0.0), (5.0, 8.0)), ((5.0, 9.0), (5.0, 10.0)))
    grid = WalkGrid(Floor("0", "", SQUARE, (), walls))
    start = int(np.argmin(np.linalg.norm(grid.points_m - [1.0, 1.0], axis=1)))
    goal = int(np.argmin(np.linalg.norm(grid.points_m - [9.0, 1.0], axis=1)))
    path = grid.path_m(start, goal)
    np.testing.assert_array_equal(path[[0, -1]], grid.points_m[[start, goal]])
    assert not crossings(path[:-1], path[1:], walls_array(walls)).any()
    length_m = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
    shortest_m = 2 * math.dist(grid.points_m[start], (5.0, 8.0))
    assert shortest_m - 0.5 <= length_m <= shortest_m + 1.5


def test_a_path_with_nothing_in_the_way_is_straight() -> None:
    grid = WalkGrid(Floor("0", "", SQUARE))
    assert len(grid.path_m(0, len(grid.points_m) - 3)) == 2


def test_a_path_to_where_we_are_is_one_point() -> None:
    grid = WalkGrid(Floor("0", "", SQUARE))
    assert grid.path_m(5, 5).tolist() == [grid.points_m[5].tolist()]


def test_only_the_largest_connected_part_is_walked() -> None:
    grid = WalkGrid(Floor("0", "", SQUARE, (), (((3.0, 0.0), (3.0, 10.0)),)))
    assert grid.points_m[:, 0].min() > 3.0


def test_every_room_of_the_demo_site_has_a_door() -> None:
    floor = built_in_site("demo").floors[0]
    reached = WalkGrid(floor).points_m
    points = grid_points_m(floor, 0.5)
    assert len(reached) == len(points)


def test_the_bay_of_an_outline_is_not_crossed() -> None:
    floor = Floor("0", "", U_SHAPE)
    grid = WalkGrid(floor)
    start = int(np.argmin(np.linalg.norm(grid.points_m - [1.0, 8.0], axis=1)))
    goal = int(np.argmin(np.linalg.norm(grid.points_m - [8.0, 8.0], axis=1)))
    path = grid.path_m(start, goal)
    dense = np.concatenate([np.linspace(a, b, 50) for a, b in pairwise(path)])
    assert walkable(floor, dense).all()


def test_a_huge_floor_gets_larger_cells() -> None:
    outline = ((0.0, 0.0), (400.0, 0.0), (400.0, 300.0), (0.0, 300.0))
    assert 0.9 * MAX_CELLS < len(WalkGrid(Floor("0", "", outline)).points_m) < 1.1 * MAX_CELLS


def test_a_floor_without_room_is_told() -> None:
    with pytest.raises(SiteError, match="room to walk"):
        WalkGrid(Floor("0", "", SQUARE, (SQUARE,)))


def test_the_part_around_a_place_can_be_kept_instead_of_the_largest() -> None:
    floor = Floor("0", "", SQUARE, (), (((3.0, 0.0), (3.0, 10.0)),))
    assert WalkGrid(floor, near_m=(1.0, 5.0)).points_m[:, 0].max() < 3.0
    assert WalkGrid(floor, near_m=(9.0, 5.0)).points_m[:, 0].min() > 3.0


def test_a_place_steps_to_the_nearest_cell_on_its_side_of_a_wall() -> None:
    grid = WalkGrid(Floor("0", "", SQUARE, (), (((5.05, 0.0), (5.05, 8.0)),)))
    cell = grid.cell_at((5.1, 1.2))
    assert cell is not None
    assert grid.points_m[cell].tolist() == [5.25, 1.25]
    assert grid.cell_at((5.0, 1.2)) != cell
    for outside in ((20.0, 5.0), (-3.0, 5.0), (math.nan, 5.0), (math.inf, 0.0)):
        assert grid.cell_at(outside) is None


def test_the_nearest_goals_hold_the_one_with_the_shortest_way() -> None:
    walls: tuple[Wall, ...] = (((5.0, 0.0), (5.0, 8.0)), ((5.0, 9.0), (5.0, 10.0)))
    grid = WalkGrid(Floor("0", "", SQUARE, (), walls))
    rng = np.random.default_rng(0)
    for _ in range(20):
        start, *goals = rng.choice(len(grid.points_m), 6, replace=False).tolist()
        ways = {goal: grid.path_m(start, goal) for goal in goals}
        lengths = {g: np.linalg.norm(np.diff(way, axis=0), axis=1).sum() for g, way in ways.items()}
        assert min(lengths, key=lambda goal: float(lengths[goal])) in grid.nearest(start, goals)
    assert grid.nearest(3, [3]) == {3: 0.0}


def test_a_way_begins_and_ends_at_the_places_themselves() -> None:
    walls: tuple[Wall, ...] = (((5.0, 0.0), (5.0, 8.0)), ((5.0, 9.0), (5.0, 10.0)))
    grid = WalkGrid(Floor("0", "", SQUARE, (), walls))
    here, there = (4.9, 1.1), (5.1, 1.1)
    start, goal = grid.cell_at(here), grid.cell_at(there)
    assert start is not None
    assert goal is not None
    way = grid.way_m(start, goal, from_m=here, to_m=there)
    assert (tuple(way[0]), tuple(way[-1])) == (here, there)
    assert not crossings(way[:-1], way[1:], walls_array(walls)).any()
