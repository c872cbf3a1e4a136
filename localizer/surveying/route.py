"""Where to go next: the nearest point that lacks data, by the way one walks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from localizer.errors import SiteError
from localizer.site import Position, Site
from localizer.survey.records import Point
from localizer.walkable import WalkGrid


@dataclass(frozen=True, slots=True)
class NextPoint:
    """What to suggest."""

    point: Point | None
    """None when nothing is left that can be reached."""
    distance_m: float | None = None
    """To walk, metres; None on another floor, or where nobody knows where the surveyor is."""
    way_m: tuple[tuple[float, float], ...] = ()
    """Corners (x, y) of the way with both ends, metres; empty where there is no distance."""
    unreachable: tuple[Point, ...] = ()
    """Points that lack data and cannot be walked to: closed in by walls that lack a door, or
    blocked. Correct the plan, or remove the point."""

    @property
    def done(self) -> bool:
        """Whether no point lacks data, the unreachable ones included."""
        return self.point is None and not self.unreachable


class Routes:
    """Ways on the floors of a site; what it works out of a floor it keeps.

    A change of a floor's geometry wants a new object.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._grids: dict[str, list[WalkGrid]] = {}
        self._cells: dict[tuple[WalkGrid, Position], int | None] = {}

    def next_point(self, here: Position | None, lacking: Sequence[Point]) -> NextPoint:
        """Return the nearest point to record at.

        Points of other floors come last, in the order given: how long stairs take, nobody knows.

        Args:
            here: where the surveyor is; None before the first point.
            lacking: points that still lack data.

        Raises:
            SiteError: a point, or the surveyor, is on a floor that the site lacks.
        """
        floors = {point.position.floor for point in lacking}
        grids = {floor: self._grid(floor, here) for floor in floors}
        goals: list[_Goal] = []
        unreachable: list[Point] = []
        for point in lacking:
            grid = grids[point.position.floor]
            cell = self._cell(grid, point.position) if grid else None
            if grid is None or cell is None:
                unreachable.append(point)
            else:
                goals.append(_Goal(point, grid, cell))
        lost = tuple(unreachable)
        on_floor = [goal for goal in goals if here and goal.point.position.floor == here.floor]
        if here is not None and on_floor:
            return _nearest(_xy(here), on_floor, lost)
        return NextPoint(goals[0].point if goals else None, unreachable=lost)

    def _cell(self, grid: WalkGrid, position: Position) -> int | None:
        # Points stay where they are: of thousands, finding the cells takes a second.
        if (grid, position) not in self._cells:
            self._cells[grid, position] = grid.cell_at(_xy(position))
        return self._cells[grid, position]

    def _grid(self, floor_id: str, here: Position | None) -> WalkGrid | None:
        """Return the part of a floor that the surveyor is in, its largest if that is unknown."""
        floor = self._site.floor(floor_id)
        if floor_id not in self._grids:
            try:
                self._grids[floor_id] = [WalkGrid(floor)]
            except SiteError:  # no room at all: every point of it is unreachable
                self._grids[floor_id] = []
        grids = self._grids[floor_id]
        if not grids or here is None or here.floor != floor_id:
            return grids[0] if grids else None
        for grid in grids:
            if grid.cell_at(_xy(here)) is not None:
                return grid
        other = WalkGrid(floor, near_m=_xy(here))
        if other.cell_at(_xy(here)) is None:
            return grids[0]
        grids.append(other)
        return other


class _Goal(NamedTuple):
    point: Point
    grid: WalkGrid
    cell: int


def _nearest(
    here: tuple[float, float], goals: Sequence[_Goal], unreachable: tuple[Point, ...]
) -> NextPoint:
    grid = goals[0].grid
    start = grid.cell_at(here)
    if start is None:
        # Somebody who stands where nobody can stand has tapped a little beside it.
        start = int(np.hypot(*(grid.points_m - here).T).argmin())
        here = float(grid.points_m[start, 0]), float(grid.points_m[start, 1])
    near = grid.nearest(start, {goal.cell for goal in goals})
    goals = [goal for goal in goals if goal.cell in near]
    ways = [_way_m(goal, start, here) for goal in goals]
    lengths = [float(np.hypot(*np.diff(way, axis=0).T).sum()) for way in ways]
    best = int(np.argmin(lengths))
    corners = tuple((float(x), float(y)) for x, y in ways[best])
    return NextPoint(goals[best].point, lengths[best], corners, unreachable)


def _way_m(goal: _Goal, start: int, here: tuple[float, float]) -> NDArray[np.float64]:
    return goal.grid.way_m(start, goal.cell, from_m=here, to_m=_xy(goal.point.position))


def _xy(position: Position) -> tuple[float, float]:
    return position.x_m, position.y_m
