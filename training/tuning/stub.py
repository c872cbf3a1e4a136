"""An objective that trains nothing: for tests of the tuner, and for measuring it.

Its parameters say what a trial does, so that every fault can be had on purpose.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import optuna
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from optuna.trial import Trial

from training.tuning.trials import Training, TrialRecord
from training.tuning.worker import Assignment, AtRung, Work

FAULTS: Final = ("infeasible", "nan", "raise", "hang", "eat", "die")
"""What a trial may do instead of its work: be infeasible, have an error that is no number, raise,
never end, take memory without end, or end its process."""

_CHUNK_BYTES: Final = 16 << 20
"""Memory that a greedy trial takes at a time."""


@dataclass(frozen=True, slots=True)
class Stub:
    """How the trials of a stub go."""

    rungs: tuple[int, ...] = (1, 3, 9)
    """Epochs after which it reports; the last one is the whole training."""
    seconds: float = 0.0
    """Wall time of a trial, slept."""
    cpu_seconds: float = 0.0
    """Processor time of a trial."""
    faults: Mapping[str, float] | None = None
    """Share of trials by fault, of `FAULTS`; none without."""
    sleep: Callable[[float], None] = time.sleep

    @property
    def work(self) -> Work:
        """What a worker does with it."""
        return Work(self.propose, self.evaluate)

    def propose(self, trials: Sequence[Trial]) -> list[dict[str, Any]]:
        """Draw a point between 0 and 1, and what the trial does."""
        return [
            {
                "x": trial.suggest_float("x", 0, 1),
                "fault": self._fault(trial.suggest_float("luck", 0, 1)),
            }
            for trial in trials
        ]

    def _fault(self, luck: float) -> str:
        for fault, share in (self.faults or {}).items():
            if luck < share:
                return fault
            luck -= share
        return "none"

    def evaluate(self, assigned: Sequence[Assignment], at_rung: AtRung) -> Iterator[TrialRecord]:
        """Let trials do what their parameters say, one after the other."""
        for one in assigned:
            yield self._evaluate(one, at_rung)

    def _evaluate(self, one: Assignment, at_rung: AtRung) -> TrialRecord:
        fault = one.params["fault"]
        if fault == "infeasible":
            return TrialRecord(one.number, one.params, "infeasible", "no such network")
        if fault not in {"nan", "none"}:
            _break(fault)
        value_m = math.nan if fault == "nan" else (one.params["x"] - 0.3) ** 2
        reported: dict[int, float] = {}
        for epochs in self.rungs:
            self._spend(1 / len(self.rungs))
            reported[epochs] = value_m + 1 / epochs - 1 / self.rungs[-1]
            reason = at_rung(one.number, epochs, reported[epochs])
            if reason is not None:
                return TrialRecord(one.number, one.params, "stopped", reason)
        training = Training(0, one.seed, 1, self.rungs[-1], value_m, value_m, reported)
        return TrialRecord(one.number, one.params, "ok", trainings=(training,))

    def _spend(self, share: float) -> None:
        self.sleep(share * self.seconds)
        until = time.process_time() + share * self.cpu_seconds
        while time.process_time() < until:
            pass


def _break(fault: str) -> None:
    if fault == "raise":
        raise ValueError("the stub was told to raise")
    if fault == "hang":
        threading.Event().wait()
    if fault == "eat":
        eaten = []
        while True:
            eaten.append(b"x" * _CHUNK_BYTES)
    os.kill(os.getpid(), signal.SIGKILL)


def build_stub(stub: Stub, study: optuna.Study) -> Work:
    """Give a study a random sampler and no pruner, and return a stub's work.

    With `functools.partial` it is what the workers of a `Crew` build.
    """
    study.sampler = RandomSampler()
    study.pruner = NopPruner()
    return stub.work
