"""How much each method of a pool counts."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

_TINY_M2: Final = 1e-6
"""Under the square root of a distance: its gradient at 0 is not finite."""


class Prior(NamedTuple):
    """What the methods count before the data speak."""

    weight: NDArray[np.float64]
    """[methods], above 0, sum to 1."""
    trust: float
    """Above 0; a large one leaves the prior as it is."""


def pool_weights(
    located_m: NDArray[np.float64],
    truth_m: NDArray[np.float64],
    vote: NDArray[np.float64],
    prior: Prior,
) -> NDArray[np.float64]:
    """Return weights [methods] that sum to 1: little error, no farther from the prior than it pays.

    Minimises the mean error of the weighted mean position, in shares of the best single method's,
    plus `prior.trust` times the relative entropy of the weights to the prior. Stacked regression
    (Breiman 1996) with a prior: an inner cross-validation is too noisy to pick a winner by, and it
    sees places between others where a floor has corners that nobody surveyed.

    Args:
        located_m: [n, methods, 2], positions of scans that the methods were not fitted to.
        truth_m: [n, 2].
        vote: [n], how much each scan counts.
        prior: where the weights start, and how dear it is to leave it.
    """
    share = vote / vote.sum()
    alone = np.hypot(*np.moveaxis(located_m - truth_m[:, None], -1, 0))
    unit_m = float((share @ alone).min()) + _TINY_M2

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weight = _softmax(theta)
        away = np.einsum("nkc,k->nc", located_m, weight) - truth_m
        error = np.sqrt((away**2).sum(axis=1) + _TINY_M2)
        left = np.log(np.maximum(weight / prior.weight, 1e-12))
        value = float(share @ error) / unit_m + prior.trust * float(weight @ left)
        slope = np.einsum("n,nc,nkc->k", share / error / unit_m, away, located_m)
        slope += prior.trust * (left + 1.0)
        return value, weight * (slope - weight @ slope)

    return _softmax(minimize(loss, np.log(prior.weight), jac=True, method="L-BFGS-B").x)


def _softmax(theta: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(theta - theta.max())
    return np.asarray(powers / powers.sum())
