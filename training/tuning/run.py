"""A study from its start or its last stop to its end, as `tune` and `tune worker` run it.

Whoever runs this is no coordinator: it starts workers of its machine and replaces them, it looks at
the clock, and it shows how the study goes. Two may do so at once, and the study goes on without.
"""

from __future__ import annotations

import contextlib
import importlib.util
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import optuna

from localizer.errors import ConfigError
from training.tuning.budget import Point, read_points, top_up, within, write_copies
from training.tuning.leases import Watch, look_after
from training.tuning.local_workers import Crew, LocalWorkers
from training.tuning.stops import (
    End,
    Limits,
    Status,
    best,
    end_by,
    end_of,
    limits_of,
    set_limits,
    tell_end,
    top_errors,
    verdict_counts,
)
from training.tuning.trials import Verdict
from training.tuning.watch import Pace, View, view_of

_TEND_S: Final = 0.1
"""Seconds between two looks at the workers of this machine: a greedy one takes memory meanwhile."""
_LOOK_S: Final = 1.0
"""Seconds between two looks at the study, and two pictures of it."""
_TERMINATOR_EVERY: Final = 5
"""New points after which Optuna's terminator is asked again: it fits a Gaussian process."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of a study came to."""

    status: Status
    reason: str
    points: Sequence[Point]
    """Within the budget, by rank."""
    seconds: float
    """Wall time of this run."""

    @property
    def best(self) -> Point | None:
        """The point with the least error; None while no trial was trained to the end."""
        return best(self.points)

    @property
    def verdicts(self) -> dict[Verdict, int]:
        """Points by verdict."""
        return verdict_counts(self.points)

    @property
    def errors(self) -> list[tuple[str, int]]:
        """The most frequent reasons of failed points, with their counts."""
        return top_errors(self.points)

    @property
    def done(self) -> int:
        """Points that have ended."""
        return sum(point.ended for point in self.points)


def begin(study: optuna.Study, limits: Limits) -> End | None:
    """Set the limits of a study and write its first trials; return its end, if that is there.

    Raises:
        ConfigError: a limit that no study can have.
    """
    _refuse_impossible(limits)
    set_limits(study, limits)
    known = read_points(study)
    write_copies(study, known)
    top_up(study, known, limits.trials)
    end = end_by(known, limits)
    if end is not None:
        tell_end(study, end)
    return end


def run_study(
    study: optuna.Study, crew: Crew, limits: Limits, watch: Callable[[View], None] | None = None
) -> Outcome:
    """Run a study until it ends, its time is over, or somebody interrupts it.

    Args:
        study: as `open_study` returns it; expert points enqueued.
        crew: the workers of this machine; none leaves the work to those of others.
        limits: when it ends.
        watch: shown the study every second.

    Raises:
        ConfigError: a limit that no study can have, or something that a worker cannot do.
        StorageError: the storage is full, or was away for too long.
        WorkerError: workers end before their first trial.
    """
    began = time.monotonic()
    if end := begin(study, limits):
        return _outcome(study, limits, end, began)
    return _Run(study, crew, limits, watch or (lambda view: None), began).go()


def join_run(
    study: optuna.Study, crew: Crew, watch: Callable[[View], None] | None = None
) -> Outcome:
    """Work on a study that somebody else began, as `tune worker` does.

    Raises:
        ConfigError: nobody has begun it, or something that a worker cannot do.
        StorageError: the storage is full, or was away for too long.
        WorkerError: workers end before their first trial.
    """
    limits = limits_of(study.user_attrs)
    if limits is None:
        raise ConfigError("a study must have limits, but has none; start it with `tune`")
    # Its time is looked at by who set it.
    limits = replace(limits, seconds=None, terminator=False)
    return _Run(study, crew, limits, watch or (lambda view: None), time.monotonic()).go()


