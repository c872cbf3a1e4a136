from __future__ import annotations

import numpy as np
import pytest

from localizer.errors import PlanError
from localizer.site import Position
from localizer.surveying.cells import heard_cells
from tests.surveying.floors import HALL, TWO_ROOMS
from tests.surveying.visits import BEACONS, A, B, C


def test_different_beacons_are_counted_by_cell() -> None:
    cells = heard_cells(
        HALL,
        [
            (Position(1.0, 1.0), [A, B]),
            (Position(4.9, 4.9), [B, C]),
            (Position(6.0, 1.0), BEACONS),
            (Position(1.0, 6.0), []),
            (Position(1.0, 1.0, "1"), BEACONS),
            (Position(10.0, 11.0), BEACONS),
            (Position(-0.1, 1.0), BEACONS),
        ],
        cell_m=5.0,
    )
    assert cells.beacons.tolist() == [[3, 6], [0, 0]]
    assert cells.recordings.tolist() == [[2, 1], [1, 0]]
    assert cells.thin.tolist() == [[True, False], [True, False]]
    assert (cells.x0_m, cells.y0_m, cells.floor) == (0.0, 0.0, "0")


def test_cells_know_where_one_can_walk() -> None:
    cells = heard_cells(TWO_ROOMS, [], cell_m=2.0)
    assert cells.walkable.shape == (5, 5)
    assert np.argwhere(~cells.walkable).tolist() == [[2, 3]]


@pytest.mark.parametrize("cell_m", [0.0, -1.0, float("nan"), 0.01])
def test_cells_of_no_size_are_refused(cell_m: float) -> None:
    with pytest.raises(PlanError, match="cell_m"):
        heard_cells(HALL, [], cell_m=cell_m)
