"""A radio map as one dense layer and a softmax over the floor, trained end to end.

The logarithm of the probability of a cell is linear in the scan: for each beacon a weight for being
heard, one for its level and one for its square. That is what a map of Gaussian levels with a
probability to be heard gives (its quadratic form in the level), but trained to locate. The weights
are not free: they are functions of the distance to the beacon that all beacons share, plus a
departure of each beacon that may depend on the direction and vary smoothly over the floor. Silence
counts too, by distance alone. So a floor that was surveyed in part is located beyond it, and the
problem is convex.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from training.pool.grid import FloorGrid
from training.pool.side import PoolSide

RADIAL: Final = 7
"""Bumps over the logarithm of the distance, from under a cell to across the floor."""

ORDER: Final = 3
"""Heard, level, square of the level."""

SMOOTH: Final = 40
"""Smooth functions over the floor a weight; they resolve a fifth of its side."""

SMOOTH_SHARE: Final = 0.2
"""Length scale of those, as a share of the floor's side."""

SHARED_PRICE: Final = 0.01
"""Of what all beacons share: next to nothing, the data decide."""

TARGET_CELLS: Final = 1.0
"""Standard deviation of the soft target, cells: the truth is known about so well."""

NEAREST_CELLS: Final = 0.7
"""Distances below so many cells are one distance: the grid does not resolve them."""

_STEPS: Final = 60
"""Of L-BFGS; more fit the training side closer and the places left out no better."""


class FloorSoftmax(NamedTuple):
    """Logits of the cells are ``inputs @ weight + bias``."""

    weight: NDArray[np.float64]
    """[3 * beacons, grid]: heard, level, squared level of every beacon."""
    bias: NDArray[np.float64]
    """[grid], what silence of all beacons says."""


def softmax_inputs(heard: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return [n, 3 * beacons] from heard bits and levels [n, beacons], 0 where not heard."""
    return np.concatenate([heard, step * heard, step**2 * heard], axis=1)


def fit_floor_softmax(side: PoolSide, grid: FloorGrid, *, price: float | None) -> FloorSoftmax:
    """Return the weights with the least place-balanced cross-entropy to soft targets.

    Args:
        side: the training side; beacons without a place are left out.
        grid: cells of the floor.
        price: ridge of each beacon's departures; None for what all share alone.
    """
    basis = _Basis(side, grid, price)
    vote = side.weight[:, None].astype(np.float32)
    inputs = softmax_inputs(side.heard[:, basis.placed], side.step[:, basis.placed])
    inputs, target = inputs.astype(np.float32), _soft_target(side.position_m, grid)

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weight, bias = basis.expand(theta)
        # In float32, which halves the time; the sums over scans and the ridge are not.
        logits = inputs @ weight.astype(np.float32) + bias.astype(np.float32)
        logits -= logits.max(axis=1, keepdims=True)
        share = np.exp(logits)
        total = share.sum(axis=1, keepdims=True)
        entropy = np.log(total[:, 0]) - np.einsum("ng,ng->n", target, logits)
        slope = (share / total - target) * vote
        gradient = basis.collect(
            (inputs.T @ slope).astype(np.float64), slope.sum(axis=0, dtype=np.float64)
        )
        return float(side.weight @ entropy) + 0.5 * float(theta @ theta), gradient + theta

    found = minimize(
        loss, np.zeros(basis.size), jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}
    )
    weight, bias = basis.expand(found.x)
    return FloorSoftmax(basis.with_unplaced(weight), bias)


def _soft_target(position_m: NDArray[np.float64], grid: FloorGrid) -> NDArray[np.float32]:
    squared = ((position_m[:, None] - grid.cells_m[None]) ** 2).sum(axis=-1)
    near = np.exp(-0.5 * squared / (TARGET_CELLS * grid.cell_m) ** 2)
    return np.asarray(near / near.sum(axis=1, keepdims=True), np.float32)


class _Basis:
    """What the weights may be: whitened parameters to weights over the cells, and back."""

    def __init__(self, side: PoolSide, grid: FloorGrid, price: float | None) -> None:
        self.placed = np.flatnonzero(np.isfinite(side.beacons_m[:, 0]))
        self.all_beacons, self.cells = len(side.beacons_m), len(grid.cells_m)
        apart = grid.cells_m[None] - side.beacons_m[self.placed][:, None]
        distance = np.hypot(apart[..., 0], apart[..., 1])
        nearest = NEAREST_CELLS * grid.cell_m
        radial = _bumps(np.log(np.maximum(distance, nearest)), np.log([nearest, side.span_m]))
        self.shared = radial / np.sqrt(SHARED_PRICE)
        self.own = None
        if price is not None:
            towards = apart / np.maximum(distance, grid.cell_m)[..., None]
            smooth = np.broadcast_to(
                _smooth(grid, side.span_m), (len(self.placed), self.cells, SMOOTH)
            )
            parts = [radial, radial * towards[..., :1], radial * towards[..., 1:], smooth]
            self.own = np.concatenate(parts, axis=-1) / np.sqrt(price)
        self.split = (ORDER + 1) * RADIAL
        own = 0 if self.own is None else ORDER * len(self.placed) * self.own.shape[-1]
        self.size = self.split + own

    def expand(self, theta: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return weights [3 * placed, grid] and bias [grid]."""
        shared = theta[: self.split].reshape(ORDER + 1, RADIAL)
        maps = np.moveaxis(self.shared @ shared.T, -1, 0)
        # A beacon that is heard is not silent: its silence is taken back.
        weight, silence = maps[:ORDER].copy(), maps[ORDER]
        weight[0] -= silence
        if self.own is not None:
            own = theta[self.split :].reshape(len(self.placed), self.own.shape[-1], ORDER)
            weight += np.moveaxis(self.own @ own, -1, 0)
        return weight.reshape(-1, self.cells), silence.sum(axis=0)

    def collect(
        self, weight: NDArray[np.float64], bias: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the gradient of the parameters from those of weights and bias."""
        by_beacon = np.moveaxis(weight.reshape(ORDER, len(self.placed), self.cells), 0, -1)
        shared = np.tensordot(by_beacon, self.shared, axes=([0, 1], [0, 1]))
        silence = bias @ self.shared.sum(axis=0) - shared[0]
        parts = [shared.ravel(), silence]
        if self.own is not None:
            parts.append((np.swapaxes(self.own, 1, 2) @ by_beacon).ravel())
        return np.asarray(np.concatenate(parts))

    def with_unplaced(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights of all beacons: 0 for those without a place."""
        full = np.zeros((ORDER, self.all_beacons, self.cells))
        full[:, self.placed] = weight.reshape(ORDER, len(self.placed), self.cells)
        return np.asarray(full.reshape(-1, self.cells))


def _bumps(values: NDArray[np.float64], ends: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaussian bumps [..., RADIAL], evenly spaced from end to end and as wide as their spacing."""
    centres = np.linspace(ends[0], ends[1], RADIAL)
    return np.asarray(
        np.exp(-0.5 * ((values[..., None] - centres) / (centres[1] - centres[0])) ** 2)
    )


def _smooth(grid: FloorGrid, span_m: float) -> NDArray[np.float64]:
    """Leading functions [grid, SMOOTH] of a squared exponential process over the floor."""
    squared = ((grid.cells_m[:, None] - grid.cells_m[None]) ** 2).sum(axis=-1)
    values, vectors = np.linalg.eigh(np.exp(-0.5 * squared / (SMOOTH_SHARE * span_m) ** 2))
    return np.asarray(vectors[:, -SMOOTH:] * np.sqrt(np.maximum(values[-SMOOTH:], 0.0)))
