"""What a report on a study is made of; the command fills it, the page shows it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from training.tuning.parameters import ChoiceParameter
from training.tuning.rules import Action
from training.tuning.space import Space
from training.tuning.trials import TrialRecord

Scale = Literal["log", "linear", "choice"]
"""How a parameter's axis is drawn."""

GAP_IN_SE: Final = 2.0
"""A gap of more standard errors than this is marked: chance makes one in 20 sound ones so wide."""


@dataclass(frozen=True)
class Candidate:
    """A finalist, the default or a simple method, on the held-out rows of every fold."""

    title: str
    errors_m: NDArray[np.float64]
    """[n], of each held-out row, metres, mean over seeds."""
    low_m: float
    """Bounds of the 95 % interval of the mean, metres."""
    high_m: float
    train_m: float | None = None
    """Mean error on the training rows, metres."""
    gap_se_m: float | None = None
    """Standard error over folds of held-out minus training error, metres."""
    unseen_m: float | None = None
    """Mean error on the rows that were put aside before the search, metres."""
    unseen_gap_m: tuple[float, float, float] | None = None
    """Unseen minus held-out error, metres, with its 95 % interval."""
    gain_m: tuple[float, float, float] | None = None
    """Metres better than the default, pair by pair, with its 95 % interval."""
    trial: int | None = None
    """Number of the trial that it was; None for the default and the simple methods."""
    params: Mapping[str, Any] = field(default_factory=dict)
    seeds: int = 1
    weights: int = 0
    """Trainable numbers."""
    is_default: bool = False
    chosen: bool = False
    """Whether it is what the study ends with."""

    @property
    def mean_m(self) -> float:
        """Mean error, metres."""
        return float(self.errors_m.mean())

    @property
    def gap_m(self) -> float | None:
        """Held-out minus training error, metres."""
        return None if self.train_m is None else self.mean_m - self.train_m

    @property
    def wide_gap(self) -> bool:
        """Whether held-out rows are worse than training rows by more than chance."""
        if self.gap_m is None or self.gap_se_m is None:
            return False
        return self.gap_m > GAP_IN_SE * self.gap_se_m

    @property
    def wide_unseen_gap(self) -> bool:
        """Whether unseen rows are worse than held-out rows by more than chance."""
        return self.unseen_gap_m is not None and self.unseen_gap_m[1] > 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The truth about how much a study gained: its finalist against the default, on fresh seeds."""

    gain: bool
    gain_m: float
    low_m: float
    """Bounds of the 95 % interval of the gain, metres."""
    high_m: float
    against: str
    """What the finalist was compared with, such as `the default (dnn)`."""
    why: str
    """How the finalist was chosen and compared, in plain words."""


@dataclass(frozen=True)
class StudyReport:
    """A study, from its first trial to its verdict."""

    study: str
    """Its name."""
    survey: str
    objective: str
    """What a trial's value is the mean of, in plain words."""
    status: str
    """Why the study ended, or that it goes on, in plain words."""
    records: Sequence[TrialRecord]
    """Every trial that has ended, by number."""
    scales: Mapping[str, Scale] = field(default_factory=dict)
    """Of the parameters, in the order of the space; linear or choices where one is left out."""
    finalists: Sequence[Candidate] = ()
    """With the default among them; the chosen one first."""
    simple: Sequence[Candidate] = ()
    """Simple methods on the same rows, the best first."""
    outcome: Outcome | None = None
    """None for a study that has not come to its finals."""
    actions: Sequence[Action] = ()
    """The log of the rules; empty where they are off."""
    rules: bool = True
    """Whether the rules were on."""
    cell_m: float | None = None
    """Side of the survey's grid cell, for errors in cells."""
    provenance: str = ""
    """Code, data and space that the study was made of, in one line."""

    def complete(self) -> list[TrialRecord]:
        """Return the trials that ran to their last epoch and have an error, by number."""
        ended = [one for one in self.records if one.verdict == "ok" and math.isfinite(one.dev_m)]
        return sorted(ended, key=lambda one: one.number)

    def best(self) -> TrialRecord | None:
        """Return the trial with the least error, before anybody re-tested it."""
        return min(self.complete(), key=lambda one: one.dev_m, default=None)


def scales_of(space: Space) -> dict[str, Scale]:
    """Return how the parameters of a space are drawn on an axis."""
    return {
        one.name: "choice" if isinstance(one, ChoiceParameter) else ("log" if one.log else "linear")
        for one in space.drawn
    }
