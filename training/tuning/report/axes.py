"""Parameters as numbers: what pictures and importances of them are drawn from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.tuning.report.content import Scale, StudyReport
from training.tuning.trials import TrialRecord

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Axis:
    """One parameter over some trials."""

    name: str
    scale: Scale
    values: Array
    """[trials]: the value, its logarithm to base 10, or its place among `labels`; NaN where the
    parameter is not active."""
    labels: tuple[str, ...] = ()
    """Of a choice, in order."""

    @property
    def ends(self) -> tuple[float, float]:
        """Least and greatest value, apart."""
        known = self.values[np.isfinite(self.values)]
        low, high = float(known.min()), float(known.max())
        return (low, high) if high > low else (low - 0.5, high + 0.5)

    def unit(self) -> Array:
        """Return the values from 0 to 1; NaN where not active."""
        low, high = self.ends
        return (self.values - low) / (high - low)

    def written(self, value: float) -> str:
        """Return a place on the axis as a person writes the value."""
        if self.scale == "choice":
            return self.labels[min(max(round(value), 0), len(self.labels) - 1)]
        return f"{10**value if self.scale == 'log' else value:.3g}"

    def ticks(self, most: int = 5) -> tuple[list[float], list[str]]:
        """Return places and labels of at most so many ticks."""
        if self.scale == "choice":
            step = -(-len(self.labels) // most)
            every = range(0, len(self.labels), step)
            return [float(place) for place in every], list(self.labels[::step])
        low, high = self.ends
        places = _decades(low, high, most) if self.scale == "log" else self._steps(most)
        return places, [self.written(place) for place in places]

    def _steps(self, most: int) -> list[float]:
        """Round numbers of a linear axis; whole ones for whole numbers."""
        from matplotlib.ticker import MaxNLocator

        low, high = self.ends
        whole = not np.any(np.nan_to_num(self.values) % 1)
        locator = MaxNLocator(most - 1, steps=[1, 2, 5, 10], integer=whole)
        slack = 1e-9 * (high - low)
        places = locator.tick_values(low, high)
        return [float(place) for place in places if low - slack <= place <= high + slack]


def _decades(low: float, high: float, most: int) -> list[float]:
    """Round numbers between two logarithms: powers of ten, or 1, 2 and 5 times those."""
    powers = range(math.floor(low), math.ceil(high) + 1)
    every = [float(power) for power in powers if low <= power <= high]
    if len(every) < 3:
        finer = sorted(power + math.log10(digit) for power in powers for digit in (1, 2, 5))
        every = [place for place in finer if low <= place <= high]
    return every[:: max(1, -(-len(every) // most))] or [low, high]


def axes_of(report: StudyReport, records: Sequence[TrialRecord]) -> list[Axis]:
    """Return the parameters that take more than one value in some trials, in the space's order."""
    names = list(report.scales)
    names += [name for one in records for name in one.params if name not in names]
    every = [_axis(name, records, report.scales) for name in dict.fromkeys(names)]
    return [axis for axis in every if axis is not None]


def _axis(name: str, records: Sequence[TrialRecord], scales: Mapping[str, Scale]) -> Axis | None:
    values = [one.params.get(name) for one in records]
    known = [value for value in values if value is not None]
    if len({_text(value) for value in known}) < 2:
        return None
    scale = scales.get(name, _guessed(known))
    if scale == "choice":
        labels = _ordered(known)
        place = {label: float(number) for number, label in enumerate(labels)}
        numbers = [np.nan if value is None else place[_text(value)] for value in values]
        return Axis(name, scale, np.asarray(numbers), labels)
    numbers = [np.nan if value is None else float(value) for value in values]
    array = np.asarray(numbers)
    return Axis(name, scale, np.log10(array) if scale == "log" else array)


def _guessed(known: Sequence[Any]) -> Scale:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in known)
    return "linear" if numbers else "choice"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _ordered(known: Sequence[Any]) -> tuple[str, ...]:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in known)
    key = None if numbers else _text
    return tuple(dict.fromkeys(_text(value) for value in sorted(known, key=key)))
