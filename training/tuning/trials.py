"""What one trial is and how it ended: the words that every part of the tuner shares.

A trial is one point of a space, scored by the mean error over the folds and seeds of a study. Each
training (one fold, one seed) runs to a rung, is scored on its held-out rows, and runs on from there
or stops. The record of a trial lies in Optuna's storage beside its parameters, as JSON.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

import numpy as np

Verdict = Literal[
    "ok",
    "stopped",
    "infeasible",
    "dead output",
    "diverged",
    "crashed",
    "timed out",
    "worker lost",
]
"""How a trial ended. `stopped`: given up at a rung, for what its reason says. `infeasible` and
`dead output` tell the sampler where not to go and are no failures of the study."""

VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)
FAILURES: Final[frozenset[Verdict]] = frozenset({"crashed", "timed out", "worker lost"})
"""Verdicts that count against the most failed trials that a study allows."""

Source = Literal["sampler", "default", "manual", "rule"]
"""Who proposed a point."""

RECORD: Final = "record"
"""Key of a trial's user attributes under which its record lies."""


@dataclass(frozen=True, slots=True)
class Training:
    """One training of a trial: a fold and a seed, to the last rung that it reached."""

    fold: int
    seed: int
    n: int
    """Held-out rows."""
    epochs: int
    """Trained in all."""
    dev_m: float
    """Mean error on the held-out rows after the last epoch, metres."""
    train_m: float
    """Mean error on the training rows after the last epoch, metres."""
    rungs: Mapping[int, float]
    """Mean error on the held-out rows by epochs trained, metres."""
    loss: tuple[float, ...] = ()
    """Mean training loss of each epoch, scaled units."""
    gradient: tuple[float, ...] = ()
    """Norm of the gradient over all weights, at each rung; empty where nobody measured it."""


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """Everything that is known of one trial."""

    number: int
    params: Mapping[str, Any]
    """Values as a person writes them, by the parameter's name; one that is not active is absent."""
    verdict: Verdict
    reason: str = ""
    """In plain words, with figures; empty for `ok`."""
    source: Source = "sampler"
    space_version: int = 1
    trainings: tuple[Training, ...] = ()
    weights: int = 0
    """Trainable numbers of the network; 0 where it was never built."""
    seconds: float = 0.0
    """Processor seconds spent on the trial."""
    worker: str = ""
    attempt: int = 1
    """1, and one more for each time that the trial was given back with the same parameters."""
    findings: tuple[Mapping[str, Any], ...] = ()
    """What the diagnosis found, as `Finding.to_json` writes it."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What only one part of the tuner reads: lineage of a population, bracket of Hyperband."""

    @property
    def epochs(self) -> int:
        """Epochs that every training of the trial reached."""
        return min((one.epochs for one in self.trainings), default=0)

    @property
    def dev_m(self) -> float:
        """Mean error over the held-out rows of all folds, metres, mean over seeds; NaN for none."""
        return self._mean("dev_m")

    @property
    def train_m(self) -> float:
        """The same on the training rows."""
        return self._mean("train_m")

    @property
    def dev_se_m(self) -> float:
        """Standard error of `dev_m` over trainings, metres; NaN for fewer than two."""
        if len(self.trainings) < 2:
            return float("nan")
        values = [one.dev_m for one in self.trainings]
        return float(np.std(values, ddof=1) / np.sqrt(len(values)))

    @property
    def gap_m(self) -> float:
        """How much worse the network is on rows that it has not seen, metres."""
        return self.dev_m - self.train_m

    def _mean(self, name: str) -> float:
        rows = sum(one.n for one in self.trainings)
        if not rows:
            return float("nan")
        return float(sum(getattr(one, name) * one.n for one in self.trainings) / rows)

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON values that `from_json` reads back unchanged."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TrialRecord:
        """Read what `to_json` wrote; JSON has strings for the epochs of rungs."""
        trainings = tuple(
            Training(
                **{
                    **one,
                    "rungs": {int(epochs): error for epochs, error in one["rungs"].items()},
                    "loss": tuple(one["loss"]),
                    "gradient": tuple(one["gradient"]),
                }
            )
            for one in values["trainings"]
        )
        findings = tuple(values["findings"])
        return cls(**{**values, "trainings": trainings, "findings": findings})
