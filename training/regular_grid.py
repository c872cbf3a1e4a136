"""The cells of a fitted method as a bundle's manifest has them: a start, a side and two counts."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from localizer.errors import BundleError
from localizer.manifest import Grid
from localizer.spread import FloorCells

TOLERANCE_CELLS: Final = 0.001
"""Between a cell's centre and where a regular grid has it, cells: float32 metres differ by less,
and radii by no more."""


def regular_grid(grid_m: NDArray[np.floating]) -> Grid:
    """Return the cells [grid, 2], metres, as a regular grid.

    Raises:
        BundleError: they are no square cells of one size, row after row with rows that grow with
            y, or fewer than two.
    """
    cells = np.asarray(grid_m, np.float64)
    if len(cells) < 2:
        raise _irregular(f"{len(cells)} cells")
    first, last = cells[0], cells[-1]
    # No side is smaller than the whole divided by all cells.
    smallest = np.abs(last - first).max() / len(cells)
    columns = int(np.argmin(np.abs(cells[:, 1] - first[1]) < smallest / 2)) or len(cells)
    rows = len(cells) // columns
    side = float((last - first).sum() / (columns + rows - 2))
    if columns * rows != len(cells) or not side > 0:
        raise _irregular(f"{len(cells)} cells of which {columns} are in the first row")
    grid = Grid(x0_m=first[0], y0_m=first[1], cell_m=side, columns=columns, rows=rows)
    off = np.abs(FloorCells.of(grid).centres_m - cells).max(axis=1)
    if not off.max() <= TOLERANCE_CELLS * side:
        at = int(off.argmax())
        raise _irregular(f"cell {at} at {cells[at].tolist()}, {off[at]:.3f} m from its place")
    return grid


def _irregular(got: str) -> BundleError:
    return BundleError(
        "a distribution's cells must be squares of one size, row after row with rows that grow "
        f"with y, but got {got}; lay the cells on a regular grid",
        field="grid",
        expected="a regular grid",
        got=got,
    )
