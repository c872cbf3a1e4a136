"""Every training of the reproduction as a task, and the record that its result becomes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from localizer.table import FingerprintTable
from training.catalogue import SIMPLE_METHODS
from training.config import NetworkConfig
from training.metrics import errors_m
from training.reproduction.figure9_rows import AugmentedSide
from training.reproduction.paper import BASE, FIGURE_6_STEPS, TABLE_1_BATCH, TABLE_2, PaperRow
from training.reproduction.protocol import Rows, Side
from training.reproduction.records import NetworkRun, SimpleRun
from training.reproduction.starts import OUTPUTS, live_seeds
from training.splits import PUBLISHED, PUBLISHED_TEST_ROWS
from training.tasks import Task, TaskResult

BEST_OF_SEEDS: Final = 3
"""So many times the seeds of other rows for the row on whose default the best of 15 is drawn."""

CNN_SEEDS: Final = 3
"""One seed of the CNN for so many of the DNN: it trains ten times as long."""

BATCH_CONTROL: Final = "cnn-adam-default, batch 100"
"""Table I says 100 for both networks, the code of the CNN 20."""
STEPS_CONTROL: Final = "dnn-adam-default, as many steps"
"""The clean side has fewer rows, so 100 epochs are fewer steps: here they are as many."""


def cnn_seeds(seeds: int) -> int:
    """Return how many seeds of the CNN go with so many of the DNN."""
    return -(-seeds // CNN_SEEDS)


class Job(NamedTuple):
    """One task and what its record says of it."""

    task: Task
    model: str
    side: Side
    drawn: bool = True


class Plan(NamedTuple):
    """What is trained, and how often."""

    seeds: int
    epochs: int
    dead: Sequence[int]
    """Dead outputs of the CNN's initialisations by seed, on the published training rows."""

    @property
    def cnn_seeds(self) -> int:
        """Seeds of the CNN as they come, and seeds of it that start alive."""
        return cnn_seeds(self.seeds)

    @property
    def live(self) -> list[int]:
        """Seeds of the CNN that start alive."""
        return live_seeds(self.dead, self.cnn_seeds)


def network_jobs(
    plan: Plan, published: Rows, clean: Rows, augmented: Sequence[AugmentedSide]
) -> list[Job]:
    """Return every training, the longest first: no process is left with one at the end."""
    jobs: list[Job] = []
    for row in TABLE_2:
        jobs += _table_2(plan, row, published, clean)
    for bar in augmented:
        config = dataclasses.replace(BASE.config(epochs=plan.epochs), name=bar.model)
        jobs += [_job(config, bar.rows, seed) for seed in range(plan.seeds)]
    jobs += _controls(plan, published, clean)
    return sorted(jobs, key=_work, reverse=True)


def _work(job: Job) -> int:
    config = job.task.config
    if config is None:
        return 0
    return len(job.task.train) * config.epochs * (10 if config.network == "cnn" else 1)


def _table_2(plan: Plan, row: PaperRow, published: Rows, clean: Rows) -> Iterator[Job]:
    config = row.config(epochs=plan.epochs)
    if row.network == "dnn":
        more = BEST_OF_SEEDS if row == BASE else 1
        yield from (_job(config, published, seed) for seed in range(more * plan.seeds))
        yield from (_job(config, clean, seed) for seed in range(plan.seeds))
        return
    for seed in range(plan.cnn_seeds):
        # Without any gradient 100 epochs leave a network as one does.
        epochs = 1 if plan.dead[seed] == OUTPUTS else plan.epochs
        yield _job(dataclasses.replace(config, epochs=epochs), published, seed)
    for seed in plan.live:
        if seed >= plan.cnn_seeds:
            yield _job(config, published, seed, drawn=False)
        yield _job(config, clean, seed, drawn=False)


def _controls(plan: Plan, published: Rows, clean: Rows) -> Iterator[Job]:
    cnn = next(row for row in TABLE_2 if row.network == "cnn").config(epochs=plan.epochs)
    wide = dataclasses.replace(cnn, batch_size=TABLE_1_BATCH)
    for seed in plan.live:
        yield _job(wide, published, seed, drawn=False)._replace(model=BATCH_CONTROL)
    base = BASE.config(epochs=round(plan.epochs * len(published.train) / len(clean.train)))
    for seed in range(plan.seeds):
        yield _job(base, clean, seed)._replace(model=STEPS_CONTROL)


def _job(config: NetworkConfig, rows: Rows, seed: int, *, drawn: bool = True) -> Job:
    task = Task(config.name, 0, rows.train, rows.test, rows.side, config, seed)
    return Job(task, config.name, rows.side, drawn)


def simple_jobs(published: Rows, clean: Rows) -> list[Job]:
    """Return every simple method on both sides.

    On the clean side they choose their settings with days held out, as the test days are.
    """
    cuts = ((published, PUBLISHED), (clean, "sessions"))
    return [
        Job(Task(method, 0, rows.train, rows.test, split, None, 0), method, rows.side)
        for rows, split in cuts
        for method in SIMPLE_METHODS
    ]


class Judge(NamedTuple):
    """What turns predictions into records."""

    table: FingerprintTable
    copied: NDArray[np.bool_]
    """[284], which of the last labelled rows have a near copy in the published training rows."""
    cell_m: float

    def networks(self, jobs: Iterable[Job], done: Iterable[TaskResult]) -> list[NetworkRun]:
        """Return a record for each network, in the order of the jobs."""
        return [self._network(job, result) for job, result in zip(jobs, done, strict=True)]

    def simple(self, jobs: Iterable[Job], done: Iterable[TaskResult]) -> list[SimpleRun]:
        """Return a record for each simple method."""
        runs = []
        for job, result in zip(jobs, done, strict=True):
            errors = self.errors_cells(result)
            runs.append(SimpleRun(job.model, job.side, float(errors.mean()), _within(errors)))
        return runs

    def _network(self, job: Job, result: TaskResult) -> NetworkRun:
        errors = self.errors_cells(result)
        last = errors[-PUBLISHED_TEST_ROWS:]
        return NetworkRun(
            model=job.model,
            side=job.side,
            seed=job.task.seed,
            drawn=job.drawn,
            dead_at_start=bool(result.settings["dead_initialisations"]),
            dead_at_end=bool(result.settings["dead_at_end"]),
            error_cells=float(errors.mean()),
            last_rows_cells=float(last.mean()),
            copied_cells=float(last[self.copied].mean()),
            own_cells=float(last[~self.copied].mean()),
            within=_within(errors),
        )

    def errors_cells(self, result: TaskResult) -> NDArray[np.float64]:
        """Return the error of each test row of a result, [n], cells."""
        truth = self.table.position_m[result.task.test]
        return errors_m(result.predicted, truth) / self.cell_m


def _within(errors: NDArray[np.float64]) -> tuple[float, ...]:
    # The code has it "at most"; a rounding error must not turn a hit into a miss.
    return tuple(float((errors <= step + 1e-6).mean()) for step in FIGURE_6_STEPS)
