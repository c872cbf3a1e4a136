"""Parzen estimators for the candidates of a whole batch: drawn and weighed at once.

Optuna does so for the 24 candidates of one trial: over 2,000 kernels of eight parameters that alone
takes longer than a small network's training. The kernels here are Optuna's, with its weights and
widths; only how they are evaluated differs. For many points at once, the density is one matrix
product for all continuous parameters, and a small table for each discrete one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator
from optuna.samplers._tpe.probability_distributions import _BatchedCategoricalDistributions
from scipy.special import ndtr, ndtri

Array = NDArray[np.float64]

_HALF_LOG_2PI: Final = 0.5 * math.log(2 * math.pi)
_ROWS: Final = 64
"""Points a step: what is summed up for them, over 2,000 kernels, stays in a core's cache."""


class Kernels:
    """The kernels of one estimator, laid out for many points.

    Args:
        estimator: as Optuna builds it.
    """

    def __init__(self, estimator: _ParzenEstimator) -> None:
        mixture = estimator._mixture_distribution
        self._names = list(estimator._search_space)
        self._parts: list[Any] = list(mixture.distributions)
        # Points from before the space was narrowed: what stands too far outside reaches nothing.
        reach = [_reaches(part) for part in self._parts if not _is_categorical(part)]
        weights = (
            np.where(np.all(reach, axis=0), mixture.weights, 0.0) if reach else mixture.weights
        )
        self._weights: Array = weights / weights.sum()
        continuous = [part for part in self._parts if _is_continuous(part)]
        with np.errstate(divide="ignore"):
            logs = np.log(self._weights)
        self._factors = np.vstack([logs, *map(_factors, continuous)])

    def __len__(self) -> int:
        return len(self._weights)

    def sample(self, rng: np.random.RandomState, count: int) -> dict[str, Array]:
        """Return so many points drawn from the density, by parameter."""
        kernel = rng.choice(len(self), p=self._weights, size=count)
        pairs = zip(self._names, self._parts, strict=True)
        return {name: _drawn(part, kernel, rng.random_sample(count)) for name, part in pairs}

    def log_pdf(self, samples: Mapping[str, Array]) -> Array:
        """Return the log density at points [n], given by parameter."""
        count = len(next(iter(samples.values())))
        powers, tables = [np.ones((count, 1))], []
        for name, part in zip(self._names, self._parts, strict=True):
            if _is_continuous(part):
                powers.append(_powers(part, samples[name]))
            else:
                tables.append(_table(part, samples[name]))
        left = np.hstack(powers)
        found = np.empty(count)
        for start in range(0, count, _ROWS):
            rows = slice(start, start + _ROWS)
            logs = left[rows] @ self._factors
            for table, row in tables:
                logs += table[row[rows]]
            found[rows] = _log_of_sums(logs)
        return found

    def around(self, samples: Mapping[str, Array]) -> Callable[[int], Array]:
        """Return what gives the log density of a kernel around one of these points, at all of them.

        The kernel is as narrow as Optuna's narrowest among these.
        """
        near = [
            _around(part, samples[name], len(self))
            for name, part in zip(self._names, self._parts, strict=True)
        ]
        return lambda index: np.sum([one(index) for one in near], axis=0)


def _is_categorical(part: Any) -> bool:
    return isinstance(part, _BatchedCategoricalDistributions)


def _is_continuous(part: Any) -> bool:
    return not _is_categorical(part) and not part.step


def _reaches(part: Any) -> NDArray[np.bool_]:
    """Return whether each kernel has any mass within the range."""
    return np.isfinite(_whole(part, part.mu, part.sigma))


def _whole(part: Any, mu: Array, sigma: Array) -> Array:
    """Return the log mass of kernels within the range."""
    return _log_mass((part.adapted_low - mu) / sigma, (part.adapted_high - mu) / sigma)


def _within(part: Any, mu: Array, sigma: Array) -> Array:
    """Return the same, 0 for kernels without any: their weight is 0 already."""
    whole = _whole(part, mu, sigma)
    return np.where(np.isneginf(whole), 0.0, whole)


