"""Scores of distributions over a floor's grid: pure functions from arrays to arrays.

A distribution is `log_probability` [n, grid], the logarithm of the share of each cell, with the
cells' centres `grid_m` [grid, 2]. The cells are squares of one size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from localizer.spread import SHARES, FloorCells, by_chunk

Array = NDArray[np.float64]

_LEAST_LOG: Final = -30.0
"""Of a cell's share, natural logarithm: below, float32 knows no more than that it is nothing, and
one row without a limit would be the mean of all."""

_CHUNK: Final = 2048
"""Rows at a time: each holds [rows, grid] distances."""

_CALIBRATION_STEPS: Final = 20


class Distributions(NamedTuple):
    """What a method says about n scans, beside its positions."""

    log_probability: NDArray[np.floating]
    """[n, grid], natural logarithms of shares that sum to 1."""
    grid_m: NDArray[np.floating]
    """[grid, 2], centres of the cells, metres."""
    position_m: Array
    """[n, 2], metres: the centre of the discs."""


class Calibration(NamedTuple):
    """How often the truth lay where it was said to lie."""

    predicted: Array
    """[steps], share of the mass in a disc about the position, 0..1."""
    observed: Array
    """[steps], share of the rows whose truth lay in that disc."""


def cell_area_m2(grid_m: NDArray[np.floating]) -> float:
    """Return the area of a cell: the square of the least distance of two centres.

    Raises:
        ValueError: fewer than two cells, or two at one point, have no such distance.
    """
    grid = np.asarray(grid_m, np.float64)
    if len(grid) < 2:
        raise ValueError(f"a grid must have at least two cells, but has {len(grid)}")
    gaps = [np.abs(np.diff(np.unique(axis.round(4)))) for axis in grid.T]
    pitch = min((float(gap.min()) for gap in gaps if len(gap)), default=0.0)
    if pitch <= 0:
        raise ValueError("the cells of a grid must lie at different points, but all lie at one")
    return pitch**2


def negative_log_likelihood(
    log_probability: NDArray[np.floating], grid_m: NDArray[np.floating], truth_m: Array
) -> Array:
    """Return -log of the density at the truth, [n], nats with the density per square metre.

    The density is the share of the cell that holds the truth over the cell's area, so grids of
    different pitch compare; a truth outside of the grid takes its nearest cell. A share below
    e^-30 counts as e^-30.
    """

    def log_share(rows: slice) -> Array:
        nearest = _distances(truth_m[rows], grid_m).argmin(axis=1)
        shares = np.asarray(log_probability[rows], np.float64)
        return np.asarray(shares[np.arange(len(nearest)), nearest])

    share = _by_chunk(log_share, len(truth_m))
    return np.asarray(math.log(cell_area_m2(grid_m)) - np.maximum(share, _LEAST_LOG))


def energy_score(
    log_probability: NDArray[np.floating], grid_m: NDArray[np.floating], truth_m: Array
) -> Array:
    """Return E|X - truth| - E|X - X'| / 2, [n], metres, exact on the grid.

    Gneiting and Raftery 2007, "Strictly proper scoring rules, prediction, and estimation": a
    distribution of one point has its error, and spread is paid back only as far as it is due.
    """
    between = _distances(np.asarray(grid_m, np.float64), grid_m).astype(np.float32)

    def score(rows: slice) -> Array:
        share = np.exp(np.asarray(log_probability[rows], np.float64))
        to_truth = (share * _distances(truth_m[rows], grid_m)).sum(axis=1)
        apart = ((share.astype(np.float32) @ between) * share).sum(axis=1)
        return np.asarray(to_truth - apart / 2)

    return _by_chunk(score, len(truth_m))


def disc_radius_m(said: Distributions, share: float) -> Array:
    """Return the radius of the disc about each position that holds a share of the mass, [n], m.

    What the edge sends: `localizer.spread.FloorCells.radii_m`.
    """
    return _disc_radii_m(said, (share,))[:, 0]


def _disc_radii_m(said: Distributions, shares: Sequence[float]) -> Array:
    cells = FloorCells(said.grid_m, math.sqrt(cell_area_m2(said.grid_m)))
    return cells.radii_m(said.log_probability, said.position_m, shares=shares)


def mass_within(said: Distributions, truth_m: Array) -> Array:
    """Return which share of the mass lies nearer to the position than the truth does, [n], 0..1.

    A truth lies in the disc of a share exactly if this is below that share; well calibrated
    spreads give values spread evenly over 0..1.
    """
    area = cell_area_m2(said.grid_m)

    def within(rows: slice) -> Array:
        error = np.hypot(*(truth_m[rows] - said.position_m[rows]).T)
        mass = np.exp(np.asarray(said.log_probability[rows], np.float64))
        nearer = _distances(said.position_m[rows], said.grid_m) < error[:, None]
        share = (mass * nearer).sum(axis=1) / mass.sum(axis=1)
        # As for the discs: within one cell the disc grows with the share of its area.
        return np.asarray(np.minimum(share, math.pi * error**2 / area))

    return _by_chunk(within, len(truth_m))


def score_rows(said: Distributions, truth_m: Array) -> dict[str, Array]:
    """Return every score of every row by name, each [n].

    `nll` (nats, density per m^2), `energy` (m), `r68` and `r95` (m), `in68` and `in95` (1 where
    the error is no larger than that radius), `mass_within` (0..1).
    """
    error = np.hypot(*(truth_m - said.position_m).T)
    scores = {
        "nll": negative_log_likelihood(said.log_probability, said.grid_m, truth_m),
        "energy": energy_score(said.log_probability, said.grid_m, truth_m),
        "mass_within": mass_within(said, truth_m),
    }
    for share, radius in zip(SHARES, _disc_radii_m(said, SHARES).T, strict=True):
        scores[f"r{share * 100:.0f}"] = radius
        scores[f"in{share * 100:.0f}"] = (error <= radius).astype(np.float64)
    return scores


def calibration(scores: Mapping[str, Array]) -> Calibration:
    """Return predicted against observed shares, from the scores of `score_rows`, any shape."""
    predicted = np.linspace(0, 1, _CALIBRATION_STEPS + 1)
    within = np.sort(np.ravel(scores["mass_within"]))
    observed = np.searchsorted(within, predicted, side="right") / len(within)
    return Calibration(predicted, observed)


def _distances(points_m: Array, grid_m: NDArray[np.floating]) -> Array:
    """[n, grid], metres."""
    grid = np.asarray(grid_m, np.float64)
    return np.hypot(points_m[:, :1] - grid[:, 0], points_m[:, 1:] - grid[:, 1])


def _by_chunk(score: Callable[[slice], Array], rows: int) -> Array:
    return by_chunk(score, rows, _CHUNK)
