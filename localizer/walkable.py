"""Where one can stand and walk on a floor, and which walls a line crosses."""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection
from typing import Final

import numpy as np
from numpy.typing import NDArray

from localizer.errors import SiteError
from localizer.site import Floor, Polygon, Wall

CELL_M: Final = 0.5
"""Side of a walking cell, metres: half a door of 1 m, so that every door has a cell in it."""

MAX_CELLS: Final = 40_000
"""Cells of a floor's box at most: 100 m x 100 m at `CELL_M`. Larger floors get larger cells, so
that finding a way stays a matter of milliseconds, and may lose their narrowest doors."""

MAX_DETOUR: Final = 1.0824
"""By which a way along the eight directions exceeds a straight one at most: at 22.5 degrees it is
cos(22.5) + (sqrt(2) - 1) sin(22.5) times as long."""

_STEPS: Final = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Half of the eight neighbours (rows, columns); the other half is their reverse."""


def crossings(
    from_m: NDArray[np.float64], to_m: NDArray[np.float64], walls: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return which walls lie between pairs of points.

    A point on a wall counts to one side of it, so two walls that share an end count once.

    Args:
        from_m: float64 [n, 2], metres.
        to_m: float64 [n, 2], metres.
        walls: two ends each, float64 [n_walls, 2, 2], metres.

    Returns:
        bool [n, n_walls].
    """
    # One direction for both, or a wall that ends on the line would be crossed on the way back only.
    turned = (to_m[:, 0] < from_m[:, 0]) | (
        (to_m[:, 0] == from_m[:, 0]) & (to_m[:, 1] < from_m[:, 1])
    )
    a = np.where(turned[:, None], to_m, from_m)[:, None, :]
    b = np.where(turned[:, None], from_m, to_m)[:, None, :]
    c, d = walls[None, :, 0], walls[None, :, 1]
    points_apart = _is_left(c, d, a) != _is_left(c, d, b)
    ends_apart = _is_left(a, b, c) != _is_left(a, b, d)
    result: NDArray[np.bool_] = points_apart & ends_apart
    return result


def _is_left(
    a: NDArray[np.float64], b: NDArray[np.float64], p: NDArray[np.float64]
) -> NDArray[np.bool_]:
    along, across = b - a, p - a
    result: NDArray[np.bool_] = along[..., 0] * across[..., 1] > along[..., 1] * across[..., 0]
    return result


def inside(xy_m: NDArray[np.float64], polygon: Polygon) -> NDArray[np.bool_]:
    """Return which points lie in a polygon, by the even-odd rule.

    Args:
        xy_m: float64 [n, 2], metres.
        polygon: its corners.

    Returns:
        bool [n].
    """
    x, y = xy_m[:, 0], xy_m[:, 1]
    result = np.zeros(len(xy_m), dtype=np.bool_)
    for (x1, y1), (x2, y2) in _edges(polygon):
        if y1 != y2:
            result ^= ((y1 > y) != (y2 > y)) & (x < x1 + (y - y1) * (x2 - x1) / (y2 - y1))
    return result


