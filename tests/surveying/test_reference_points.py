from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localizer.errors import PlanError
from localizer.site import Position
from localizer.surveying.reference_points import (
    check_point,
    clearance_m,
    free_id,
    grid_of_points,
)
from localizer.walkable import walkable
from tests.surveying.floors import HALL, TWO_ROOMS, site_of


def test_a_grid_covers_the_floor() -> None:
    points = grid_of_points(HALL, 2.0)
    assert [point.id for point in points[:2]] == ["0-001", "0-002"]
    assert points[0].position == Position(1.0, 1.0, "0")
    assert len(points) == 25


@given(st.floats(0.5, 4.0), st.floats(0.0, 0.6))
def test_no_point_of_a_grid_is_in_a_table_or_a_wall(step_m: float, margin_m: float) -> None:
    points = grid_of_points(TWO_ROOMS, step_m, margin_m=margin_m)
    places = np.array([(one.position.x_m, one.position.y_m) for one in points])
    assert walkable(TWO_ROOMS, places).all()
    assert clearance_m(TWO_ROOMS, places).min() >= margin_m
    assert len({one.id for one in points}) == len(points)


def test_clearance_is_the_distance_to_the_nearest_edge() -> None:
    places = np.array([[1.0, 2.0], [5.5, 1.0], [9.0, 5.0], [5.0, 9.0]])
    np.testing.assert_allclose(clearance_m(TWO_ROOMS, places), [1.0, 0.5, 1.0, 0.5])


@pytest.mark.parametrize(
    ("step_m", "reason"),
    [(0.0, "bad_step"), (-1.0, "bad_step"), (math.nan, "bad_step"), (30.0, "bad_step")],
)
def test_a_step_out_of_range_is_refused(step_m: float, reason: str) -> None:
    with pytest.raises(PlanError) as caught:
        grid_of_points(HALL, step_m)
    assert caught.value.reason == reason


def test_too_many_points_and_none_are_refused() -> None:
    large = HALL.__class__("0", "", ((0.0, 0.0), (200.0, 0.0), (200.0, 200.0), (0.0, 200.0)))
    with pytest.raises(PlanError, match="about 40,000") as caught:
        grid_of_points(large, 1.0)
    assert caught.value.reason == "too_many_points"
    with pytest.raises(PlanError) as caught:
        grid_of_points(HALL, 2.0, margin_m=6.0)
    assert caught.value.reason == "no_points"


@pytest.mark.parametrize(
    ("position", "reason"),
    [
        (Position(7.0, 5.0, "0"), "not_walkable"),
        (Position(11.0, 5.0, "0"), "not_walkable"),
        (Position(math.nan, 5.0, "0"), "not_walkable"),
        (Position(1.0, 1.0, "1"), "unknown_floor"),
    ],
)
def test_a_free_point_must_be_walkable(position: Position, reason: str) -> None:
    site = site_of(TWO_ROOMS)
    check_point(site, Position(1.0, 1.0, "0"))
    with pytest.raises(PlanError) as caught:
        check_point(site, position)
    assert caught.value.reason == reason


def test_a_new_id_is_above_all_others_of_the_floor() -> None:
    assert free_id([], "0") == "0-001"
    assert free_id(["0-001", "0-007", "1-099", "0-door", "door"], "0") == "0-008"
