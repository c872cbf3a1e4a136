import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from localizer.errors import BundleError
from localizer.manifest import Grid
from localizer.spread import FloorCells
from training.regular_grid import regular_grid

GRID = Grid(x0_m=-1.17, y0_m=3.75, cell_m=0.7, columns=5, rows=3)


def centres() -> NDArray[np.float64]:
    return FloorCells.of(GRID).centres_m


@given(
    st.floats(-1000, 1000),
    st.floats(-1000, 1000),
    st.floats(0.2, 5),
    st.integers(1, 40),
    st.integers(1, 40),
)
def test_a_grid_comes_back_from_its_cells_in_float32(
    x0: float, y0: float, cell: float, columns: int, rows: int
) -> None:
    if columns * rows < 2:
        return
    grid = Grid(x0_m=x0, y0_m=y0, cell_m=cell, columns=columns, rows=rows)
    cells = FloorCells.of(grid).centres_m
    found = regular_grid(cells.astype(np.float32))
    assert (found.columns, found.rows) == (columns, rows)
    np.testing.assert_allclose(FloorCells.of(found).centres_m, cells, atol=1e-3 * cell)


def sheared() -> NDArray[np.float64]:
    return np.asarray(centres() + np.outer(centres()[:, 1], [0.1, 0.0]))


def oblong() -> NDArray[np.float64]:
    return np.asarray(centres() * [1.0, 1.1])


def one_moved() -> NDArray[np.float64]:
    cells = centres().copy()
    cells[7, 0] += 0.01
    return cells


def not_a_number() -> NDArray[np.float64]:
    cells = centres().copy()
    cells[-1, 0] = np.nan
    return cells


@pytest.mark.parametrize(
    "cells",
    [
        sheared(),
        oblong(),
        one_moved(),
        not_a_number(),
        centres()[:-1],
        centres()[::-1],
        centres()[np.random.default_rng(0).permutation(15)],
        centres().reshape(3, 5, 2).swapaxes(0, 1).reshape(-1, 2),
        centres().reshape(3, 5, 2)[::-1].reshape(-1, 2),
        np.zeros((4, 2)),
        centres()[:1],
        centres()[:0],
    ],
)
def test_cells_that_are_not_row_after_row_of_squares_are_refused(
    cells: NDArray[np.float64],
) -> None:
    with pytest.raises(BundleError, match="regular grid") as caught:
        regular_grid(cells)
    assert caught.value.field == "grid"
