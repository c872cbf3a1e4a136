from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from localizer.shadowing import MAX_NODES, ShadowingField, draw_shadowing

BOX_M = (0.0, 0.0, 30.0, 20.0)


@pytest.fixture(scope="module")
def many() -> ShadowingField:
    """400 fields of 5 dB and 6 m: their statistics are within a few percent of the model's."""
    rng = np.random.default_rng(0)
    return draw_shadowing(BOX_M, 400, sd_db=5.0, distance_m=6.0, rng=rng)


def at(field: ShadowingField, x_m: float, y_m: float) -> NDArray[np.float64]:
    beacons = np.arange(len(field.values_db))
    return field.at(np.tile([x_m, y_m], (len(beacons), 1)), beacons)


def test_mean_and_variance(many: ShadowingField) -> None:
    nodes = many.values_db[:, :40, :60]
    assert abs(nodes.mean()) < 0.15
    assert nodes.std() == pytest.approx(5.0, rel=0.03)
    for place in ((0.0, 0.0), (30.0, 20.0), (15.0, 10.0)):
        assert at(many, *place).std() == pytest.approx(5.0, rel=0.12)


@pytest.mark.parametrize("lag_m", [1.0, 3.0, 6.0, 12.0])
@pytest.mark.parametrize("direction", [(1.0, 0.0), (0.0, 1.0), (0.6, 0.8)])
def test_correlation_falls_exponentially(
    many: ShadowingField, lag_m: float, direction: tuple[float, float]
) -> None:
    dx, dy = direction[0] * lag_m, direction[1] * lag_m
    starts = [(x, y) for x in np.arange(0, 30 - dx, 2.0) for y in np.arange(0, 20 - dy, 2.0)]
    here = np.concatenate([at(many, x, y) for x, y in starts])
    there = np.concatenate([at(many, x + dx, y + dy) for x, y in starts])
    measured = float(np.mean(here * there)) / 25.0
    assert measured == pytest.approx(math.exp(-lag_m / 6.0), abs=0.06)


def test_the_opposite_edges_are_strangers(many: ShadowingField) -> None:
    # The embedding is periodic; its seam must lie outside the floor.
    left, right = at(many, 0.0, 10.0), at(many, 30.0, 10.0)
    assert abs(float(np.corrcoef(left, right)[0, 1])) < 0.15


def test_fields_of_two_beacons_are_strangers(many: ShadowingField) -> None:
    nodes = many.values_db.reshape(400, -1)
    assert abs(float(np.mean(nodes[::2] * nodes[1::2]))) / 25.0 < 0.05


def test_between_nodes_it_is_bilinear_and_outside_the_edge() -> None:
    values = np.array([[[0.0, 1.0, 2.0], [10.0, 11.0, 12.0]]])
    field = ShadowingField((5.0, 5.0), 2.0, values)
    points = np.array([[5.0, 5.0], [6.0, 5.0], [6.0, 6.0], [9.0, 7.0], [99.0, 99.0], [0.0, 0.0]])
    found = field.at(points, np.zeros(len(points), dtype=np.intp))
    np.testing.assert_allclose(found, [0.0, 0.5, 5.5, 12.0, 12.0, 0.0])


def test_the_same_stream_gives_the_same_field() -> None:
    one, same, other = (
        draw_shadowing(BOX_M, 2, sd_db=4.0, distance_m=6.0, rng=np.random.default_rng(seed))
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.values_db, same.values_db)
    assert not np.allclose(one.values_db, other.values_db)


def test_no_shadowing_is_flat() -> None:
    rng = np.random.default_rng(0)
    assert not draw_shadowing(BOX_M, 1, sd_db=0.0, distance_m=6.0, rng=rng).values_db.any()


def test_a_huge_floor_gets_a_coarse_grid() -> None:
    box_m = (0.0, 0.0, 1_000.0, 600.0)
    rng = np.random.default_rng(0)
    field = draw_shadowing(box_m, 1, sd_db=4.0, distance_m=6.0, rng=rng)
    assert max(field.values_db.shape) <= MAX_NODES + 2
    assert field.values_db.std() == pytest.approx(4.0, rel=0.1)
