"""The distribution of a pooled locator: the floor softmaxes' own, moved to the pooled position.

Of all distributions with the pooled position as their mean it is the one nearest to the softmaxes'
in relative entropy: their logits plus a slope over the floor (Csiszar 1975, I-projection). Where
the methods agree the slope is 0; where they do not, the shape stays and the mass moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.pool.floor_softmax import FloorSoftmax
from training.pool.grid import FloorGrid

SHARPNESSES: Final = (0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.6, 2.0)
"""Powers that the softmaxes' distribution is raised to; below 1 it spreads. Readings of one scan
are not independent, so their product is too sure of itself."""

_STEPS: Final = 6
"""Newton steps to the mean; five bring it to a centimetre, where it can be reached."""

_FLOOR_CELLS: Final = 0.5
"""Added to the spread before a step, cells: a distribution on one cell has none, and the step
would be infinite."""

_REACH: Final = 1.0
"""Longest step, in spreads: farther out a distribution is not what its slope says."""

_SHORTER: Final = 0.25
"""Of a step that led away from the position. On a narrow distribution, such as that of a survey
along one corridor, a whole step tips the mass to the other end of the floor, and back."""

UNIFORM: Final = 0.01
"""Share of the whole floor in every distribution: anything may have happened in one scan of a
hundred, and no truth gets probability 0."""


class Spread(NamedTuple):
    """What makes a distribution of a scan and its position."""

    weight: NDArray[np.float32]
    """[3 * beacons, grid]."""
    bias: NDArray[np.float32]
    """[grid]."""
    cells_m: NDArray[np.float32]
    """[grid, 2]."""
    cell_m: float


def spread_of(maps: Sequence[FloorSoftmax], grid: FloorGrid, sharpness: float) -> Spread:
    """Return the mean of the softmaxes' logits, sharpened: their geometric mean."""
    weight = np.mean([one.weight for one in maps], axis=0) * sharpness
    bias = np.mean([one.bias for one in maps], axis=0) * sharpness
    return Spread(
        weight.astype(np.float32),
        bias.astype(np.float32),
        grid.cells_m.astype(np.float32),
        grid.cell_m,
    )


def log_probability(spread: Spread, inputs: Any, position_m: Any) -> Any:
    """Return the graph of log probabilities, float32 [n, grid].

    Args:
        spread: of the fit.
        inputs: [n, 3 * beacons], as `softmax_inputs` orders them.
        position_m: [n, 2], where the mean shall be.
    """
    return _tilted(_constants(spread), inputs, position_m)


def log_probability_now(spread: Spread, inputs: Any, position_m: Any) -> NDArray[np.float32]:
    """Return the values of `log_probability`, for one spread after the other.

    A fit asks for many sharpnesses, and each has some hundred operations: traced once a process,
    they take a third of the time.
    """
    return np.asarray(_traced(_constants(spread), inputs, position_m))


def _constants(spread: Spread) -> Spread:
    return Spread(*(tf.constant(value, tf.float32) for value in spread))


def _tilted(spread: Any, inputs: Any, position_m: Any) -> Any:
    cells = spread.cells_m
    logits = inputs @ spread.weight + spread.bias
    # The uniform share draws the mean to the middle: what is left must lie as much beyond.
    middle = tf.reduce_mean(cells, axis=0, keepdims=True)
    target = (position_m - UNIFORM * middle) / (1.0 - UNIFORM)
    slope = _slope(cells, logits, target, spread.cell_m)
    share = tf.nn.softmax(logits + tf.matmul(slope, cells, transpose_b=True))
    uniform = UNIFORM / tf.cast(tf.shape(cells)[0], tf.float32)
    return tf.math.log((1.0 - UNIFORM) * share + uniform)


def _slope(cells: Any, logits: Any, position_m: Any, cell_m: Any) -> Any:
    """The slope [n, 2] that moves the mean to the position, or as near as the steps come.

    Newton's method, whose step is taken again but shorter where it led away.
    """
    slope = step = nearest = position_m * 0.0
    reach = nearest[:, :1] + 1.0
    least = reach * np.inf
    for _ in range(_STEPS):
        share = tf.nn.softmax(logits + tf.matmul(slope, cells, transpose_b=True))
        away = position_m - share @ cells
        gap = tf.reduce_sum(away * away, axis=1, keepdims=True)
        nearer = gap < least
        least = tf.minimum(gap, least)
        nearest = tf.where(nearer, slope, nearest)
        step = tf.where(nearer, _newton(share, cells, position_m, cell_m), step)
        reach = tf.where(nearer, tf.minimum(2.0 * reach, 1.0), _SHORTER * reach)
        slope = nearest + reach * step
    away = position_m - tf.nn.softmax(logits + tf.matmul(slope, cells, transpose_b=True)) @ cells
    return tf.where(tf.reduce_sum(away * away, axis=1, keepdims=True) < least, slope, nearest)


_traced = tf.function(_tilted, reduce_retracing=True)


def _newton(share: Any, cells: Any, position_m: Any, cell_m: Any) -> Any:
    """The step of the slope that moves the mean to the position, were the shape Gaussian."""
    mean = share @ cells
    square = share @ (cells * cells) - mean * mean + (_FLOOR_CELLS * cell_m) ** 2
    cross = share @ (cells[:, :1] * cells[:, 1:]) - mean[:, :1] * mean[:, 1:]
    away = position_m - mean
    length = tf.sqrt(tf.reduce_sum(away * away, axis=1, keepdims=True) + 1e-9)
    spread = tf.sqrt(tf.reduce_sum(square, axis=1, keepdims=True))
    away *= tf.minimum(1.0, _REACH * spread / length)
    xx, yy = square[:, :1], square[:, 1:]
    dx, dy = away[:, :1], away[:, 1:]
    determinant = xx * yy - cross * cross
    return tf.concat([yy * dx - cross * dy, xx * dy - cross * dx], axis=1) / determinant
