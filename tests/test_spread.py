import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from localizer.spread import SHARES, FloorCells


def cells(columns: int = 6, rows: int = 4, cell_m: float = 0.5, at_m: float = 0.0) -> FloorCells:
    xs, ys = at_m + np.arange(columns) * cell_m, at_m + np.arange(rows) * cell_m
    return FloorCells(np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2), cell_m)


def random_log(scans: int, grid: int) -> NDArray[np.float64]:
    return np.log(np.random.default_rng(5).dirichlet(np.full(grid, 0.3), scans) + 1e-12)


def test_a_disc_reaches_the_cell_that_fills_the_share() -> None:
    line = cells(columns=4, rows=1, cell_m=1.0)
    log = np.log([[0.6, 0.2, 0.15, 0.05]])
    radii = line.radii_m(log, np.zeros((1, 2)), shares=(0.6, 0.61, 0.95, 0.96))
    np.testing.assert_allclose(radii, [[0.6**0.5 / np.pi**0.5, 1.0, 2.0, 3.0]])


def test_mass_in_one_cell_has_the_disc_and_the_spread_of_a_cell() -> None:
    with np.errstate(divide="ignore"):
        log = np.log(np.eye(24)[[7]])
    there = cells().centres_m[[7]]
    np.testing.assert_allclose(
        cells().radii_m(log, there)[0], [0.5 * (share / np.pi) ** 0.5 for share in SHARES]
    )
    np.testing.assert_allclose(cells().covariance_m2(log, there)[0], np.eye(2) * 0.25 / 12)


def test_the_covariance_is_about_the_position_and_even_within_each_cell() -> None:
    log, position = random_log(1, 24), np.asarray([[0.3, 0.4]])
    rng = np.random.default_rng(6)
    share = np.exp(log[0]) / np.exp(log[0]).sum()
    drawn = cells().centres_m[rng.choice(24, 400_000, p=share)]
    drawn = drawn + rng.uniform(-0.25, 0.25, drawn.shape) - position
    np.testing.assert_allclose(
        cells().covariance_m2(log, position)[0], drawn.T @ drawn / len(drawn), rtol=0.01, atol=0.004
    )


@given(st.floats(-1e5, 1e5))
def test_where_the_origin_lies_changes_nothing(at_m: float) -> None:
    log = random_log(3, 24)
    here, there = cells(), cells(at_m=at_m)
    position = np.asarray([[0.31, 0.42], [2.03, 1.14], [-5.05, 9.06]])
    np.testing.assert_allclose(
        there.covariance_m2(log, position + at_m), here.covariance_m2(log, position), atol=1e-6
    )
    np.testing.assert_allclose(
        there.radii_m(log, position + at_m), here.radii_m(log, position), atol=1e-6
    )


def test_many_rows_give_what_single_rows_give() -> None:
    log, position = random_log(600, 24), np.random.default_rng(7).uniform(0, 3, (600, 2))
    radii, covariance = cells().radii_m(log, position), cells().covariance_m2(log, position)
    assert (radii.shape, covariance.shape) == ((600, 2), (600, 2, 2))
    for i in (0, 63, 64, 599):
        one = slice(i, i + 1)
        np.testing.assert_allclose(cells().radii_m(log[one], position[one])[0], radii[i])
        np.testing.assert_allclose(cells().covariance_m2(log[one], position[one])[0], covariance[i])
    assert cells().radii_m(log[:0], position[:0]).shape == (0, 2)
    assert cells().covariance_m2(log[:0], position[:0]).shape == (0, 2, 2)


def test_no_number_in_is_no_number_out_and_never_a_small_radius() -> None:
    log, position = random_log(3, 24), np.ones((3, 2))
    log[0, 9] = position[1, 0] = np.nan
    for said in (cells().radii_m(log, position), cells().covariance_m2(log, position)[:, 0]):
        assert np.isnan(said[:2]).any(axis=1).all()
        assert np.isfinite(said[2]).all()
    assert np.isnan(cells().radii_m(log, position)[:2]).all()
