"""One worker: claims trials, trains them together, and tells what came of each."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, Trial

from localizer.errors import ConfigError
from training.tuning.budget import (
    Claim,
    Point,
    claim,
    read_points,
    top_up,
    within,
    write_copies,
)
from training.tuning.keeper import Keeper
from training.tuning.leases import LEASE_S, Leases
from training.tuning.parameter import Infeasible
from training.tuning.pbt.claims import claim_population
from training.tuning.stops import (
    INTERRUPTED,
    StopSignal,
    end_by,
    end_of,
    limits_of,
    tell_end,
)
from training.tuning.storage import StorageError
from training.tuning.study import note_late, seed_in
from training.tuning.trials import FAILURES, Source, TrialRecord, Verdict
from training.tuning.verdicts import tell

LEASE_LOST: Final = "its lease was lost"
_REASON: Final = 300
"""Characters of an error that a record keeps."""


class Assignment(NamedTuple):
    """A trial to be evaluated."""

    number: int
    params: Mapping[str, Any]
    """As a person writes them."""
    seed: int
    """The same for each attempt at the point."""
    attempt: int
    source: Source


AtRung = Callable[[int, int, float], str | None]
"""Called with a trial's number, its epochs and its error, metres, at every rung that it reaches.

Returns why the trial is to stop there, or None for it to go on. Its record then has the verdict
`stopped` and that reason.
"""

Evaluate = Callable[[Sequence[Assignment], AtRung], Iterator[TrialRecord]]
"""Trains a batch of trials and yields one record for each, in any order, as soon as it is there."""

Propose = Callable[[Sequence[Trial]], Sequence[Mapping[str, Any]]]
"""Gives trials their parameters through their study's sampler; returns them as a person writes
them, in the trials' order. A trial that is made again has its parameters already. May raise
`Infeasible`: the trial is told so."""


_FIRST: Final = 2
"""Trials of the first batch where time matters: how long one takes is not known yet."""
_GROWTH: Final = 4
"""Times the last batch that the next one may be: tracing is in the time of the first ones."""
_SHORTEST_S: Final = 1e-3


class Work(NamedTuple):
    """What a worker does with trials."""

    propose: Propose
    evaluate: Evaluate
    population: int = 0
    """Trials that are one population: claimed together, and a member whose error is no number goes
    on. 0 where each trial is by itself."""


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How a worker works."""

    name: str
    """As `str(WorkerId)` gives it."""
    epochs: int
    """Of a whole training: at this rung nothing is given up any more."""
    batch: int = 1
    """Trials that are claimed and trained together, at most."""
    batch_s: float = math.inf
    """Wall time that a batch may take, seconds: of trials that take long fewer are claimed at once,
    and a study that is short of time has some to show. Always whole batches if infinite."""
    lease_s: float = LEASE_S
    poll_s: float = 1.0
    """How often a worker without a trial looks for one, seconds."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set from outside: what runs is given back at its next rung, and the worker ends."""
    busy: Callable[[bool], None] = lambda busy: None
    """Told True when a batch begins and at each outcome of it, and False when it has ended."""


def run_worker(study: optuna.Study, work: Work, options: WorkerOptions) -> int:
    """Work on a study until it ends, or until `options.stop` is set; return the trials told.

    Args:
        study: with its sampler and pruner.
        work: how trials get their parameters and are evaluated.
        options: as above.

    Raises:
        ConfigError: nobody has given the study its limits.
        StorageError: the storage is full, or was away for too long.
    """
    worker = _Worker(study, work, options)
    with worker.keeper:
        while worker.step():
            worker.keeper.check()
    return worker.told


