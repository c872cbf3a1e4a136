import numpy as np
import pytest
from numpy.typing import NDArray

from training.distributions import (
    Distributions,
    calibration,
    cell_area_m2,
    disc_radius_m,
    energy_score,
    mass_within,
    negative_log_likelihood,
    score_rows,
)


def square(cells: int, pitch_m: float) -> NDArray[np.float64]:
    axis = (np.arange(cells) + 0.5) * pitch_m
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def gaussian(grid: NDArray[np.float64], at: NDArray[np.float64], sd: float) -> NDArray[np.float64]:
    log = -(((grid[None] - at[:, None]) ** 2).sum(axis=2)) / (2 * sd**2)
    return np.asarray(log - np.log(np.exp(log).sum(axis=1, keepdims=True)))


def test_grids_of_different_pitch_give_one_density() -> None:
    truth = np.asarray([[2.1, 3.3], [5.0, 5.0]])
    for pitch in (0.5, 1.0, 2.0):
        grid = square(int(10 / pitch), pitch)
        uniform = np.full((2, len(grid)), -np.log(len(grid)))
        np.testing.assert_allclose(
            negative_log_likelihood(uniform, grid, truth), np.log(100), atol=1e-9
        )


def test_a_truth_outside_of_the_grid_takes_the_nearest_cell_and_no_share_is_finite() -> None:
    grid = square(2, 1.0)
    log = np.log([[0.7, 0.1, 0.1, 0.1], [1.0, 1e-300, 1e-300, 1e-300]])
    nll = negative_log_likelihood(log, grid, np.asarray([[-50.0, -50.0], [9.0, 9.0]]))
    assert nll[0] == pytest.approx(-np.log(0.7))
    assert nll[1] == 30


def test_the_energy_score_of_one_point_is_its_error_and_of_two_is_worked_out_by_hand() -> None:
    grid = np.asarray([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]])
    with np.errstate(divide="ignore"):
        log = np.log([[1.0, 0, 0, 0], [0.5, 0.5, 0, 0]])
    scores = energy_score(log, grid, np.asarray([[3.0, 4.0], [1.0, 0.0]]))
    # E|X - y| = (1 + 3) / 2 and E|X - X'| = 4 / 2.
    np.testing.assert_allclose(scores, [5.0, 2.0 - 1.0], atol=1e-6)


def test_the_energy_score_is_least_for_the_spread_that_made_the_truth() -> None:
    rng = np.random.default_rng(0)
    grid = square(40, 0.5)
    truth = rng.normal(10, 1.5, (3000, 2))
    means = [
        energy_score(np.repeat(gaussian(grid, np.full((1, 2), 10.0), sd), 3000, 0), grid, truth)
        for sd in (0.7, 1.5, 3.0)
    ]
    assert np.argmin([m.mean() for m in means]) == 1


def test_discs_hold_their_share_and_a_calibrated_spread_is_seen_as_such() -> None:
    rng = np.random.default_rng(1)
    grid = square(60, 0.5)
    at = rng.uniform(10, 20, (2500, 2))
    truth = at + rng.normal(0, 2.0, at.shape)
    said = Distributions(gaussian(grid, at, 2.0), grid, at)
    # A circular normal: 68 % within 1.51 sd, 95 % within 2.45 sd.
    assert disc_radius_m(said, 0.68).mean() == pytest.approx(2 * 1.51, abs=0.15)
    assert disc_radius_m(said, 0.95).mean() == pytest.approx(2 * 2.45, abs=0.15)
    seen = calibration(score_rows(said, truth))
    assert np.abs(seen.predicted - seen.observed).max() < 0.05
    too_sure = calibration(score_rows(said._replace(log_probability=gaussian(grid, at, 1)), truth))
    assert (too_sure.observed < too_sure.predicted - 0.1).any()


def test_a_truth_is_in_the_disc_exactly_if_less_mass_lies_nearer() -> None:
    rng = np.random.default_rng(2)
    grid = square(12, 1.0)
    log = np.log(rng.dirichlet(np.full(len(grid), 0.05), 400) + 1e-12)
    log -= np.log(np.exp(log).sum(axis=1, keepdims=True))
    said = Distributions(log, grid, np.exp(log) @ grid)
    truth = rng.uniform(0, 12, (400, 2))
    truth[:50] = said.position_m[:50] + 0.2
    scores = score_rows(said, truth)
    for share in (0.68, 0.95):
        inside = scores[f"in{share * 100:.0f}"] == 1
        near = mass_within(said, truth) <= share
        assert (inside == near).mean() > 0.99
        assert 0 < inside.mean() < 1


def test_a_sure_method_still_has_the_extent_of_a_cell() -> None:
    grid = square(3, 2.0)
    with np.errstate(divide="ignore"):
        log = np.log(np.eye(9)[[4]])
    said = Distributions(log, grid, grid[[4]])
    assert disc_radius_m(said, 0.68) == pytest.approx(2 * np.sqrt(0.68 / np.pi))


def test_float32_shares_that_do_not_sum_to_1_have_radii_too() -> None:
    grid = square(50, 0.3)
    log = np.full((3, 2500), -np.log(2500), np.float32) - np.float32(1e-4)
    radius = disc_radius_m(Distributions(log, grid, np.full((3, 2), 7.5)), 0.95)
    assert (radius < 11).all()
    assert (radius > 7).all()


def test_a_grid_needs_an_area() -> None:
    assert cell_area_m2(square(3, 0.5).astype(np.float32)) == pytest.approx(0.25)
    with pytest.raises(ValueError, match="at least two cells"):
        cell_area_m2(np.zeros((1, 2)))
    with pytest.raises(ValueError, match="different points"):
        cell_area_m2(np.zeros((3, 2)))
