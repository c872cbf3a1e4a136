"""From a survey to a bundle: cross-validate, take the best method, fit it on all, export it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from localizer.manifest import Metrics
from localizer.table import FingerprintTable
from training.catalogue import SIMPLE_METHODS
from training.config import Config
from training.evaluation import Evaluation, MethodResult, Plan, evaluate, plan_tasks
from training.provenance import provenance_of
from training.recipe import Recipe
from training.report import error_table, progress_bars, title_of
from training.splits import PUBLISHED, SPLITS
from training.surveys import OpenedSurvey
from training.tasks import Material, Workers

if TYPE_CHECKING:
    from training.export import Origin


def cross_validate(
    survey: OpenedSurvey, recipe: Recipe, workers: Workers, console: Console
) -> list[Evaluation]:
    """Score every method on every split, with bars while it runs and a table after each."""
    evaluations = []
    for split in recipe.splits:
        published = split is SPLITS[PUBLISHED]
        rows = survey.published(recipe.aggregation) if published else workers.material.table
        plan = Plan(
            survey.name, survey.site, rows, split, recipe.baselines, recipe.configs, recipe.seeds
        )
        with progress_bars(console, plan_tasks(plan)) as progress:
            done = (
                _alone(plan, workers.count, progress)
                if published
                else evaluate(plan, workers, progress=progress)
            )
        console.print(error_table(done, survey.site.cell_m))
        for result in done.results:
            for note in result.notes:
                console.print(f"  [dim]{escape(f'{result.method}: {note}')}[/]")
        evaluations.append(done)
    return evaluations


def _alone(plan: Plan, count: int, progress: Any) -> Evaluation:
    # The published split has rows of its own: sealed days and copies, which no other worker holds.
    with Workers(count, plan.table, plan.site) as workers:
        return evaluate(plan, workers, progress=progress)


def start_workers(survey: OpenedSurvey, recipe: Recipe, count: int) -> Workers:
    """Return processes that hold the survey's development rows."""
    table = survey.development(recipe.aggregation)
    return Workers(count, table, survey.site, survey.unlabelled(recipe.aggregation))


@dataclass(frozen=True)
class Export:
    """One fit on all development rows, and the bundle that it becomes."""

    method: str | Config
    seed: int
    survey: OpenedSurvey
    evaluations: Sequence[Evaluation]
    """The first one's split decided on the method."""
    folder: Path


def export_best(
    folder: Path,
    survey: OpenedSurvey,
    recipe: Recipe,
    evaluations: Sequence[Evaluation],
    workers: Workers,
) -> Path:
    """Fit the best method of the first split on all development rows, and write its bundle.

    Returns:
        The bundle's folder, as given.
    """
    best = evaluations[0].best
    method: str | Config = best.method
    if not best.is_baseline:
        method = next(config for config in recipe.configs if config.name == best.method)
    workers.call(fit_and_write, Export(method, recipe.seeds[0], survey, evaluations, folder))
    return folder


def fit_and_write(material: Material, export: Export) -> None:
    """Fit the method of an export on all rows and write its bundle."""
    # Imported here: TensorFlow takes 4 s, and the process that prints the tables needs none.
    from training.export import write_bundle
    from training.fit_method import fit_method

    fitted = fit_method(
        export.method,
        material.table,
        material.site,
        seed=export.seed,
        split=export.evaluations[0].split.name,
        unlabelled=material.unlabelled,
        progress=lambda _: None,
    )
    origin = _origin(material.table, export)
    write_bundle(export.folder, fitted, material.site, material.table, origin)


def _origin(table: FingerprintTable, export: Export) -> Origin:
    from training.export import Origin

    name = export.method if isinstance(export.method, str) else export.method.name
    return Origin(
        is_baseline=name in SIMPLE_METHODS,
        metrics=tuple(bundle_metrics(evaluation, name) for evaluation in export.evaluations),
        provenance=provenance_of(export.survey, table, export.method, seed=export.seed),
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        notes=(*export.survey.notes, choice_in_words(export.evaluations[0])),
    )


def bundle_metrics(evaluation: Evaluation, method: str) -> Metrics:
    """Return what a bundle says about its method on one split."""
    result = next(r for r in evaluation.results if r.method == method)
    s, baseline = result.summary, evaluation.best_baseline
    return Metrics(
        split=evaluation.split.name,
        honest=evaluation.split.honest,
        n=s.n,
        seeds=s.seeds,
        mean_m=s.mean,
        ci_low_m=s.ci_low,
        ci_high_m=s.ci_high,
        median_m=s.median,
        p75_m=s.p75,
        p95_m=s.p95,
        baseline=baseline.method,
        baseline_mean_m=baseline.summary.mean,
    )


def choice_in_words(evaluation: Evaluation) -> str:
    """Say which method is exported, and that it is a simple one where it is."""
    best = evaluation.best
    networks = [result for result in evaluation.results if not result.is_baseline]
    if not networks:
        return f"Exported: {title_of(best)}, {best.summary.mean:.2f} m; no network was trained."
    if best.is_baseline:
        return (
            f"Exported: {title_of(best)}, a baseline that trains no network "
            f"({best.summary.mean:.2f} m): the best network, {_in_words(networks[0])}, is no "
            f"better on split '{evaluation.split.name}'."
        )
    baseline = evaluation.best_baseline
    return (
        f"Exported: {_in_words(best)}; the best simple method is {title_of(baseline)} "
        f"({baseline.summary.mean:.2f} m)."
    )


def _in_words(result: MethodResult) -> str:
    return f"the {result.method} network ({result.summary.mean:.2f} m)"
