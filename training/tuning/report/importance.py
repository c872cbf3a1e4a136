"""How much each parameter matters, with intervals, so that noise reads as noise.

A random forest learns the error from the parameters on a bootstrap sample of the trials; on the
trials outside the sample one parameter after the other is shuffled (Breiman, 2001: permutation
importance). Half of the variance that the forest then explains less is the parameter's importance:
its total Sobol index, the share of the variance that it and what it does with others make.
Repeated over samples, that gives an interval; one that reaches 0 may be luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from training.tuning.report.axes import Array, Axis

FEWEST_TRIALS: Final = 20
"""Fewer say nothing of more than one parameter."""

_SAMPLES: Final = 30
_TREES: Final = 16
_MOST_TRIALS: Final = 500
"""A forest of more takes longer and says the same; they are drawn at random."""
_SHUFFLES: Final = 4
_WORST: Final = 0.9
"""Errors beyond this quantile count as that much: one collapsed network is no parameter's doing."""
_INACTIVE: Final = -0.5
"""Place of a parameter that is not there, beside 0 to 1."""


@dataclass(frozen=True, slots=True)
class Importance:
    """Share of the variance of the error, over trials that the forest has not seen."""

    name: str
    """A parameter, or empty for all of them together."""
    share: float
    low: float
    """Bounds of the 95 % interval."""
    high: float

    @property
    def is_noise(self) -> bool:
        """Whether the parameter may have no influence at all."""
        return self.low <= 0


def importances(
    axes: Sequence[Axis], error_m: Array, *, seed: int = 0
) -> tuple[Importance, list[Importance]]:
    """Return what all parameters explain together, and each one's part, the greatest first.

    Args:
        axes: parameters over the trials.
        error_m: [trials], metres.
        seed: of samples and forests.
    """
    rng = np.random.default_rng(seed)
    inputs = np.stack([np.nan_to_num(axis.unit(), nan=_INACTIVE) for axis in axes], axis=1)
    target = np.minimum(error_m, np.quantile(error_m, _WORST))
    if len(target) > _MOST_TRIALS:
        kept = rng.choice(len(target), _MOST_TRIALS, replace=False)
        inputs, target = inputs[kept], target[kept]
    drawn = [_of_sample(inputs, target, rng) for _ in range(_SAMPLES)]
    shares = np.array([one for one in drawn if one is not None])
    if not len(shares) or not np.ptp(target):
        nothing = Importance("", 0.0, 0.0, 0.0)
        return nothing, [Importance(axis.name, 0.0, 0.0, 0.0) for axis in axes]
    names = ["", *(axis.name for axis in axes)]
    told = [_interval(name, shares[:, column]) for column, name in enumerate(names)]
    return told[0], sorted(told[1:], key=lambda one: -one.share)


def _interval(name: str, shares: Array) -> Importance:
    low, high = np.quantile(shares, (0.025, 0.975))
    return Importance(name, float(shares.mean()), float(low), float(high))


def _of_sample(inputs: Array, target: Array, rng: np.random.Generator) -> Array | None:
    """The variance explained on trials outside a sample, then each parameter's part of it."""
    from sklearn.ensemble import RandomForestRegressor

    sample = rng.integers(0, len(target), len(target))
    outside = np.setdiff1d(np.arange(len(target)), sample)
    if len(outside) < 3 or not np.ptp(target[outside]):
        return None
    forest = RandomForestRegressor(
        _TREES, min_samples_leaf=3, random_state=int(rng.integers(2**31)), n_jobs=1
    ).fit(inputs[sample], target[sample])
    rows, truth = inputs[outside], target[outside]
    columns = range(inputs.shape[1])
    tries = [rows, *[_shuffled(rows, c, rng) for c in columns for _ in range(_SHUFFLES)]]
    # One call for all: a call of a forest costs more than its rows.
    said = forest.predict(np.concatenate(tries)).reshape(len(tries), len(rows))
    explained = 1 - ((truth - said) ** 2).mean(axis=1) / truth.var()
    parts = (explained[0] - explained[1:].reshape(-1, _SHUFFLES).mean(axis=1)) / 2
    return np.concatenate([explained[:1], parts])


def _shuffled(rows: Array, column: int, rng: np.random.Generator) -> Array:
    copy = rows.copy()
    copy[:, column] = rng.permutation(copy[:, column])
    return copy