class _Worker:
    def __init__(self, study: optuna.Study, work: Work, options: WorkerOptions) -> None:
        self._study = study
        self._work = work
        self._options = options
        self._leases = Leases(study, options.name)
        self._stop = StopSignal(study, options.stop)
        self.keeper = Keeper(study, self._leases, options.lease_s, options.stop)
        self.told = 0
        self._most = options.batch if math.isinf(options.batch_s) else min(_FIRST, options.batch)
        self._failed: set[int] = set()
        """Trials that this worker has told as failed since it last wrote copies."""

    def step(self) -> bool:
        """Claim a batch and work it off; return False where the study has ended."""
        study, attrs = self._study, self._study.user_attrs
        limits = limits_of(attrs)
        if limits is None:
            raise ConfigError("a study must have limits, but has none; start it with `tune`")
        if self._options.stop.is_set() or end_of(attrs):
            return False
        known = read_points(study)
        if self._failed and write_copies(study, known, of=self._failed):
            self._failed.clear()
            return True
        counted = within(known, limits.trials)
        if end := end_by(counted, limits):
            tell_end(study, end)
            return False
        claims = self._claims(counted, limits.trials, seed_in(attrs))
        most = len(claims) or max(self._most, self._work.population)
        with self._leased(claims):
            written = top_up(study, known, limits.trials, most=most)
            if claims:
                began = time.monotonic()
                self._run(claims)
                self._pace(len(claims), time.monotonic() - began)
            elif not written:
                # All are taken; those of a worker that dies will come back.
                self._options.stop.wait(self._options.poll_s * random.uniform(0.5, 1))
        return True

    def _pace(self, trials: int, seconds: float) -> None:
        """Claim as many next time as fit into a batch's time; more by and by, fewer at once."""
        if math.isinf(self._options.batch_s):
            return
        fit = int(self._options.batch_s * trials / max(seconds, _SHORTEST_S))
        self._most = max(1, min(fit, _GROWTH * trials, self._options.batch))

    def _claims(self, counted: Sequence[Point], limit: int, seed: int) -> list[Claim]:
        if size := self._work.population:
            return claim_population(self._study, counted, size=size, limit=limit, seed=seed)
        return claim(self._study, counted, most=self._most, seed=seed)

    @contextmanager
    def _leased(self, claims: Sequence[Claim]) -> Iterator[None]:
        """Hold the leases of claims, and give back what nothing was told of at the end."""
        for one in claims:
            self._leases.hold(one.trial_id)
        try:
            yield
        finally:
            for one in claims:
                if self._leases.holds(one.trial_id):
                    self._leases.give_back(one.trial_id)

    def _run(self, claims: Sequence[Claim]) -> None:
        batch = _Batch(claims, time.process_time())
        self._options.busy(True)
        try:
            assigned = self._assigned(batch)
        except UpdateFinishedTrialError:
            return  # a lease was lost meanwhile: the others of the batch are given back
        try:
            if assigned:
                self._evaluate(batch, assigned)
        except StorageError:
            raise
        except Exception as error:
            words = f"{type(error).__name__}: {error}".rstrip(": ")[:_REASON]
            # Of one of several: alone, at the next attempt, it is told as what it is.
            infeasible = isinstance(error, Infeasible) and len(claims) == 1
            self._tell_rest(batch, "infeasible" if infeasible else "crashed", words)
        else:
            self._tell_rest(batch, "crashed", "it ended without an outcome")
        finally:
            self._options.busy(False)

    def _evaluate(self, batch: _Batch, assigned: Sequence[Assignment]) -> None:
        def at_rung(number: int, epochs: int, value_m: float) -> str | None:
            try:
                return self._at_rung(batch, batch.open[number].trial_id, epochs, value_m)
            except UpdateFinishedTrialError:
                return LEASE_LOST

        for record in self._work.evaluate(assigned, at_rung):
            self._tell(batch, record)
            self._options.busy(True)

    def _assigned(self, batch: _Batch) -> list[Assignment]:
        # What a sampler remembers of earlier trials is remembered for one proposal only.
        self._study._thread_local.cached_all_trials = None
        return self._proposed(batch, list(batch.open.values()))

    def _proposed(self, batch: _Batch, claims: Sequence[Claim]) -> list[Assignment]:
        trials = [Trial(self._study, one.trial_id) for one in claims]
        batch.trials.update((trial.number, trial._cached_frozen_trial) for trial in trials)
        try:
            proposed = self._work.propose(trials)
        except Infeasible as error:
            if len(claims) > 1:
                # Which of them it is shows when each is asked for alone.
                return [one for claimed in claims for one in self._proposed(batch, [claimed])]
            self._tell(batch, TrialRecord(claims[0].number, {}, "infeasible", str(error)))
            return []
        given = dict(zip((one.number for one in claims), proposed, strict=True))
        batch.params.update(given)
        return [
            Assignment(one.number, given[one.number], one.seed, one.attempt, one.source)
            for one in claims
        ]

    def _at_rung(self, batch: _Batch, trial_id: int, epochs: int, value_m: float) -> str | None:
        storage, last = self._study._storage, epochs >= self._options.epochs
        if self._work.population:
            self._options.busy(True)  # it tells no outcome before its end
        if math.isfinite(value_m):
            # Not `Trial.report`: a trial that was given back comes to the same rung again.
            storage.set_trial_intermediate_value(trial_id, epochs, value_m)
        elif last or not self._work.population:
            # Not reported: pruners compare, and nothing compares with it.
            return batch.diverge(trial_id, f"its error is {value_m} after {epochs} epochs")
        if last:
            return None
        reason = self._stop.reason()
        if reason is None and self._study.pruner.prune(self._study, storage.get_trial(trial_id)):
            return f"after {epochs} epochs its {value_m:.3f} m are not among the best"
        if reason == INTERRUPTED:
            batch.given_back.add(trial_id)
        return reason

    def _tell(self, batch: _Batch, record: TrialRecord) -> None:
        claimed = batch.open.pop(record.number)
        if record.verdict == "stopped" and claimed.trial_id in batch.given_back:
            self._leases.give_back(claimed.trial_id)
            return
        if record.verdict == "stopped" and claimed.trial_id in batch.diverged:
            record = replace(record, verdict="diverged", reason=batch.diverged[claimed.trial_id])
        record = replace(
            record,
            params=record.params or batch.params.get(record.number, {}),
            worker=self._options.name,
            attempt=claimed.attempt,
            source=claimed.source,
            seconds=record.seconds or batch.seconds_each(time.process_time()),
        )
        # A lease may have been lost without this worker's knowing: then the trial has ended.
        trial = batch.trials.get(record.number)
        if tell(self._study, claimed.trial_id, record, trial=trial):
            self.told += 1
            if record.verdict in FAILURES:
                self._failed.add(claimed.trial_id)
        else:
            note_late(self._study, record)
        self._leases.drop(claimed.trial_id)

    def _tell_rest(self, batch: _Batch, verdict: Verdict, reason: str) -> None:
        for number in list(batch.open):
            self._tell(batch, TrialRecord(number, {}, verdict, reason))


class _Batch:
    """Trials that are evaluated together, until something is told of each."""

    def __init__(self, claims: Sequence[Claim], began_s: float) -> None:
        self.open = {one.number: one for one in claims}
        self.trials: dict[int, FrozenTrial] = {}
        self.params: dict[int, Mapping[str, Any]] = {}
        self.given_back: set[int] = set()
        self.diverged: dict[int, str] = {}
        self._size = len(claims)
        self._began_s = began_s

    def diverge(self, trial_id: int, reason: str) -> str:
        """Note that a trial's error is no number, and return why it stops."""
        self.diverged[trial_id] = reason
        return reason

    def seconds_each(self, now_s: float) -> float:
        """Return each trial's share of the processor time so far."""
        return (now_s - self._began_s) / self._size
