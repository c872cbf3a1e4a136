"""Leases: what shows that a running trial's worker lives.

A worker renews an attribute of each of its running trials. Who sees the same value for longer than
the lease, by its own monotonic clock, ends that trial as lost. Only time in which the storage
answered counts: while it is away nobody can renew. No two machines' clocks are compared.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from training.tuning.budget import Point, points, read_points, write_copies
from training.tuning.verdicts import lose
from training.tuning.workers import WorkerId

LEASE: Final = "lease"
"""Key of a trial's lease: its worker, a blank, and a number that grows."""
LEASE_S: Final = 60.0
"""Longer than the longest pause of a living worker, seconds. A trial of a machine that has gone is
missed for that long; on the same machine a dead process is seen at once."""
RENEWALS: Final = 4
"""In a lease: three may fail, or come late, before anybody gives up."""


def worker_of(trial: FrozenTrial) -> str:
    """Return which worker claimed a trial; empty where none said so yet."""
    return str(trial.user_attrs.get(LEASE, "")).partition(" ")[0]


class Watch:
    """What one observer knows of the running trials of a study."""

    def __init__(self, lease_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lease_s = lease_s
        self._pause_s = lease_s / RENEWALS
        self._clock = clock
        self._missing: dict[int, float] = {}
        self._seen: dict[int, _Seen] = {}
        self._last = clock()

    def stale(self, trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
        """Return the running trials whose workers are gone.

        Args:
            trials: as they are now; those that do not run are left out of account.
        """
        now = self._clock()
        # A longer time since the last look is one in which the storage or this process stood still.
        passed = min(now - self._last, 2 * self._pause_s)
        self._last = now
        running = [trial for trial in trials if trial.state == TrialState.RUNNING]
        self._seen = {trial._trial_id: self._look(trial, passed) for trial in running}
        return [trial for trial in running if self._is_stale(trial)]

    def overdue(self, known: Iterable[Point]) -> set[int]:
        """Return the ids of ended trials whose copies nobody has written for part of a lease."""
        now = self._clock()
        missing = {point.last._trial_id for point in known if point.to_be_copied}
        self._missing = {one: self._missing.get(one, now) for one in missing}
        return {one for one, since in self._missing.items() if now - since > self._pause_s}

    def _look(self, trial: FrozenTrial, passed: float) -> _Seen:
        value = str(trial.user_attrs.get(LEASE, ""))
        before = self._seen.get(trial._trial_id)
        return _Seen(value, before.same_s + passed if before and before.value == value else 0.0)

    def _is_stale(self, trial: FrozenTrial) -> bool:
        worker = WorkerId.parse(worker_of(trial))
        if worker is not None and worker.is_dead:
            return True
        return self._seen[trial._trial_id].same_s > self._lease_s


class _Seen(NamedTuple):
    value: str
    same_s: float


def look_after(study: optuna.Study, watch: Watch) -> int:
    """Give back what dead workers ran; return how many trials were written again.

    Who ends a trial writes its copy. Where one died between the two, whoever has missed the copy
    for a while writes it.
    """
    trials = study._storage.get_all_trials(study._study_id, deepcopy=False)
    gone = [one for one in watch.stale(trials) if _end_lost(study, one)]
    mine = {trial._trial_id for trial in gone} | watch.overdue(points(trials))
    return write_copies(study, read_points(study), of=mine) if mine else 0


def _end_lost(study: optuna.Study, trial: FrozenTrial) -> bool:
    reason = f"no sign of life from {worker_of(trial)}"
    return lose(study, trial._trial_id, "worker lost", reason)


class Leases:
    """The leases of one worker: held for the trials that it runs, renewed by a thread."""

    def __init__(self, study: optuna.Study, worker: str) -> None:
        self._study = study
        self._worker = worker
        self._lock = threading.Lock()
        self._held: set[int] = set()
        self._lost: set[int] = set()
        self._renewals = 0

    def hold(self, trial_id: int) -> None:
        """Begin the lease of a trial that was claimed a moment ago."""
        with self._lock:
            self._held.add(trial_id)
        self._renew(trial_id)

    def drop(self, trial_id: int) -> None:
        """Renew no longer: the trial has ended."""
        with self._lock:
            self._held.discard(trial_id)
            self._lost.discard(trial_id)

    def give_back(self, trial_id: int) -> bool:
        """Let a trial wait again, for anybody; return False where it had ended before."""
        self.drop(trial_id)
        return give_back(self._study, trial_id)

    def holds(self, trial_id: int) -> bool:
        """Whether a trial is still this worker's to end or to give back."""
        return trial_id in self._held

    def renew(self) -> None:
        """Renew all of them."""
        self._renewals += 1
        for trial_id in sorted(self._held):
            self._renew(trial_id)

    def _renew(self, trial_id: int) -> None:
        # Locked while it writes: a trial that is given back meanwhile has another worker already.
        with self._lock:
            if trial_id not in self._held or trial_id in self._lost:
                return
            try:
                value = f"{self._worker} {self._renewals}"
                self._study._storage.set_trial_user_attr(trial_id, LEASE, value)
            except UpdateFinishedTrialError:
                self._lost.add(trial_id)


def give_back(study: optuna.Study, trial_id: int) -> bool:
    """Let a running trial wait again: the same trial, with its parameters and its seed.

    Only its worker may do so, or who knows that its worker has ended. Returns False where the trial
    had ended before.
    """
    storage = study._storage
    try:
        # Anew, or who looks at leases would go on counting for the next worker.
        storage.set_trial_user_attr(trial_id, LEASE, f" given back {time.time_ns()}")
        storage.set_trial_state_values(trial_id, TrialState.WAITING)
    except UpdateFinishedTrialError:
        return False
    return True
