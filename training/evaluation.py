"""Cross-validation of networks beside the simple methods, on worker processes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from localizer.site import Site
from localizer.table import FingerprintTable
from training.config import Config
from training.leaks import Leaks, Sources, find_leaks, refuse_leaks
from training.metrics import (
    FloorHits,
    Spread,
    Summary,
    bootstrap_by_place,
    floor_hits,
    resampled_groups,
    summarise,
)
from training.outages import GONE, Outages
from training.pool.config import PoolConfig
from training.splits import Split
from training.tasks import Progress, Task, TaskResult, Workers


@dataclass(frozen=True)
class MethodResult:
    """One method over all test rows of a split."""

    method: str
    is_baseline: bool
    errors: NDArray[np.float64]
    """[seeds, n], metres, in the order of `Evaluation.rows`."""
    predicted: NDArray[np.float64]
    """[seeds, n, 2], metres."""
    settings: tuple[Mapping[str, Any], ...]
    """What the training side of each fold and seed chose."""
    curves: tuple[Mapping[str, list[float]], ...]
    notes: tuple[str, ...]
    summary: Summary
    scores: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """Scores of the distributions by name, each [seeds, n]; none without distributions."""
    outages: Outages | None = None
    """Means over seeds, in the order of `Evaluation.rows`; None where nobody asked."""


@dataclass(frozen=True)
class Evaluation:
    """All methods of one split."""

    survey: str
    split: Split
    rows: FingerprintTable
    """The test rows, fold after fold."""
    fold: NDArray[np.int64]
    """[n], which fold scored each row."""
    results: tuple[MethodResult, ...]
    """Best mean error first."""
    leaks: Leaks
    """What the leak detector found before the fits."""

    @property
    def best(self) -> MethodResult:
        """The method with the least mean error."""
        return self.results[0]

    @property
    def best_baseline(self) -> MethodResult:
        """The best of the simple methods."""
        return next(result for result in self.results if result.is_baseline)

    def gain(self, result: MethodResult) -> tuple[float, float, float]:
        """Return how many metres a method gains on the best baseline, with its 95 % interval.

        Paired by row and bootstrapped by place; a negative gain is a loss.
        """
        return self.gain_over(self.best_baseline, result)

    def gain_over(self, other: MethodResult, result: MethodResult) -> tuple[float, float, float]:
        """Return how many metres a method gains on another, with its 95 % interval."""
        pairs = other.errors.mean(axis=0) - result.errors.mean(axis=0)
        return (float(pairs.mean()), *bootstrap_by_place(pairs, _groups(self.rows)))


@dataclass(frozen=True)
class Plan:
    """What is to be evaluated."""

    survey: str
    site: Site
    table: FingerprintTable
    """The rows that the split cuts: development, labelled, on one floor."""
    split: Split
    baselines: Sequence[str]
    configs: Sequence[Config]
    seeds: Sequence[int]
    outages: bool = False
    """Whether every method is also scored with beacons gone."""
    sources: Sources = field(default_factory=dict)
    """What augmented rows of the table were made from; none for a table of scans."""


def evaluate(
    plan: Plan, workers: Workers, *, progress: Callable[[Progress], None] = lambda _: None
) -> Evaluation:
    """Cross-validate every method of a plan.

    Args:
        plan: what to evaluate.
        workers: they must hold the plan's table and site.
        progress: told what has been done, in this process.

    Raises:
        ConfigError: the survey cannot be cut that way.
        LeakError: test rows stand in training; nothing has been fitted then.
    """
    folds = plan.split.folds(plan.table)
    leaks = find_leaks(plan.table, folds, plan.split, plan.sources)
    refuse_leaks(plan.table, leaks)
    done = workers.run(plan_tasks(plan), progress)
    test = np.concatenate([fold.test for fold in folds])
    rows = plan.table.rows(test)
    fold_of = np.repeat(np.arange(len(folds)), [len(fold.test) for fold in folds])
    names = [*plan.baselines, *(config.name for config in plan.configs)]
    results = [
        _result(name, [r for r in done if r.task.method == name], rows, fold_of, plan)
        for name in names
    ]
    # A network that diverged has no mean: NaN compares with nothing, and must never come first.
    results.sort(key=lambda result: (math.isnan(result.summary.mean), result.summary.mean))
    return Evaluation(plan.survey, plan.split, rows, fold_of, tuple(results), leaks)


def plan_tasks(plan: Plan) -> list[Task]:
    """Return the fits of a plan: every method, fold and seed."""
    folds = plan.split.folds(plan.table)
    networks = [
        Task(config.name, i, fold.train, fold.test, plan.split.name, config, seed, plan.outages)
        for config in plan.configs
        for seed in seeds_of(config, plan.seeds)
        for i, fold in enumerate(folds)
    ]
    simple = [
        Task(name, i, fold.train, fold.test, plan.split.name, None, 0, plan.outages)
        for name in plan.baselines
        for i, fold in enumerate(folds)
    ]
    # The longest tasks first: no worker is left with one when the others have ended.
    networks.sort(key=lambda task: task.config is None or task.config.network != "cnn")
    return networks + simple


def seeds_of(config: Config, seeds: Sequence[int]) -> Sequence[int]:
    """Return the seeds that a configuration is fitted with: one for a pool.

    Its fits are convex or start at one point; the copies for phones without labels alone are drawn.
    """
    return seeds[:1] if isinstance(config, PoolConfig) else seeds


def _result(
    name: str,
    done: Sequence[TaskResult],
    rows: FingerprintTable,
    fold_of: NDArray[np.int64],
    plan: Plan,
) -> MethodResult:
    seeds = sorted({result.task.seed for result in done})
    ordered = [
        sorted((r for r in done if r.task.seed == seed), key=lambda r: r.task.fold)
        for seed in seeds
    ]
    predicted = np.stack([np.concatenate([r.predicted for r in one]) for one in ordered])
    errors = np.hypot(*np.moveaxis(predicted - rows.position_m, -1, 0))
    flat = [result for one in ordered for result in one]
    scores = {
        score: np.stack([np.concatenate([r.scores[score] for r in one]) for one in ordered])
        for score in flat[0].scores
    }
    summary = summarise(errors, _groups(rows), fold_of, cell_m=plan.site.cell_m, scores=scores)
    return MethodResult(
        method=name,
        is_baseline=flat[0].task.config is None,
        errors=errors,
        predicted=predicted,
        settings=tuple(result.settings for result in flat),
        curves=tuple(result.curve for result in flat),
        notes=tuple(dict.fromkeys(note for result in flat for note in result.notes)),
        summary=replace(summary, floors=_floors(ordered, errors, rows)),
        scores=scores,
        outages=_pooled_outages(ordered),
    )


def _groups(rows: FingerprintTable) -> NDArray[np.int64]:
    return resampled_groups(rows.place, rows.session)


def _floors(
    ordered: Sequence[Sequence[TaskResult]], errors: NDArray[np.float64], rows: FingerprintTable
) -> FloorHits | None:
    told = [[r.floor for r in one if r.floor is not None] for one in ordered]
    if not told[0]:
        return None
    right = np.stack([np.concatenate(one) == rows.floor for one in told])
    return floor_hits(errors, np.asarray(right))


def _pooled_outages(ordered: Sequence[Sequence[TaskResult]]) -> Outages | None:
    """Fold after fold, and the mean over seeds; NaN where a fold hears fewer beacons than go."""
    swept = [[r.outages for r in one if r.outages is not None] for one in ordered]
    if not swept[0]:
        return None
    error, silent = (
        np.mean([np.concatenate([part[i] for part in one], axis=1) for one in swept], axis=0)
        for i in (0, 1)
    )
    return Outages(error, silent)


def to_records(evaluation: Evaluation, cell_m: float | None) -> list[dict[str, Any]]:
    """Return one flat object a method, for JSON; errors in metres."""
    records = []
    for result in evaluation.results:
        gain, low, high = evaluation.gain(result)
        records.append(
            {
                "survey": evaluation.survey,
                "split": evaluation.split.name,
                "honest": evaluation.split.honest,
                "caveat": evaluation.split.caveat,
                "method": result.method,
                "is_baseline": result.is_baseline,
                "unit": "m",
                "cell_m": cell_m,
                **_summary_fields(result),
                "gain_over_best_baseline": _finite(gain),
                "gain_low": _finite(low),
                "gain_high": _finite(high),
                "notes": list(result.notes),
                "settings": [dict(chosen) for chosen in result.settings],
                "outages": outage_records(result),
            }
        )
    return records


def _summary_fields(result: MethodResult) -> dict[str, Any]:
    fields = dataclasses.asdict(result.summary)
    for name, kind in (("spread", Spread), ("floors", FloorHits)):
        fields.update(fields.pop(name) or dict.fromkeys(f.name for f in dataclasses.fields(kind)))
    return {name: _finite(value) for name, value in fields.items()}


def outage_records(result: MethodResult) -> list[dict[str, Any]] | None:
    """Return mean error, metres, and share of silent scans for each count of beacons gone.

    `worse` is the mean error over that with none gone, less 1. None where nobody asked; without
    the counts that a fold cannot lose.
    """
    if result.outages is None:
        return None
    means, silent = (part.mean(axis=1).tolist() for part in result.outages)
    return [
        {"gone": gone, "mean": mean, "worse": mean / means[0] - 1, "silent_share": share}
        for gone, mean, share in zip(GONE, means, silent, strict=True)
        if math.isfinite(mean)
    ]


def _finite(value: Any) -> Any:
    """JSON has no NaN: a figure that does not exist is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
