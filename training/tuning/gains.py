"""What one network gains on another over seeds and places, and how sure that is."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.metrics import CONFIDENCE

_DRAWS: Final = 2000
_SEED: Final = 0


class Interval(NamedTuple):
    """Metres, with the bounds of their 95 % interval."""

    mean_m: float
    low_m: float
    high_m: float


class Gain(NamedTuple):
    """Metres gained; negative for a loss."""

    mean_m: float
    low_m: float
    high_m: float

    @property
    def verdict(self) -> str:
        """`GAIN` if the interval lies above 0, else `NO GAIN`."""
        return "GAIN" if self.low_m > 0 else "NO GAIN"


def paired_gain(
    default: NDArray[np.float64], other: NDArray[np.float64], group: NDArray[np.int64]
) -> Gain:
    """Return the mean of `default - other` with its 95 % interval.

    Seeds and groups are drawn again, both at once: another seed gives another network, and another
    survey has other places (Owen, "The pigeonhole bootstrap", Annals of Applied Statistics, 2007).

    Args:
        default: [seeds, n], metres.
        other: [seeds, n], metres, of the same seeds and rows.
        group: [n], which rows share their surroundings: places, or walks.
    """
    pairs = default - other
    _, index = np.unique(group, return_inverse=True)
    index = index.ravel()
    groups = int(index.max()) + 1
    sums = np.stack([np.bincount(index, weights=row, minlength=groups) for row in pairs])
    counts = np.bincount(index, minlength=groups)
    random = np.random.default_rng(_SEED)
    seeds = random.multinomial(len(pairs), np.full(len(pairs), 1 / len(pairs)), _DRAWS)
    drawn = random.multinomial(groups, np.full(groups, 1 / groups), _DRAWS)
    totals = np.einsum("ds,sg,dg->d", seeds, sums, drawn)
    means = totals / (len(pairs) * (drawn @ counts))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, (tail, 1 - tail))
    return Gain(float(pairs.mean()), float(low), float(high))


def gap_between(dev: Interval, unseen: Interval) -> Interval:
    """Return how much larger the error on unseen rows is, with its 95 % interval.

    The two are of rows at other places, so the distances to their bounds add up as squares do
    (Zou and Donner, "Construction of confidence limits about effect measures", 2008).
    """
    gap = unseen.mean_m - dev.mean_m
    below = math.hypot(unseen.mean_m - unseen.low_m, dev.high_m - dev.mean_m)
    above = math.hypot(unseen.high_m - unseen.mean_m, dev.mean_m - dev.low_m)
    return Interval(gap, gap - below, gap + above)