class _Run:
    def __init__(
        self,
        study: optuna.Study,
        crew: Crew,
        limits: Limits,
        watch: Callable[[View], None],
        began: float,
    ) -> None:
        self._study = study
        self._crew = crew
        self._limits = limits
        self._show = watch
        self._began = began
        self._leases = Watch(crew.lease_s)
        self._known = read_points(study)
        self._done_before = self._done
        self._asked = 0
        self._said = ""

    def go(self) -> Outcome:
        """Look after the workers and the study until one of them has ended."""
        with (
            _interruptions() as interrupted,
            LocalWorkers(self._study, self._crew, self._hear) as workers,
        ):
            end = None
            looked = ended = -_LOOK_S
            while not interrupted.is_set():
                if time.monotonic() - looked >= _LOOK_S:
                    looked = time.monotonic()
                    end = self._look(workers, end)
                    ended = looked if end is None else ended
                workers.tend(replace=end is None)
                if end is not None and self._is_over(workers, ended):
                    break
                interrupted.wait(_TEND_S)
            if interrupted.is_set():
                end = End("interrupted", "what it had begun waits for the next run")
        return _outcome(self._study, self._limits, end or self._no_end(), self._began)

    def _look(self, workers: LocalWorkers, end: End | None) -> End | None:
        look_after(self._study, self._leases)
        self._known = read_points(self._study)
        if end is None:
            end = end_of(self._study.user_attrs)
        if end is None and (end := self._find_end()) is not None:
            tell_end(self._study, end)
        pace = Pace(time.monotonic() - self._began, self._done_before)
        view = view_of(self._study.study_name, self._known, self._limits, pace, end=end)
        self._show(replace(view, workers=workers.alive, said=self._said))
        return end

    def _find_end(self) -> End | None:
        if end := end_by(self._known, self._limits):
            return end
        seconds = self._limits.seconds
        if seconds is not None and time.monotonic() - self._began >= seconds:
            told = f"the search had {seconds:.0f} s; what it had begun waits for the next run"
            return End("time over", told)
        if self._limits.terminator and self._done >= self._asked + _TERMINATOR_EVERY:
            self._asked = self._done
            if _terminates(self._study):
                return End("stagnated", "Optuna's terminator: less to be gained than noise")
        return None

    def _is_over(self, workers: LocalWorkers, ended: float) -> bool:
        if not workers.alive:
            return True
        # A trial without rungs would keep its worker for as long as it trains.
        return time.monotonic() - ended > self._crew.grace_s

    @property
    def _done(self) -> int:
        return sum(point.ended for point in within(self._known, self._limits.trials))

    def _hear(self, text: str) -> None:
        self._said = text

    @staticmethod
    def _no_end() -> End:
        return End("interrupted", "its workers have ended")


def standing(study: optuna.Study) -> Outcome:
    """Return what a study has come to so far, without working on it.

    Raises:
        ConfigError: nobody has begun it.
    """
    limits = limits_of(study.user_attrs)
    if limits is None:
        raise ConfigError("a study must have limits, but has none; start it with `tune`")
    end = end_of(study.user_attrs) or End("running", "it has not ended")
    return _outcome(study, limits, end, time.monotonic())


def _outcome(study: optuna.Study, limits: Limits, end: End, began: float) -> Outcome:
    counted = within(read_points(study), limits.trials)
    return Outcome(end.status, end.reason, counted, time.monotonic() - began)


def _refuse_impossible(limits: Limits) -> None:
    least: dict[str, Any] = {
        "trials": limits.trials,
        "max_failed": limits.max_failed,
        "stagnation": limits.stagnation,
    }
    for name, value in least.items():
        if value is not None and value < 1:
            raise ConfigError(f"`{name} >= 1` must hold, but got {value}")
    if limits.seconds is not None and not limits.seconds > 0:
        raise ConfigError(f"`seconds > 0` must hold, but got {limits.seconds}")
    if limits.terminator:
        _refuse_without_torch()


def _refuse_without_torch() -> None:
    if importlib.util.find_spec("torch") is None:
        raise ConfigError(
            "Optuna's terminator must have torch, but it is not installed; install the extra `gp`: "
            "pip install '.[training,gp]', or stop by --stagnation"
        )


def _terminates(study: optuna.Study) -> bool:
    with warnings.catch_warnings():
        # Deprecated in Optuna 4.9, to go in 6: pyproject.toml has `optuna<6`.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        from optuna.terminator import Terminator

        return Terminator().should_terminate(study)


@contextlib.contextmanager
def _interruptions() -> Iterator[threading.Event]:
    """Turn Ctrl-C and SIGTERM into an event; a second Ctrl-C ends at once, as ever."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return

    def hear(number: int, frame: object) -> None:
        if interrupted.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        interrupted.set()

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