def walkable(floor: Floor, xy_m: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which points, float64 [n, 2] in metres, lie in the outline and are not blocked."""
    result = inside(xy_m, floor.outline)
    for polygon in floor.blocked:
        result &= ~inside(xy_m, polygon)
    return result


def grid_points_m(floor: Floor, step_m: float) -> NDArray[np.float64]:
    """Return the walkable points of a square grid over the floor, row by row.

    Args:
        floor: the floor; the grid is centred in its outline's box.
        step_m: distance of neighbouring points, metres; above 0.

    Returns:
        float64 [n, 2], metres.
    """
    low, high = _box_m(floor)
    counts = np.maximum(1, np.floor((high - low) / step_m).astype(int))
    first = (low + high - (counts - 1) * step_m) / 2
    xs, ys = (first[axis] + step_m * np.arange(counts[axis]) for axis in (0, 1))
    points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    result: NDArray[np.float64] = points[walkable(floor, points)]
    return result


def walls_array(walls: tuple[Wall, ...]) -> NDArray[np.float64]:
    """Return walls as float64 [n_walls, 2, 2], metres."""
    return np.array(walls, dtype=np.float64).reshape(-1, 2, 2)


def barriers(floor: Floor) -> NDArray[np.float64]:
    """Return what cannot be walked through: walls and the edges of the outline and what is blocked.

    Returns:
        float64 [n, 2, 2], two ends each, metres.
    """
    polygons = (floor.outline, *floor.blocked)
    edges = tuple(edge for polygon in polygons for edge in _edges(polygon))
    return walls_array(floor.walls + edges)


class WalkGrid:
    """The cells of a floor that are connected without passing a wall, a blocked area or its edge.

    Args:
        floor: the floor.
        near_m: a place (x, y) that is in the part to keep; None keeps the largest part.

    Raises:
        SiteError: there is no room to walk at all.
    """

    def __init__(self, floor: Floor, *, near_m: tuple[float, float] | None = None) -> None:
        self._barriers = barriers(floor)
        low, high = _box_m(floor)
        cell_m = max(CELL_M, math.sqrt(math.prod(high - low) / MAX_CELLS))
        n_x, n_y = np.maximum(1, np.ceil((high - low) / cell_m).astype(int))
        xs = low[0] + cell_m * (np.arange(n_x) + 0.5)
        ys = low[1] + cell_m * (np.arange(n_y) + 0.5)
        centres = np.stack(np.meshgrid(xs, ys), axis=-1)
        free = walkable(floor, centres.reshape(-1, 2)).reshape(n_y, n_x)
        neighbours = _neighbours(centres, free, self._barriers)
        parts = _parts(neighbours)
        kept = _part_at(parts, centres.reshape(-1, 2), near_m) if near_m else _largest(parts)
        if len(kept) < 2:
            raise SiteError(
                f"floor {floor.id!r} must have room to walk, but its outline less what is blocked "
                f"holds no two connected cells of {cell_m:.2f} m; correct outline and walls"
            )
        self.cell_m = cell_m
        """Side of a cell, metres."""
        self.points_m: NDArray[np.float64] = centres.reshape(-1, 2)[kept]
        """Centres of the cells of one connected part, float64 [n, 2], metres."""
        self._low_m = low
        self._cells = {divmod(cell, int(n_x)): i for i, cell in enumerate(kept)}
        index = {cell: i for i, cell in enumerate(kept)}
        self._neighbours = [[index[other] for other in neighbours[cell]] for cell in kept]

    def cell_at(self, xy_m: tuple[float, float]) -> int | None:
        """Return the nearest cell, by its index in `points_m`, that a place can step to.

        Returns:
            None if no cell within two cells' reach can be reached in a straight line.
        """
        if not all(map(math.isfinite, xy_m)):
            return None
        column, row = np.floor((np.array(xy_m) - self._low_m) / self.cell_m).astype(int).tolist()
        around = [
            cell
            for j in range(row - 2, row + 3)
            for i in range(column - 2, column + 3)
            if (cell := self._cells.get((j, i))) is not None
        ]
        around.sort(key=lambda cell: math.dist(self.points_m[cell], xy_m))
        here = np.broadcast_to(np.array(xy_m, dtype=np.float64), (len(around), 2))
        clear = ~crossings(here, self.points_m[around], self._barriers).any(axis=1)
        return around[int(clear.argmax())] if clear.any() else None

    def nearest(self, start: int, goals: Collection[int]) -> dict[int, float]:
        """Return the goals to which the way may be the shortest, with its length along the cells.

        Dijkstra (1959), until a goal and all that `MAX_DETOUR` leaves undecided are reached.

        Returns:
            Metres by cell; never empty where there are goals, since all cells are connected.
        """
        points = [(float(x), float(y)) for x, y in self.points_m]
        wanted, found = set(goals), dict[int, float]()
        cost, done = {start: 0.0}, set[int]()
        queue, limit = [(0.0, start)], math.inf
        while queue:
            so_far, cell = heapq.heappop(queue)
            if so_far > limit:
                break
            if cell in done:
                continue
            done.add(cell)
            if cell in wanted:
                found[cell] = so_far
                limit = min(limit, so_far * MAX_DETOUR + 2 * self.cell_m)
            for other in self._neighbours[cell]:
                to_other = so_far + math.dist(points[cell], points[other])
                if to_other < cost.get(other, math.inf):
                    cost[other] = to_other
                    heapq.heappush(queue, (to_other, other))
        return found

    def path_m(self, start: int, goal: int) -> NDArray[np.float64]:
        """Return a short way between two cells, given by their index in `points_m`.

        A* over the cells (Hart, Nilsson and Raphael, 1968), then straightened where nothing stands
        in the way.

        Returns:
            The corners of the way with both ends, float64 [n, 2], metres.
        """
        return self._straighten(self.points_m[self._cells_between(start, goal)])

    def way_m(
        self, start: int, goal: int, *, from_m: tuple[float, float], to_m: tuple[float, float]
    ) -> NDArray[np.float64]:
        """Return a short way between two places, each of which can step to its cell.

        Returns:
            The corners of the way with both places, float64 [n, 2], metres.
        """
        cells = self.points_m[self._cells_between(start, goal)]
        return self._straighten(np.concatenate([[from_m], cells, [to_m]]))

    def _cells_between(self, start: int, goal: int) -> list[int]:
        points = [(float(x), float(y)) for x, y in self.points_m]
        came_from = {start: start}
        cost = {start: 0.0}
        queue = [(math.dist(points[start], points[goal]), start)]
        while queue:
            _, cell = heapq.heappop(queue)
            if cell == goal:
                break
            for other in self._neighbours[cell]:
                to_other = cost[cell] + math.dist(points[cell], points[other])
                if to_other < cost.get(other, math.inf):
                    cost[other], came_from[other] = to_other, cell
                    estimate = to_other + math.dist(points[other], points[goal])
                    heapq.heappush(queue, (estimate, other))
        way = [goal]
        while way[-1] != start:
            way.append(came_from[way[-1]])
        return way[::-1]

    def _straighten(self, way_m: NDArray[np.float64]) -> NDArray[np.float64]:
        corners = [0]
        while corners[-1] < len(way_m) - 1:
            here = corners[-1]
            ahead = way_m[here + 1 :]
            blocked = crossings(np.broadcast_to(way_m[here], ahead.shape), ahead, self._barriers)
            # The next cell is a neighbour, so the last clear one always exists.
            corners.append(here + 1 + int(np.flatnonzero(~blocked.any(axis=1))[-1]))
        return way_m[corners]


def _edges(polygon: Polygon) -> list[Wall]:
    return list(zip(polygon, polygon[1:] + polygon[:1], strict=True))


def _box_m(floor: Floor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    corners = np.array(floor.outline, dtype=np.float64)
    return corners.min(axis=0), corners.max(axis=0)


def _neighbours(
    centres: NDArray[np.float64], free: NDArray[np.bool_], barriers: NDArray[np.float64]
) -> list[list[int]]:
    """Return the neighbours of each cell (row by row) that a step can reach."""
    n_y, n_x = free.shape
    cells = np.arange(n_y * n_x).reshape(n_y, n_x)
    result: list[list[int]] = [[] for _ in range(n_y * n_x)]
    for down, right in _STEPS:
        here = cells[: n_y - down, max(0, -right) : n_x - max(0, right)].ravel()
        there = here + down * n_x + right
        both_free = free.ravel()[here] & free.ravel()[there]
        here, there = here[both_free], there[both_free]
        flat = centres.reshape(-1, 2)
        clear = ~crossings(flat[here], flat[there], barriers).any(axis=1)
        for a, b in zip(here[clear].tolist(), there[clear].tolist(), strict=True):
            result[a].append(b)
            result[b].append(a)
    return result


def _parts(neighbours: list[list[int]]) -> list[list[int]]:
    """Return the connected parts of two cells and more, each with its cells in order."""
    seen = [False] * len(neighbours)
    parts = []
    for first in range(len(neighbours)):
        if seen[first] or not neighbours[first]:
            continue
        seen[first], part = True, [first]
        for cell in part:
            for other in neighbours[cell]:
                if not seen[other]:
                    seen[other] = True
                    part.append(other)
        parts.append(sorted(part))
    return parts


def _largest(parts: list[list[int]]) -> list[int]:
    return max(parts, key=len, default=[])


def _part_at(
    parts: list[list[int]], centres: NDArray[np.float64], near_m: tuple[float, float]
) -> list[int]:
    """Return the part whose nearest cell is nearest to a place."""
    away = np.hypot(*(centres - near_m).T)
    return min(parts, key=lambda part: float(away[part].min()), default=[])
