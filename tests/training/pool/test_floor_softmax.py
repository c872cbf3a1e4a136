from typing import Any

import numpy as np
import pytest

from tests.training.simulated import small_site, small_table
from training.pool import floor_softmax
from training.pool.floor_softmax import FloorSoftmax, fit_floor_softmax, softmax_inputs
from training.pool.grid import FloorGrid, floor_grid
from training.pool.side import PoolSide, pool_side


def material(cells: int = 8) -> tuple[PoolSide, FloorGrid]:
    side = pool_side(small_table(), small_site())
    return side, floor_grid(side, cells, small_site().bounds_m(str(small_table().floor[0])))


def located(fitted: FloorSoftmax, side: PoolSide, grid: FloorGrid) -> Any:
    logits = softmax_inputs(side.heard, side.step) @ fitted.weight + fitted.bias
    share = np.exp(logits - logits.max(axis=1, keepdims=True))
    return share / share.sum(axis=1, keepdims=True) @ grid.cells_m


@pytest.mark.parametrize("price", [None, 1.0])
def test_the_gradient_is_that_of_the_loss(
    price: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def ask(loss: Any, start: np.ndarray, **_: Any) -> _Found:
        asked.append((loss, start))
        return _Found(start)

    monkeypatch.setattr(floor_softmax, "minimize", ask)
    monkeypatch.setattr(floor_softmax, "SMOOTH", 4)
    side, grid = material(cells=4)
    fit_floor_softmax(side, grid, price=price)
    loss, start = asked[0]
    rng = np.random.default_rng(0)
    theta = rng.normal(0, 0.05, len(start))
    for drawn in rng.normal(0, 1, (3, len(start))):
        towards = drawn / np.linalg.norm(drawn)
        ahead, behind = (loss(theta + step * towards)[0] for step in (0.02, -0.02))
        along = (ahead - behind) / 0.04
        assert float(loss(theta)[1] @ towards) == pytest.approx(along, rel=0.01, abs=0.05)


class _Found:
    def __init__(self, x: np.ndarray) -> None:
        self.x = x


@pytest.mark.parametrize("price", [None, 5.0])
def test_it_locates_better_than_the_middle(price: float | None) -> None:
    side, grid = material()
    errors = np.hypot(
        *(located(fit_floor_softmax(side, grid, price=price), side, grid) - side.position_m).T
    )
    assert errors.mean() < 0.7 * np.hypot(*(side.middle_m - side.position_m).T).mean()


def test_a_turned_floor_turns_the_answer() -> None:
    side, grid = material(cells=5)
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    turned = side._replace(
        position_m=side.position_m @ turn,
        beacons_m=side.beacons_m @ turn,
        middle_m=side.middle_m @ turn,
    )
    turned_grid = FloorGrid(grid.cells_m @ turn, grid.cell_m)
    straight = located(fit_floor_softmax(side, grid, price=1.0), side, grid)
    other = located(fit_floor_softmax(turned, turned_grid, price=1.0), turned, turned_grid)
    np.testing.assert_allclose(other, straight @ turn, atol=0.05)


def test_a_beacon_without_a_place_has_no_weight() -> None:
    side, grid = material()
    lost = side.beacons_m.copy()
    lost[1] = np.nan
    fitted = fit_floor_softmax(side._replace(beacons_m=lost), grid, price=1.0)
    count = len(lost)
    assert not fitted.weight[1].any()
    assert not fitted.weight[count + 1].any()
    assert fitted.weight.shape == (3 * count, len(grid.cells_m))


def test_a_grid_covers_the_floor_with_a_cell_to_spare() -> None:
    side, grid = material()
    half = grid.cell_m / 2
    low, high = grid.cells_m.min(axis=0) - half, grid.cells_m.max(axis=0) + half
    assert (low + 0.9 * grid.cell_m <= side.position_m.min(axis=0)).all()
    assert (high - 0.9 * grid.cell_m >= side.position_m.max(axis=0)).all()
