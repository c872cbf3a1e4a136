"""The cells of a floor that a distribution is over."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.pool.side import PoolSide


class FloorGrid(NamedTuple):
    """Square cells, row after row; rows grow with y."""

    cells_m: NDArray[np.float64]
    """[grid, 2], their centres."""
    cell_m: float
    """Their side."""


def floor_grid(
    side: PoolSide, cells: int, bounds_m: tuple[float, float, float, float]
) -> FloorGrid:
    """Return a grid over the floor's bounds with `cells` on the longer side, one more all round.

    Blocked areas keep their cells: surveys have places in them (a shelf that was moved, an outline
    drawn by hand), and a truth without a cell has no probability.

    Args:
        side: says where places are, which may lie outside the bounds.
        cells: on the longer side, without the margin.
        bounds_m: x_min, y_min, x_max, y_max of the floor.
    """
    low = np.minimum(bounds_m[:2], side.position_m.min(axis=0))
    high = np.maximum(bounds_m[2:], side.position_m.max(axis=0))
    cell = float((high - low).max()) / cells
    across = np.ceil((high - low) / cell).astype(int) + 2
    # Centred: what the cells are larger than the floor is shared by both ends.
    start = (low + high) / 2 - across * cell / 2
    xs, ys = (start[axis] + (np.arange(across[axis]) + 0.5) * cell for axis in (0, 1))
    return FloorGrid(np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2), cell)
