"""Errors of positions, summarised so that they cannot flatter.

ISO/IEC 18305 names the median CEP and the 95th percentile CE95; the mean alone hides both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

BOOTSTRAP_DRAWS: Final = 2000
CONFIDENCE: Final = 0.95
"""Of every interval printed."""

METRE_STEPS: Final = (1, 2, 3)
CELL_STEPS: Final = (1, 2, 3, 4, 5)

WRONG_FLOOR_M: Final = 15.0
"""What a wrong floor adds to an error in the competitions of the IPIN conference, metres."""

_SEED: Final = 20_200_616
"""Of the bootstrap: the same errors give the same interval."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Distributions of one method on one split: means over rows and seeds."""

    nll: float
    """Negative log-likelihood, nats, of the density per square metre at the truth."""
    energy_score: float
    """Metres; of a method that is sure of one point, its error."""
    coverage_68: float
    """Share of rows whose truth lies in the disc that is said to hold 68 %."""
    coverage_95: float
    sharpness_68: float
    """Mean radius of that disc, metres: the smaller the better at equal coverage."""
    sharpness_95: float


@dataclass(frozen=True, slots=True)
class FloorHits:
    """How well one method tells floors on one split."""

    floor_hit_rate: float
    """Share of rows and seeds on the right floor."""
    mean_right_floor: float
    """Mean error of those, metres; NaN without any."""
    q3_with_floors: float
    """Third quartile of error + `WRONG_FLOOR_M` a wrong floor, metres: the score of IPIN."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Errors of one method on one split, metres."""

    n: int
    seeds: int
    mean: float
    ci_low: float
    """Bounds of the 95 % interval of the mean, bootstrapped by place."""
    ci_high: float
    mean_of_folds: float
    """Mean of the folds' means; the mean above pools their rows."""
    seed_sd: float
    """Standard deviation, over seeds, of the mean error; 0 for one seed."""
    seed_low: float
    seed_high: float
    median: float
    p75: float
    p95: float
    within_m: dict[int, float]
    """Share of rows within 1, 2 and 3 m."""
    within_cells: dict[int, float]
    """Share of rows within 1 to 5 grid cells; empty for a site without cells."""
    spread: Spread | None = None
    """How good the distributions are; None for a method that gives positions alone."""
    floors: FloorHits | None = None
    """How well floors are told; None where there is but one."""


def floor_hits(errors: NDArray[np.float64], right: NDArray[np.bool_]) -> FloorHits:
    """Return how well floors are told, from errors and hits, both [seeds, n], metres."""
    penalised = (errors + WRONG_FLOOR_M * ~right).mean(axis=0)
    return FloorHits(
        floor_hit_rate=float(right.mean()),
        mean_right_floor=float(errors[right].mean()) if right.any() else float("nan"),
        q3_with_floors=float(np.quantile(penalised, 0.75)),
    )


def errors_m(predicted: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Euclidean errors [n] in metres of positions [n, 2]."""
    off = predicted - truth
    return np.hypot(off[:, 0], off[:, 1])


def summarise(
    errors: NDArray[np.float64],
    place: NDArray[np.int64],
    fold: NDArray[np.int64],
    *,
    cell_m: float | None,
    scores: Mapping[str, NDArray[np.float64]] | None = None,
) -> Summary:
    """Return the summary of errors, float64 [seeds, n] in metres.

    The error of a row is its mean over seeds; the spread of seeds has its own columns.

    Args:
        errors: one row a seed.
        place: [n], the place of each scan, which the bootstrap resamples.
        fold: [n], the fold that scored each scan.
        cell_m: side of the survey's grid cell, or None.
        scores: those of `training.distributions.score_rows`, each [seeds, n]; empty or None for a
            method without distributions.
    """
    row = errors.mean(axis=0)
    by_seed = errors.mean(axis=1)
    low, high = bootstrap_by_place(row, place)
    median, p75, p95 = np.quantile(row, (0.5, 0.75, 0.95))
    return Summary(
        n=errors.shape[1],
        seeds=errors.shape[0],
        mean=float(row.mean()),
        ci_low=low,
        ci_high=high,
        mean_of_folds=float(np.mean([row[fold == one].mean() for one in np.unique(fold)])),
        seed_sd=float(by_seed.std(ddof=1)) if len(by_seed) > 1 else 0.0,
        seed_low=float(by_seed.min()),
        seed_high=float(by_seed.max()),
        median=float(median),
        p75=float(p75),
        p95=float(p95),
        within_m={m: float((row <= m).mean()) for m in METRE_STEPS},
        within_cells={c: float((row <= c * cell_m).mean()) for c in CELL_STEPS} if cell_m else {},
        spread=_spread(scores) if scores else None,
    )


def _spread(scores: Mapping[str, NDArray[np.float64]]) -> Spread:
    names = ("nll", "energy", "in68", "in95", "r68", "r95")
    return Spread(*(float(scores[name].mean()) for name in names))


def resampled_groups(place: NDArray[np.int64], session: NDArray[np.str_]) -> NDArray[np.int64]:
    """Return what the bootstrap draws again, [n]: places, or sessions where nobody stands still.

    Rows of a walk have a place each, and depend on each other by more than that: where most rows
    have a place of their own, whole sessions are drawn.
    """
    places = np.unique(place, return_inverse=True)[1].ravel()
    if len(places) and int(places.max()) + 1 > len(places) / 2:
        sessions = np.unique(session, return_inverse=True)[1].ravel()
        if sessions.max() > 0:
            return np.asarray(sessions, np.int64)
    return np.asarray(places, np.int64)


def bootstrap_by_place(
    values: NDArray[np.float64], place: NDArray[np.int64]
) -> tuple[float, float]:
    """Return the interval of the mean of values [n] when places, not rows, are drawn again.

    Scans at one place share its surroundings: drawing rows would call them independent and give
    an interval that is too narrow (Efron and Tibshirani 1993, the cluster bootstrap).
    """
    _, index = np.unique(place, return_inverse=True)
    sums = np.bincount(index.ravel(), weights=values)
    counts = np.bincount(index.ravel())
    draws = np.random.default_rng(_SEED).integers(0, len(sums), (BOOTSTRAP_DRAWS, len(sums)))
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, (tail, 1 - tail))
    return float(low), float(high)
