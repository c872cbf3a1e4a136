"""The shape of a training loss in nine numbers, each robust against the noise of single epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

FEWEST_EPOCHS: Final = 10
"""A shorter curve has no shape: its fifths are single epochs."""

_START: Final = 3
"""Epochs whose median is the level that a curve starts at."""

_MEDIAN_LOSS: Final = 1.25
"""The standard error of a median over that of a mean, for normal noise: sqrt(pi / 2)."""


class Shape(NamedTuple):
    """How a loss went from its first to its last epoch; shares have no unit."""

    start: float
    """Level of the first epochs."""
    end: float
    """Level of the last fifth of the epochs."""
    fall: float
    """By which share of its start the loss fell; negative where it rose."""
    early: float
    """Which share of that fall the first fifth of the epochs brought; a straight line has 0.2."""
    area: float
    """Area between curve and end over that of a box: 0.5 for a straight line, near 0 for a fall
    that comes at once. DNN-Tuner compares the same two integrals."""
    falling: float
    """By which share of its level the loss fell from the last fifth but one to the last."""
    rise: float
    """How far its end lies above the lowest level that it had, as a share of that level."""
    wobble: float
    """Standard deviation from epoch to epoch, the trend taken out, as a share of the level, over
    the second half."""
    noise: float
    """Standard error of the difference of two levels, as a share of the level."""


def shape_of(loss: Sequence[float]) -> Shape | None:
    """Return the shape of a curve, or None for one that is too short or not finite.

    Args:
        loss: mean training loss of each epoch, in one unit.
    """
    values = np.asarray(loss, np.float64)
    if len(values) < FEWEST_EPOCHS or not np.isfinite(values).all():
        return None
    fifth = len(values) // 5
    start, end = float(np.median(values[:_START])), float(np.median(values[-fifth:]))
    level = max(abs(end), np.finfo(np.float64).tiny)
    fell = start - end
    around = values[fifth - fifth // 2 : fifth + fifth // 2 + 1]
    levels = _running_median(values, fifth)
    lowest = float(levels.min())
    wobble = _wobble(values[len(values) // 2 :])
    return Shape(
        start=start,
        end=end,
        fall=fell / max(abs(start), np.finfo(np.float64).tiny),
        early=(start - float(np.median(around))) / fell if fell > 0 else 0.0,
        area=float((values - end).mean()) / fell if fell > 0 else 0.0,
        falling=(float(np.median(values[-2 * fifth : -fifth])) - end) / level,
        rise=(end - lowest) / max(abs(lowest), np.finfo(np.float64).tiny),
        wobble=wobble,
        noise=wobble * float(np.sqrt(2 / fifth)) * _MEDIAN_LOSS,
    )


def _running_median(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(values, width), axis=1))


def _wobble(half: NDArray[np.float64]) -> float:
    # Differences of neighbours leave the trend out, whatever its form; each has twice the variance.
    spread = float(np.std(np.diff(half))) / np.sqrt(2)
    return float(spread / max(abs(half.mean()), np.finfo(np.float64).tiny))
