"""Colours and axes that the pictures of a study share."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from training.tuning.report.axes import Array, Axis

GOOD: Final = "#00798c"
BAD: Final = "#d1495b"
QUIET: Final = "#c3cbd3"
COLOURS: Final = "viridis"
"""Of errors: dark is low, which is good."""

_TOP: Final = 0.9
"""An axis of errors ends where this share of the trials has its error."""


def error_range(error_m: Array) -> tuple[float, float]:
    """Return the ends of an axis of errors: collapsed networks must not squeeze all others."""
    low, high = float(error_m.min()), float(np.quantile(error_m, _TOP))
    spread = max(high - low, 0.05 * max(low, 1e-9))
    return low - 0.08 * spread, high + 0.25 * spread


def label_axis(axis: Any, parameter: Axis, *, vertical: bool = False, most: int = 5) -> None:
    """Write a parameter's ticks and name on an axis of matplotlib."""
    places, labels = parameter.ticks(most)
    low, high = parameter.ends
    room = 0.3 if parameter.scale == "choice" else 0.05 * (high - low)
    if vertical:
        axis.set_yticks(places, labels)
        axis.set(ylabel=parameter.name, ylim=(low - room, high + room))
    else:
        axis.set_xticks(places, labels)
        axis.set(xlabel=parameter.name, xlim=(low - room, high + room))
    axis.tick_params(labelsize=8)
