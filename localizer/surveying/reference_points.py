"""Reference points: where the surveyor stands to record."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from localizer.errors import PlanError
from localizer.site import Floor, Position, Site
from localizer.survey.records import Point
from localizer.walkable import barriers, grid_points_m, walkable

MARGIN_M: Final = 0.3
"""Between a point of the grid and whatever cannot be walked through, metres: half the width of a
person, who could not stand closer."""

STEP_RANGE_M: Final = (0.5, 20.0)
"""Of a grid, metres. Below, a person covers several points at once; above, a room has none."""

MAX_GRID_POINTS: Final = 5_000
"""Of one grid: a week's work at a point a minute. A smaller step is a slip of the finger."""


def grid_of_points(
    floor: Floor, step_m: float, *, margin_m: float = MARGIN_M, first: int = 1
) -> tuple[Point, ...]:
    """Return a square grid of points over what can be walked, row by row from the lowest y.

    Args:
        floor: the floor.
        step_m: distance of neighbours, metres.
        margin_m: least distance to walls, blocked areas and the outline, metres.
        first: number of the first point; ids are ``FLOOR-NUMBER``.

    Raises:
        PlanError: the step is out of range, there would be too many points, or none.
    """
    low, high = STEP_RANGE_M
    if not low <= step_m <= high:
        raise PlanError(
            f"`{low:g} <= step <= {high:g}` metres must hold, but got {step_m!r}; "
            "1 to 3 m is usual",
            reason="bad_step",
        )
    corners = np.array(floor.outline)
    cells = float(np.prod((corners.max(axis=0) - corners.min(axis=0)) / step_m))
    if cells > MAX_GRID_POINTS:
        raise PlanError(
            f"a grid must have at most {MAX_GRID_POINTS} points, but {step_m:g} m gives about "
            f"{cells:,.0f} on this floor; take a larger step",
            reason="too_many_points",
        )
    points = grid_points_m(floor, step_m)
    points = points[clearance_m(floor, points) >= margin_m]
    if not len(points):
        raise PlanError(
            f"a grid must have a point, but {step_m:g} m with {margin_m:g} m to the walls leaves "
            f"none on floor {floor.id!r}; take a smaller step, or check the outline",
            reason="no_points",
        )
    return tuple(
        Point(f"{floor.id}-{number:03d}", Position(float(x), float(y), floor.id), source="grid")
        for number, (x, y) in enumerate(points, first)
    )


def clearance_m(floor: Floor, xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far points are from what cannot be walked through.

    Args:
        floor: the floor.
        xy_m: float64 [n, 2], metres.

    Returns:
        float64 [n], metres, on either side of an edge.
    """
    result = np.full(len(xy_m), np.inf)
    for a, b in barriers(floor):
        along = b - a
        length2 = float(along @ along)
        share = np.clip((xy_m - a) @ along / length2, 0, 1) if length2 else np.zeros(len(xy_m))
        result = np.minimum(result, np.hypot(*(xy_m - a - share[:, None] * along).T))
    return result


def check_point(site: Site, position: Position) -> None:
    """Refuse a point where nobody can stand.

    Raises:
        PlanError: it lies outside the outline or in a blocked area (``not_walkable``), on a floor
            that the site lacks (``unknown_floor``), or is not finite.
    """
    floor = next((one for one in site.floors if one.id == position.floor), None)
    if floor is None:
        raise PlanError(
            f"a point must be on a floor of the site ({[one.id for one in site.floors]}), but got "
            f"{position.floor!r}; add the floor, or correct it",
            reason="unknown_floor",
        )
    finite = math.isfinite(position.x_m) and math.isfinite(position.y_m)
    if not (finite and walkable(floor, np.array([[position.x_m, position.y_m]]))[0]):
        raise PlanError(
            f"a point must lie inside the outline of floor {floor.id!r} and outside blocked areas, "
            f"but got ({position.x_m:.2f}, {position.y_m:.2f}); move it, or correct the outline",
            reason="not_walkable",
        )


def free_id(taken: Sequence[str], floor: str) -> str:
    """Return the next id for a point that was set by hand: ``FLOOR-NUMBER``, above all others."""
    numbers = [
        int(tail)
        for one in taken
        if (tail := one.removeprefix(f"{floor}-")) != one and tail.isdecimal()
    ]
    return f"{floor}-{max(numbers, default=0) + 1:03d}"
