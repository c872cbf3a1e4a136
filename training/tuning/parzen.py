"""The density of a Parzen estimator at many points at once.

Optuna evaluates it for the 24 candidates of one trial: over 2,000 kernels of eight parameters that
alone takes longer than a small network's training. The same density for the candidates of a whole
batch is one matrix product for all continuous parameters, and a small table for each discrete one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator
from optuna.samplers._tpe.probability_distributions import _BatchedCategoricalDistributions
from scipy.special import ndtr

Array = NDArray[np.float64]

_HALF_LOG_2PI: Final = 0.5 * math.log(2 * math.pi)


class Kernels:
    """The kernels of one estimator, laid out for many points.

    Args:
        names: of the parameters.
        parts: Optuna's distributions, one a parameter, each of all kernels.
        weights: of the kernels.
    """

    def __init__(self, names: Sequence[str], parts: Sequence[Any], weights: Array) -> None:
        self._names = list(names)
        self._parts = list(parts)
        self._weights = weights
        continuous = [part for part in parts if not _is_categorical(part) and not part.step]
        self._factors = np.vstack([np.zeros((0, len(weights))), *map(_factors, continuous)])

    @classmethod
    def of(cls, estimator: _ParzenEstimator) -> Kernels:
        """Return the kernels of an estimator, with its weights and widths."""
        mixture = estimator._mixture_distribution
        return cls(list(estimator._search_space), mixture.distributions, mixture.weights)

    def around(self, point: Mapping[str, float]) -> Kernels:
        """Return a kernel of weight 1 on a point, as narrow as Optuna's narrowest among these."""
        count = len(self._weights)
        pairs = zip(self._names, self._parts, strict=True)
        return Kernels(
            self._names, [_around(part, point[name], count) for name, part in pairs], np.ones(1)
        )

    def log_pdf(self, samples: Mapping[str, Array]) -> Array:
        """Return the log density at points [n], given by parameter."""
        logs = self._log_kernels(samples)
        logs += np.log(self._weights)
        top = logs.max(axis=1)
        # Of points that no kernel reaches: a density of 0 is no error.
        top[np.isneginf(top)] = 0
        logs -= top[:, None]
        np.exp(logs, out=logs)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(logs.sum(axis=1)) + top)

    def _log_kernels(self, samples: Mapping[str, Array]) -> Array:
        """Return the log density of every kernel at points [n, kernels]."""
        count = len(next(iter(samples.values())))
        total = np.zeros((count, len(self._weights)))
        powers = [np.zeros((count, 0))]
        for name, part in zip(self._names, self._parts, strict=True):
            x = np.asarray(samples[name], np.float64)
            if _is_categorical(part):
                total += np.log(part.weights).T[x.astype(np.int64)]
            elif part.step:
                total += _discrete(part, x)
            else:
                powers.append(_powers(part, x))
        total += np.hstack(powers) @ self._factors
        return total


def _is_categorical(part: Any) -> bool:
    return isinstance(part, _BatchedCategoricalDistributions)


def _around(part: Any, value: float, count: int) -> Any:
    if _is_categorical(part):
        weights = np.full((1, part.weights.shape[1]), 1 / count)
        weights[0, int(value)] += 1
        return part._replace(weights=weights / weights.sum())
    narrowest = (part.adapted_high - part.adapted_low) / min(100, 1 + count)
    mu = math.log(value) if part.is_log else value
    return part._replace(mu=np.array([mu]), sigma=np.array([narrowest]))


def _powers(part: Any, x: Array) -> Array:
    """Return powers of x [n, 3] whose product with `_factors` is the log density.

    x is taken from the middle of the range, which keeps the squares that cancel small.
    """
    value = np.log(x) if part.is_log else x
    value = value - (part.adapted_low + part.adapted_high) / 2
    return np.stack([value**2, value, np.ones_like(value)], axis=1)


def _factors(part: Any) -> Array:
    """Return -(x - mu)² / 2 sigma² - log(sigma sqrt(2 pi) mass), multiplied out [3, kernels]."""
    middle = (part.adapted_low + part.adapted_high) / 2
    mu, half = part.mu - middle, part.adapted_high - middle
    mass = _log_mass((-half - mu) / part.sigma, (half - mu) / part.sigma)
    inverse = 1 / part.sigma**2
    constant = -(mu**2) * inverse / 2 - np.log(part.sigma) - _HALF_LOG_2PI - mass
    return np.stack([-inverse / 2, mu * inverse, constant])


def _discrete(part: Any, x: Array) -> Array:
    """Return the log mass of each kernel on the step around each value [n, kernels]."""
    values, row = np.unique(x, return_inverse=True)
    pairs, column = np.unique(np.stack([part.mu, part.sigma]), axis=1, return_inverse=True)
    mu, sigma = pairs
    lower, upper = values - part.step / 2, values + part.step / 2
    if part.is_log:
        lower, upper = np.log(lower), np.log(upper)
    table = _log_mass((lower[:, None] - mu) / sigma, (upper[:, None] - mu) / sigma)
    table -= _log_mass((part.adapted_low - mu) / sigma, (part.adapted_high - mu) / sigma)
    return np.asarray(table[row[:, None], column.ravel()])


def _log_mass(low: Array, high: Array) -> Array:
    """Return the log of a standard normal's mass between two ends; -inf beyond 37 of them."""
    # In the right tail both are 1 less almost nothing: there the mirrored ends are subtracted.
    right = low > 0
    left_end, right_end = np.where(right, -high, low), np.where(right, -low, high)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(ndtr(right_end) - ndtr(left_end)))