def _drawn(part: Any, kernel: NDArray[np.int64], share: Array) -> Array:
    """Return the values of kernels at shares of their mass [n]."""
    if _is_categorical(part):
        below = np.cumsum(part.weights[kernel], axis=1)[:, :-1]
        return np.asarray((below < share[:, None]).sum(axis=1), np.float64)
    mu, sigma = part.mu[kernel], part.sigma[kernel]
    low, high = (part.adapted_low - mu) / sigma, (part.adapted_high - mu) / sigma
    # In the right tail the distribution function has no digits left: there its mirror is drawn.
    sign = np.where(low > 0, -1.0, 1.0)
    first, last = ndtr(np.where(low > 0, -high, low)), ndtr(np.where(low > 0, -low, high))
    value = mu + sigma * sign * ndtri(first + share * (last - first))
    value = np.clip(value, part.adapted_low, part.adapted_high)
    if part.is_log:
        value = np.exp(value)
    if part.step:
        value = part.low + np.round((value - part.low) / part.step) * part.step
    return np.asarray(np.clip(value, part.low, part.high))


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
    mu, mass = part.mu - middle, _within(part, part.mu, part.sigma)
    inverse = 1 / part.sigma**2
    constant = -(mu**2) * inverse / 2 - np.log(part.sigma) - _HALF_LOG_2PI - mass
    return np.stack([-inverse / 2, mu * inverse, constant])


def _table(part: Any, x: Array) -> tuple[Array, NDArray[np.int64]]:
    """Return the log mass of each kernel by value [values, kernels], and each point's value [n]."""
    if _is_categorical(part):
        return np.log(part.weights).T, x.astype(np.int64)
    values, row = np.unique(x, return_inverse=True)
    # Many kernels stand on the same value with the same width.
    pairs, column = np.unique(part.mu + 1j * part.sigma, return_inverse=True)
    masses = _masses(part, values[:, None], pairs.real, pairs.imag)
    return masses[:, column], row


def _masses(part: Any, x: Array, mu: Array, sigma: Array) -> Array:
    """Return the log mass of kernels on the step around each value."""
    lower, upper = x - part.step / 2, x + part.step / 2
    if part.is_log:
        lower, upper = np.log(lower), np.log(upper)
    inside = _log_mass((lower - mu) / sigma, (upper - mu) / sigma)
    return inside - _within(part, mu, sigma)


def _log_mass(low: Array, high: Array) -> Array:
    """Return the log of a standard normal's mass between two ends; -inf beyond 37 of them."""
    # In the right tail both are 1 less almost nothing: there the mirrored ends are subtracted.
    right = low > 0
    left_end, right_end = np.where(right, -high, low), np.where(right, -low, high)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(ndtr(right_end) - ndtr(left_end)))


def _log_of_sums(logs: Array) -> Array:
    """Return the log of each row's sum of exponentials, and overwrite the rows."""
    top = logs.max(axis=1)
    # Of points that no kernel reaches: a density of 0 is no error.
    top[np.isneginf(top)] = 0
    logs -= top[:, None]
    np.exp(logs, out=logs)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(logs.sum(axis=1)) + top)


def _around(part: Any, x: Array, count: int) -> Callable[[int], Array]:
    """Return the log density, by the index of its middle, of a kernel of one parameter."""
    if _is_categorical(part):
        # As Optuna's: a prior of 1 in all, spread over the choices, and the choice itself.
        other = 1 / count
        total = part.weights.shape[1] * other + 1
        same, differs = math.log((1 + other) / total), math.log(other / total)
        return lambda index: np.where(x == x[index], same, differs)
    narrowest = (part.adapted_high - part.adapted_low) / min(100, 1 + count)
    value = np.log(x) if part.is_log else x
    if part.step:
        values, row = np.unique(x, return_inverse=True)
        middles = np.log(values) if part.is_log else values
        # For each pair of values: a batch comes back to the same few.
        table = _masses(part, values[:, None], middles, np.full_like(middles, narrowest))
        return lambda index: table[row, row[index]]
    constant = -math.log(narrowest) - _HALF_LOG_2PI
    return lambda index: constant - (value - value[index]) ** 2 / (2 * narrowest**2)
