"""One fit and one prediction as a task, and the processes that work them off."""

from __future__ import annotations

import gc
import multiprocessing
import os
import queue
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from localizer.errors import ConfigError
from localizer.site import Site
from localizer.table import FingerprintTable
from training.config import Config
from training.distributions import Distributions, score_rows
from training.methods import Fitted, Prediction
from training.outages import Outages, sweep
from training.silence import silenced

INNER_FOLDS: Final = 3
"""Folds of a training side that a simple method chooses its settings on."""

_POLL_S: Final = 0.1
"""How often a waiting parent looks for progress."""


@dataclass(frozen=True, slots=True)
class Task:
    """Fit one method on the training rows of one fold, and predict its test rows."""

    method: str
    fold: int
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    split: str
    config: Config | None
    """None for a simple method."""
    seed: int
    outages: bool = False
    """Whether the fitted method is also scored with beacons gone."""

    @property
    def epochs(self) -> int:
        """Steps of progress that the task counts for."""
        return self.config.epochs if self.config is not None else 1


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What a task gave."""

    task: Task
    predicted: NDArray[np.float64]
    """[n_test, 2], metres."""
    settings: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    curve: Mapping[str, list[float]] = field(default_factory=dict)
    scores: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """Scores of the distributions by name, each [n_test]; none without distributions."""
    outages: Outages | None = None
    """With beacons gone; None where nobody asked."""
    floor: NDArray[np.str_] | None = None
    """[n_test], the floor that each scan was put on; None where there is but one."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Steps of one method that have just ended."""

    method: str
    steps: int


Report = Callable[[Progress], None]

_Result = TypeVar("_Result")


class Material(NamedTuple):
    """What the processes work on."""

    table: FingerprintTable
    """Labelled rows; tasks refer to them by number."""
    site: Site
    unlabelled: FingerprintTable
    """Scans without a position, which a method may learn from."""


def run_task(task: Task, material: Material, progress: Report) -> TaskResult:
    """Fit and predict in this process."""
    import keras

    from training.fit_method import fit_method

    if task.config is not None:
        # Or what Keras keeps of all earlier networks stays in memory; it collects garbage too.
        keras.utils.clear_session()
    train, test = material.table.rows(task.train), material.table.rows(task.test)
    unlabelled = _not_held_out(material.unlabelled, train, test)

    def fit(rows: FingerprintTable, without: FingerprintTable, told: Report = progress) -> Fitted:
        return fit_method(
            task.method if task.config is None else task.config,
            rows,
            material.site,
            seed=task.seed,
            split=task.split,
            unlabelled=without,
            progress=lambda steps: told(Progress(task.method, steps)),
        )

    if len(np.unique(material.table.floor)) > 1:
        return _run_floors(task, material.site, (train, test, unlabelled), fit, progress)
    fitted = fit(train, unlabelled)
    said = fitted.predict_all(test)
    return TaskResult(
        task,
        said.position_m,
        fitted.settings,
        fitted.notes,
        fitted.curve,
        _scores(fitted, said, test),
        sweep(fitted.predict, train, test) if task.outages else None,
    )


def _run_floors(
    task: Task,
    site: Site,
    sides: tuple[FingerprintTable, FingerprintTable, FingerprintTable],
    fit: Callable[..., Fitted],
    progress: Report,
) -> TaskResult:
    from training.floors import fit_floors

    train, test, unlabelled = sides
    models = fit_floors(
        train,
        site,
        split=task.split,
        # Steps of a floor are no steps of the task, of which there is one bar.
        fit=lambda rows, without: fit(rows, without, told=lambda _: None),
        unlabelled=unlabelled,
    )
    progress(Progress(task.method, task.epochs))
    floor = models.choose(test)
    each = models.fitted.items()
    return TaskResult(
        task,
        models.predict_on(test, floor),
        {f"floor {name}": dict(fitted.settings) for name, fitted in each},
        (
            f"floors told by: {models.chooser}",
            *(f"floor {name}: {note}" for name, fitted in each for note in fitted.notes),
        ),
        {f"floor {name}: {k}": v for name, fitted in each for k, v in fitted.curve.items()},
        outages=sweep(models.predict, train, test) if task.outages else None,
        floor=floor,
    )


