"""The weighted centroid with everything about it learned, held close to the plain one.

A beacon's weight is a softmax of a quadratic in its RSSI and a gain of its own; each beacon may
count as if it hung somewhat beside its place, which is what walls and antennas do; and the result
may be stretched, because an average of beacons is drawn towards their middle. It starts as the
weighted centroid, and every departure from that has a price.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.optimize import minimize

from localizer.features import ALIGNED_SCALE
from training.baselines import CENTROID_DB
from training.methods import Positions
from training.pool.side import MIDDLE_DBM, STEP_DB, PoolSide

_RATE: Final = float(np.log(10) * STEP_DB / CENTROID_DB)
"""Of the plain weighted centroid, 10^(RSSI / 15 dB), for a step of 10 dB."""

_RATE_SD: Final = 1.6
_CURVE_SD: Final = 0.95
_GAIN_SD: Final = 1.0
_SHIFT_SD: Final = 0.1
_STRETCH_SD: Final = 0.3
_OFFSET_SD: Final = 0.09
"""How far each kind of parameter may go at a price of one half when the ridge is 1: the logarithm
of the rate, the curve, a beacon's gain (nat), the stretch, and, as shares of the floor's side, the
shift of a beacon and of the whole. The pool holds fits of several ridges, so none is tuned."""

_STEPS: Final = 80
"""Of L-BFGS: beyond, the positions move by less than a centimetre."""

_TINY_M2: Final = 1e-4
"""Under the square root of a distance: its gradient at 0 is not finite."""

_SILENT: Final = -1e3
"""Logarithm of the weight of a beacon that was not heard, or that has no place."""


class LearnedCentroid(NamedTuple):
    """Parameters of one fit."""

    rate: float
    curve: float
    gain: NDArray[np.float64]
    """[beacons]."""
    anchors_m: NDArray[np.float64]
    """[beacons, 2], where each beacon counts."""
    stretch: NDArray[np.float64]
    """[2, 2], about the middle."""
    offset_m: NDArray[np.float64]
    """[2], of the whole."""


def fit_learned_centroid(side: PoolSide, *, ridge: float) -> Positions:
    """Return the graph of a learned centroid, [n, 2] metres from `vector`.

    The loss is the sum over places of their mean error, in units of the plain centroid's, plus
    ``ridge / 2`` times the squared departures, each in units of its spread above: the more places
    a survey has, the more it may say.

    Args:
        side: the training side; beacons without a place have no say.
        ridge: price of leaving the weighted centroid; above 0.
    """
    placed = np.isfinite(side.beacons_m[:, 0])
    fit = _Fit(side, np.where(placed[:, None], side.beacons_m, 0.0), side.heard * placed, ridge)
    if not fit.heard.any():
        return _graph(fit.shape(np.zeros(fit.size)), placed, side.middle_m)
    found = minimize(
        fit.loss, np.zeros(fit.size), jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}
    )
    return _graph(fit.shape(found.x), placed, side.middle_m)


class _Fit:
    """The loss and its gradient in whitened parameters: rate, curve, gains, shifts, stretch."""

    def __init__(
        self,
        side: PoolSide,
        beacons_m: NDArray[np.float64],
        heard: NDArray[np.float64],
        ridge: float,
    ) -> None:
        scans = heard.any(axis=1)
        self.heard, self.step = heard[scans], side.step[scans]
        self.truth, self.weight = side.position_m[scans], side.weight[scans]
        self.beacons_m, self.middle, self.span = beacons_m, side.middle_m, side.span_m
        self.sd = 1.0 / np.sqrt(ridge)
        self.count = len(beacons_m)
        self.size = 8 + 3 * self.count
        self.unit_m = 1.0
        if self.heard.any():
            plain = self._locate(self.shape(np.zeros(self.size)))[0]
            self.unit_m = float(np.hypot(*(plain - self.truth).T).mean())

    def shape(self, theta: NDArray[np.float64]) -> LearnedCentroid:
        n, sd = self.count, self.sd
        return LearnedCentroid(
            rate=_RATE * float(np.exp(sd * _RATE_SD * theta[0])),
            curve=float(sd * _CURVE_SD * theta[1]),
            gain=sd * _GAIN_SD * theta[2 : 2 + n],
            anchors_m=self.beacons_m
            + sd * _SHIFT_SD * self.span * theta[2 + n : 2 + 3 * n].reshape(n, 2),
            stretch=np.eye(2) + sd * _STRETCH_SD * theta[2 + 3 * n : 6 + 3 * n].reshape(2, 2),
            offset_m=sd * _OFFSET_SD * self.span * theta[6 + 3 * n :],
        )

    def _locate(
        self, shape: LearnedCentroid
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        logit = self.step * shape.rate + self.step**2 * shape.curve + shape.gain
        logit = np.where(self.heard > 0, logit, _SILENT)
        share = np.exp(logit - logit.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        inner = share @ shape.anchors_m
        located = (inner - self.middle) @ shape.stretch + self.middle + shape.offset_m
        return located, inner, share

    def loss(self, theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the loss and its gradient, [size]."""
        shape = self.shape(theta)
        located, inner, share = self._locate(shape)
        away = located - self.truth
        error = np.sqrt((away**2).sum(axis=1) + _TINY_M2)
        value = float(self.weight @ error) / self.unit_m + 0.5 * float(theta @ theta)
        pull = away * (self.weight / error / self.unit_m)[:, None]
        on_inner = pull @ shape.stretch.T
        on_share = on_inner @ shape.anchors_m.T
        on_logit = share * (on_share - (share * on_share).sum(axis=1, keepdims=True))
        sd = self.sd
        gradient = np.concatenate(
            [
                [float((on_logit * self.step).sum()) * shape.rate * sd * _RATE_SD],
                [float((on_logit * self.step**2).sum()) * sd * _CURVE_SD],
                on_logit.sum(axis=0) * sd * _GAIN_SD,
                (share.T @ on_inner).ravel() * sd * _SHIFT_SD * self.span,
                ((inner - self.middle).T @ pull).ravel() * sd * _STRETCH_SD,
                pull.sum(axis=0) * sd * _OFFSET_SD * self.span,
            ]
        )
        return value, gradient + theta


def _graph(
    shape: LearnedCentroid, placed: NDArray[np.bool_], middle_m: NDArray[np.float64]
) -> Positions:
    count = len(placed)
    anchors, stretch, middle, moved, gain, has_place = (
        tf.constant(np.asarray(value, np.float32))
        for value in (
            shape.anchors_m,
            shape.stretch,
            middle_m[None],
            (middle_m + shape.offset_m)[None],
            shape.gain[None],
            placed[None],
        )
    )
    scale, start = (
        ALIGNED_SCALE.span_db / STEP_DB,
        (ALIGNED_SCALE.offset_dbm - MIDDLE_DBM) / STEP_DB,
    )

    def graph(inputs: Mapping[str, Any]) -> Any:
        vector = tf.convert_to_tensor(inputs["vector"])
        heard = vector[:, count:] * has_place
        step = vector[:, :count] * scale + start
        logit = step * shape.rate + step * step * shape.curve + gain
        share = tf.nn.softmax(heard * logit + (1.0 - heard) * _SILENT)
        located = (share @ anchors - middle) @ stretch + moved
        known = tf.reduce_max(heard, axis=1, keepdims=True)
        return known * located + (1.0 - known) * middle

    return graph
