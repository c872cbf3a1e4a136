"""How much survey is enough: errors against scans a place, and against places on the floor."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from localizer.table import FingerprintTable
from training.config import Config
from training.evaluation import Plan
from training.metrics import Summary, errors_m, summarise
from training.splits import Fold
from training.tasks import Progress, Task, TaskResult, Workers

Axis = Literal["scans", "places"]

SCANS: Final = (1, 2, 3, 5)
"""Scans that each place keeps, beside all."""
SHARES: Final = (0.1, 0.2, 0.4, 0.6, 0.8)
"""Share of the training places that are kept, with all their scans, beside all."""

Rows = NDArray[np.int64]


class Amount(NamedTuple):
    """How much of a training side is kept."""

    axis: Axis
    kept: float
    """Scans a place, or share of places; infinity for all scans, 1 for all places."""


class Point(NamedTuple):
    """The error of one method with one amount of survey."""

    amount: Amount
    method: str
    training_scans: float
    """Mean over folds and draws."""
    training_places: float
    summary: Summary
    """Its seeds are draws of what is kept."""


@dataclass(frozen=True)
class LearningCurves:
    """Errors of several methods against the size of the survey."""

    survey: str
    split: str
    points: tuple[Point, ...]

    def of(self, axis: Axis, method: str) -> list[Point]:
        """Return one method's points on one axis, smallest survey first."""
        found = [p for p in self.points if p.amount.axis == axis and p.method == method]
        return sorted(found, key=lambda point: point.amount.kept)

    @property
    def methods(self) -> list[str]:
        """The methods in the order of the plan."""
        return list(dict.fromkeys(point.method for point in self.points))


AMOUNTS: Final = (
    *(Amount("scans", float(count)) for count in SCANS),
    Amount("scans", math.inf),
    *(Amount("places", share) for share in SHARES),
    Amount("places", 1.0),
)


def thin(table: FingerprintTable, rows: Rows, amount: Amount, *, seed: int) -> Rows:
    """Return those rows of a training side that a smaller survey would have.

    The same seed keeps ever more of the same: what a small amount has, a larger one has too.

    Args:
        table: all labelled rows.
        rows: numbers of the training side's rows.
        amount: how much is kept; at least one place.
        seed: of the draw.
    """
    rng = np.random.default_rng((seed, len(rows)))
    place = np.unique(table.place[rows], return_inverse=True)[1].ravel()
    if amount.axis == "places":
        order = rng.permutation(int(place.max()) + 1)
        count = math.ceil(amount.kept * len(order) - 1e-9)
        return rows[np.isin(place, order[: max(count, 1)])]
    draw = rng.permutation(len(rows))
    order = np.lexsort((draw, place))
    first = np.searchsorted(place[order], np.arange(int(place.max()) + 1))
    rank = np.empty(len(rows), np.int64)
    rank[order] = np.arange(len(rows)) - first[place[order]]
    return rows[rank < amount.kept]


class _Job(NamedTuple):
    amount: Amount
    seed: int
    task: Task


def learning_curve_tasks(plan: Plan) -> list[Task]:
    """Return the fits of the learning curves of a plan, whose seeds are draws."""
    return [job.task for job in _jobs(plan, plan.split.folds(plan.table))]


def _jobs(plan: Plan, folds: Sequence[Fold]) -> list[_Job]:
    methods: list[str | Config] = [*plan.configs, *plan.baselines]
    return [job for method in methods for job in _of(plan, folds, method)]


def _of(plan: Plan, folds: Sequence[Fold], method: str | Config) -> Iterator[_Job]:
    config = method if isinstance(method, Config) else None
    name = config.name if config is not None else str(method)
    for amount in AMOUNTS:
        whole = amount.kept == (math.inf if amount.axis == "scans" else 1.0)
        if amount == AMOUNTS[-1]:
            continue  # all places are all scans, which stand there already
        # Without a draw and without a seed of its own a simple method gives the same again.
        for seed in plan.seeds[:1] if whole and config is None else plan.seeds:
            for number, fold in enumerate(folds):
                rows = thin(plan.table, fold.train, amount, seed=seed)
                task = Task(name, number, rows, fold.test, plan.split.name, config, seed)
                yield _Job(amount, seed, task)


def learning_curves(
    plan: Plan, workers: Workers, *, progress: Callable[[Progress], None] = lambda _: None
) -> LearningCurves:
    """Return errors against scans a place and share of places.

    Test sides stay whole; what is kept of a training side is drawn anew for each of the plan's
    seeds.

    Args:
        plan: survey, split, methods and seeds.
        workers: they must hold the plan's table and site.
        progress: told what has been done, in this process.

    Raises:
        ConfigError: the survey cannot be cut that way.
    """
    folds = plan.split.folds(plan.table)
    jobs = _jobs(plan, folds)
    done = workers.run([job.task for job in jobs], progress)
    points = []
    for method in (*(c.name for c in plan.configs), *plan.baselines):
        for amount in AMOUNTS[:-1]:
            mine = [
                (job, result)
                for job, result in zip(jobs, done, strict=True)
                if job.amount == amount and job.task.method == method
            ]
            points.append(_point(plan, amount, method, mine))
        all_of_it = next(p for p in points if p.method == method and math.isinf(p.amount.kept))
        points.append(all_of_it._replace(amount=AMOUNTS[-1]))
    return LearningCurves(plan.survey, plan.split.name, tuple(points))


def _point(
    plan: Plan, amount: Amount, method: str, done: Sequence[tuple[_Job, TaskResult]]
) -> Point:
    seeds = sorted({job.seed for job, _ in done})
    folds = [
        sorted((result for job, result in done if job.seed == seed), key=lambda r: r.task.fold)
        for seed in seeds
    ]
    test = np.concatenate([result.task.test for result in folds[0]])
    fold_of = np.concatenate([np.full(len(r.task.test), r.task.fold) for r in folds[0]])
    truth = plan.table.rows(test)
    errors = np.stack(
        [errors_m(np.concatenate([r.predicted for r in one]), truth.position_m) for one in folds]
    )
    kept = [plan.table.rows(job.task.train) for job, _ in done]
    return Point(
        amount,
        method,
        float(np.mean([len(rows) for rows in kept])),
        float(np.mean([len(np.unique(rows.place)) for rows in kept])),
        summarise(errors, truth.place, fold_of, cell_m=plan.site.cell_m),
    )


def to_records(curves: LearningCurves) -> list[dict[str, Any]]:
    """Return one flat object a point, for JSON; errors in metres."""
    return [
        {
            "survey": curves.survey,
            "split": curves.split,
            "method": point.method,
            "axis": "scans_per_place" if point.amount.axis == "scans" else "share_of_places",
            "kept": None if math.isinf(point.amount.kept) else point.amount.kept,
            "training_scans": point.training_scans,
            "training_places": point.training_places,
            "unit": "m",
            "n": point.summary.n,
            "draws": point.summary.seeds,
            "mean": point.summary.mean,
            "ci_low": point.summary.ci_low,
            "ci_high": point.summary.ci_high,
            "draw_sd": point.summary.seed_sd,
            "median": point.summary.median,
            "p95": point.summary.p95,
        }
        for point in curves.points
    ]