def _scores(
    fitted: Fitted, said: Prediction, test: FingerprintTable
) -> dict[str, NDArray[np.float64]]:
    if said.log_probability is None or fitted.grid_m is None:
        return {}
    distributions = Distributions(said.log_probability, fitted.grid_m, said.position_m)
    return score_rows(distributions, test.position_m)


def _not_held_out(
    unlabelled: FingerprintTable, train: FingerprintTable, test: FingerprintTable
) -> FingerprintTable:
    """A session that is held out whole is held out with its unlabelled scans."""
    held_out = np.setdiff1d(test.session, train.session)
    return unlabelled.rows(~np.isin(unlabelled.session, held_out))


_worker: dict[str, Any] = {}
"""The material and the queue of a worker process, set once when it starts."""


def _start_worker(material: Material, ended: Any) -> None:
    # Ctrl-C reaches the whole group: the parent says so, and a worker just goes.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    # One thread a process: two networks side by side are faster than one on two cores.
    # By this call: numpy is loaded already, and reads the environment but once.
    threadpool_limits(1)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silenced():
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.constant(0)  # looks for a GPU, and would say that there is none
    _worker.update(material=material, ended=ended)
    # What is there now stays: a collection after each network need not walk all of TensorFlow.
    gc.freeze()


def _run_in_worker(task: Task) -> TaskResult:
    return run_task(task, _worker["material"], _worker["ended"].put)


@contextmanager
def _said_when_broken() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise ConfigError(
            "every worker process must live until its work is done, but one was ended from "
            "outside, as a machine does that runs out of memory; give fewer --workers (1 works in "
            "the command's own process), or close other programs"
        ) from error


class Workers:
    """Processes that hold the rows of a survey and its site, and work on them."""

    def __init__(
        self,
        count: int,
        table: FingerprintTable,
        site: Site,
        unlabelled: FingerprintTable | None = None,
    ) -> None:
        """Start `count` processes; 1 works in this one.

        Args:
            count: how many.
            table: the labelled rows that tasks refer to.
            site: with every beacon of the table.
            unlabelled: scans without a position that methods may learn from; none if None.
        """
        self.count = count
        self.material = Material(
            table, site, table.rows(slice(0)) if unlabelled is None else unlabelled
        )
        """What every process holds."""
        self._pool: ProcessPoolExecutor | None = None
        if count > 1:
            # Spawned, not forked: TensorFlow's threads do not survive a fork.
            context = multiprocessing.get_context("spawn")
            self._ended = context.Queue()
            self._pool = ProcessPoolExecutor(
                count,
                mp_context=context,
                initializer=_start_worker,
                initargs=(self.material, self._ended),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is None:
            return
        if error is not None:
            # A fit under way would be waited for: nobody wants its result any more.
            for child in multiprocessing.active_children():
                child.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def run(self, tasks: Sequence[Task], progress: Report) -> list[TaskResult]:
        """Work tasks off and return their results in the tasks' order.

        Args:
            tasks: their row numbers refer to the table.
            progress: told in this process what has ended.

        Raises:
            ConfigError: a process was ended from outside.
        """
        if self._pool is None:
            return [run_task(task, self.material, progress) for task in tasks]
        with _said_when_broken():
            futures = [self._pool.submit(_run_in_worker, task) for task in tasks]
            self._follow(futures, progress)
            return [future.result() for future in futures]

    def call(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """Return ``function(material, *arguments)``, worked out by one of the processes."""
        if self._pool is None:
            return function(self.material, *arguments)
        with _said_when_broken():
            return self._pool.submit(_call_in_worker, function, arguments).result()

    def _follow(self, futures: Sequence[Future[TaskResult]], progress: Report) -> None:
        waiting: set[Future[TaskResult]] = set(futures)
        while waiting:
            done, waiting = wait(waiting, timeout=_POLL_S, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()  # raises what the worker raised, at once
            self._report(progress)

    def _report(self, progress: Report) -> None:
        while True:
            try:
                progress(self._ended.get_nowait())
            except queue.Empty:
                return


def _call_in_worker(function: Callable[..., _Result], arguments: Sequence[Any]) -> _Result:
    return function(_worker["material"], *arguments)
