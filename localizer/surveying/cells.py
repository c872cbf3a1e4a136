"""A floor in square cells: how many beacons are heard in each."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from localizer.beacons import BeaconId
from localizer.errors import PlanError
from localizer.site import Floor, Position
from localizer.walkable import walkable

MAX_CELLS: Final = 100_000
"""Of a floor: more are too small to be seen, and too many to be drawn."""

ENOUGH_BEACONS: Final = 4
"""Beacons heard in a cell, from which a position there is reliable (ArcGIS IPS: below 4 signals
unreliable, about 10 optimal); with fewer, several places sound alike."""


@dataclass(frozen=True, slots=True, eq=False)
class HeardCells:
    """How many beacons are heard in each cell of one floor."""

    floor: str
    x0_m: float
    """Left edge of column 0, metres."""
    y0_m: float
    """Lower edge of row 0, metres."""
    cell_m: float
    """Side of a cell, metres."""
    beacons: NDArray[np.int64]
    """Different beacons heard in each, int64 [rows, columns]; 0 where nobody recorded."""
    recordings: NDArray[np.int64]
    """Recordings made in each, int64 [rows, columns]; tells silence from never having been."""
    walkable: NDArray[np.bool_]
    """Whether a cell's centre can be walked, bool [rows, columns]."""

    @property
    def thin(self) -> NDArray[np.bool_]:
        """Which cells have recordings but fewer than `ENOUGH_BEACONS`, bool [rows, columns]."""
        result: NDArray[np.bool_] = (self.recordings > 0) & (self.beacons < ENOUGH_BEACONS)
        return result


def heard_cells(
    floor: Floor,
    recordings: Iterable[tuple[Position, Collection[BeaconId]]],
    *,
    cell_m: float,
) -> HeardCells:
    """Count the beacons of each cell of a floor.

    Args:
        floor: which one; recordings on others, or outside its box, are left out.
        recordings: where something was recorded, and whom it heard.
        cell_m: side of a cell, metres.

    Raises:
        PlanError: the side is not above 0, or gives more than `MAX_CELLS`.
    """
    corners = np.array(floor.outline, dtype=np.float64)
    low, high = corners.min(axis=0), corners.max(axis=0)
    if not (math.isfinite(cell_m) and cell_m > 0) or np.prod((high - low) / cell_m) > MAX_CELLS:
        raise PlanError(
            f"`cell_m > 0` and at most {MAX_CELLS} cells must hold, but got {cell_m!r} m on a "
            f"floor of {high[0] - low[0]:.0f} m x {high[1] - low[1]:.0f} m; take 1 to 3 m",
            reason="bad_step",
        )
    columns, rows = np.maximum(1, np.ceil((high - low) / cell_m - 1e-9)).astype(int).tolist()
    heard: dict[tuple[int, int], set[BeaconId]] = {}
    counts = np.zeros((rows, columns), np.int64)
    for position, beacons in recordings:
        at = _cell(position, low, cell_m)
        if position.floor == floor.id and 0 <= at[0] < rows and 0 <= at[1] < columns:
            heard.setdefault(at, set()).update(beacons)
            counts[at] += 1
    different = np.zeros_like(counts)
    for at, beacons_there in heard.items():
        different[at] = len(beacons_there)
    xs, ys = (low[axis] + cell_m * (np.arange(n) + 0.5) for axis, n in ((0, columns), (1, rows)))
    centres = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    free = walkable(floor, centres).reshape(rows, columns)
    return HeardCells(floor.id, float(low[0]), float(low[1]), cell_m, different, counts, free)


def _cell(position: Position, low: NDArray[np.float64], cell_m: float) -> tuple[int, int]:
    column, row = ((position.x_m - low[0]) / cell_m, (position.y_m - low[1]) / cell_m)
    return math.floor(row), math.floor(column)
