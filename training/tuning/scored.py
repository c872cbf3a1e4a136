"""Trials under training: their lanes, scored at rungs, and the records that they become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from localizer.manifest import TargetScale
from localizer.table import FingerprintTable
from training.config import NetworkConfig
from training.executors.running import Part
from training.executors.stack import Health
from training.executors.stacked.lanes import Lane
from training.metrics import errors_m
from training.splits import Fold
from training.tuning.trials import Training, TrialRecord, Verdict
from training.tuning.worker import Assignment, AtRung


@dataclass
class ScoredLane:
    """One training of a trial, and what has been measured of it."""

    fold_number: int
    seed: int
    lane: Lane
    scale: TargetScale
    table: FingerprintTable
    fold: Fold
    trial: TrainedTrial | None = None
    loss: list[float] = field(default_factory=list)
    gradient: list[float] = field(default_factory=list)
    rungs: dict[int, float] = field(default_factory=dict)
    train_m: float = float("nan")
    health: Health | None = None

    def score(self, epochs: int, held_out: NDArray[np.float32], own: NDArray[np.float32]) -> None:
        """Note the mean errors at a rung, metres, from scaled positions [n, 2]."""
        truth = self.table.position_m
        self.rungs[epochs] = self._mean(held_out, truth[self.fold.test])
        # Augmented rows stand behind the survey's own, and are no rows to be located.
        self.train_m = self._mean(own[: len(self.fold.train)], truth[self.fold.train])

    def _mean(self, scaled: NDArray[np.float32], truth: NDArray[np.float64]) -> float:
        scale = np.asarray(self.scale.scale_m), np.asarray(self.scale.offset_m)
        return float(errors_m(scaled.astype(np.float64) * scale[0] + scale[1], truth).mean())

    def follow(self, other: ScoredLane) -> None:
        """Take over what was measured of another, whose weights this one goes on from."""
        self.loss, self.gradient = list(other.loss), list(other.gradient)
        self.rungs, self.train_m, self.health = dict(other.rungs), other.train_m, other.health

    def training(self) -> Training:
        """Return what has been measured of it."""
        epochs = max(self.rungs, default=0)
        return Training(
            self.fold_number,
            self.seed,
            len(self.fold.test),
            epochs,
            self.rungs.get(epochs, float("nan")),
            self.train_m,
            dict(self.rungs),
            tuple(self.loss),
            tuple(self.gradient),
        )


class TrainedTrial:
    """A trial under training."""

    def __init__(
        self, assigned: Assignment, config: NetworkConfig, lanes: list[ScoredLane]
    ) -> None:
        self._assigned, self.config, self.lanes = assigned, config, lanes
        self.number = assigned.number
        self.weights = 0
        for lane in lanes:
            lane.trial = self

    @property
    def params(self) -> Mapping[str, Any]:
        """As a person writes them."""
        return self._assigned.params

    def afresh(self) -> TrainedTrial:
        """Return the same trial before its first epoch."""
        lanes = [
            ScoredLane(one.fold_number, one.seed, one.lane, one.scale, one.table, one.fold)
            for one in self.lanes
        ]
        return TrainedTrial(self._assigned, self.config, lanes)

    @property
    def dead(self) -> bool:
        """Whether a training has an output that is 0 for every row: it learns no more."""
        return any(lane.health is not None and lane.health.dead for lane in self.lanes)

    def death(self) -> str:
        """Say how many trainings are dead."""
        dead = sum(bool(lane.health and lane.health.dead) for lane in self.lanes)
        tries = self.config.dead_output_tries
        return (
            f"{dead} of {len(self.lanes)} trainings have an output that is 0 for every row "
            f"(initialised {tries} {'time' if tries == 1 else 'times'} at most)"
        )

    def error_m(self, epochs: int) -> float:
        """Return the mean error over the held-out rows of all folds at a rung, metres."""
        rows = sum(len(lane.fold.test) for lane in self.lanes)
        return sum(lane.rungs[epochs] * len(lane.fold.test) for lane in self.lanes) / rows

    def at(self, epochs: int, at_rung: AtRung, *, last: bool) -> TrialRecord | None:
        """Tell a rung; return what came of the trial if it ends there."""
        reason = at_rung(self.number, epochs, self.error_m(epochs))
        if reason is not None:
            return self.record("stopped", reason)
        if self.dead:
            return self.record("dead output", self.death())
        return self.record("ok", "") if last else None

    def record(self, verdict: Verdict, reason: str) -> TrialRecord:
        """Return all that has been measured, with a verdict."""
        return TrialRecord(
            self.number,
            dict(self._assigned.params),
            verdict,
            reason,
            trainings=tuple(lane.training() for lane in self.lanes if lane.rungs),
            weights=self.weights,
        )


class ScoredPart:
    """Lanes that run together, with the trials that they are of."""

    def __init__(self, part: Part, lanes: list[ScoredLane]) -> None:
        self._running, self._lanes = part.running, lanes
        for number, lane in enumerate(lanes):
            if lane.trial is not None and not lane.trial.weights:
                lane.trial.weights = sum(one.size for one in part.running.weights(number))

    def look(self) -> None:
        """Note which lanes are dead."""
        for lane, health in zip(self._lanes, self._running.health(), strict=True):
            lane.health = health

    def keep_out(self, gone: set[int]) -> bool:
        """Drop the lanes of trials that have ended; return whether any is left."""
        left = [i for i, lane in enumerate(self._lanes) if id(lane.trial) not in gone]
        if left and len(left) < len(self._lanes):
            self._running.keep(left)
        self._lanes = [self._lanes[i] for i in left]
        return bool(left)

    def advance(self, epochs: int, reached: int) -> None:
        """Train on to a rung, and score every lane there."""
        curves = self._running.advance(epochs)
        self.look()
        held_out, own = self._running.predict(), self._running.predict_training()
        for number, lane in enumerate(self._lanes):
            lane.loss += [float(loss) for loss in curves[number]]
            if lane.health is not None:
                lane.gradient.append(lane.health.gradient)
            lane.score(reached, held_out[number], own[number])
