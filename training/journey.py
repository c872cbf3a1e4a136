"""From a survey to a bundle: cross-validate, take the best method, fit it on all, export it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from localizer.table import FingerprintTable
from training.config import Config
from training.criterion import Choice, choose, usable_criterion
from training.evaluation import Evaluation, Plan, evaluate, plan_tasks, to_records
from training.ledger import Ledger, reading_in_words, sealed_metrics
from training.provenance import method_sha256, provenance_of
from training.reading import reading_of
from training.recipe import Recipe
from training.records import Record, bundle_metrics, records_from
from training.report import progress_bars, tables
from training.splits import PUBLISHED, SPLITS, usable_splits
from training.surveys import OpenedSurvey
from training.tasks import Material, Workers

if TYPE_CHECKING:
    from training.export import Origin


def cross_validate(
    survey: OpenedSurvey,
    recipe: Recipe,
    workers: Workers,
    console: Console,
    ledger: Ledger | None = None,
) -> list[Evaluation]:
    """Score every method on every split, with bars while it runs and a table after each.

    Args:
        survey: development sessions alone are read, but for the published split.
        recipe: the splits, and what is scored on them.
        workers: they hold the survey's development rows.
        console: where bars and tables go.
        ledger: gets a line before the published split's table is printed, whose test rows are
            sealed sessions; None where that split is not among the recipe's.

    Raises:
        ConfigError: the survey cannot be cut by a split.
        LeakError: test rows stand in training.
    """
    warn(survey, console)
    evaluations = []
    for split in recipe.splits:
        published = split is SPLITS[PUBLISHED]
        rows = survey.published(recipe.aggregation) if published else workers.material.table
        plan = Plan(
            survey.name,
            survey.site,
            rows,
            split,
            recipe.baselines,
            recipe.configs,
            recipe.seeds,
            outages=recipe.outages,
        )
        with progress_bars(console, plan_tasks(plan)) as progress:
            done = (
                _alone(plan, workers.count, progress)
                if published
                else evaluate(plan, workers, progress=progress)
            )
        if published and ledger is not None:
            records = records_from(to_records(done, survey.site.cell_m))
            ledger.append(
                reading_of(
                    survey,
                    recipe.methods,
                    records,
                    sealed=survey.sealed_hashes(),
                    seeds=recipe.seeds,
                    again=PUBLISHED,
                )
            )
        print_evaluation(done, survey.site.cell_m, console)
        evaluations.append(done)
    return evaluations


def warn(survey: OpenedSurvey, console: Console) -> None:
    """Print what must not be overlooked before anything is fitted."""
    for warning in survey.warnings:
        console.print(f"[bold yellow]Warning: {escape(warning)}[/]", highlight=False)


def print_evaluation(evaluation: Evaluation, cell_m: float | None, console: Console) -> None:
    """Print the table of a split, what the leak detector found, and the methods' notes."""
    for table in tables(evaluation, cell_m):
        console.print(table)
    console.print(f"  [dim]{escape(evaluation.leaks.in_words())}[/]", highlight=False)
    for result in evaluation.results:
        for note in result.notes:
            console.print(f"  [dim]{escape(f'{result.method}: {note}')}[/]")


def _alone(plan: Plan, count: int, progress: Any) -> Evaluation:
    # The published split has rows of its own: sealed days and copies, which no other worker holds.
    with Workers(count, plan.table, plan.site) as workers:
        return evaluate(plan, workers, progress=progress)


def start_workers(survey: OpenedSurvey, recipe: Recipe, count: int) -> Workers:
    """Return processes that hold the survey's development rows."""
    table = survey.development(recipe.aggregation)
    return Workers(count, table, survey.site, survey.unlabelled(recipe.aggregation))


def decidable(recipe: Recipe, table: FingerprintTable, console: Console) -> Recipe:
    """Return a recipe with the splits of its criterion that can cut a survey, and say which not.

    Its other splits are kept, after those of the criterion.

    Raises:
        ConfigError: none of the criterion's splits can.
    """
    criterion, notes = usable_criterion(recipe.criterion, table)
    for note in notes:
        console.print(note, markup=False, highlight=False)
    names = dict.fromkeys([*criterion, *(split.name for split in recipe.splits)])
    return replace(recipe, criterion=criterion, splits=[SPLITS[name] for name in names])


def cuttable(recipe: Recipe, table: FingerprintTable, console: Console) -> Recipe:
    """Return a recipe with those of its splits that can cut a survey, and say why others cannot."""
    splits, notes = usable_splits([s for s in recipe.splits if s.name != PUBLISHED], table)
    for note in notes:
        console.print(note, markup=False, highlight=False)
    published = [split for split in recipe.splits if split.name == PUBLISHED]
    return replace(recipe, splits=[*splits, *published])


@dataclass(frozen=True)
class Target:
    """Where a bundle goes, and which ledger says how often sealed sessions were read."""

    folder: Path
    ledger: Ledger = field(default_factory=Ledger)


@dataclass(frozen=True)
class Export:
    """One fit on all development rows, and the bundle that it becomes."""

    method: str | Config
    choice: Choice
    seed: int
    survey: OpenedSurvey
    records: tuple[Record, ...]
    """Every method on every split that was evaluated."""
    target: Target
    notes: tuple[str, ...] = ()
    """More for the model card."""


def export_best(
    target: Target,
    survey: OpenedSurvey,
    recipe: Recipe,
    evaluations: Sequence[Evaluation],
    workers: Workers,
) -> Choice:
    """Fit the method that is best on the criterion on all development rows; write its bundle.

    Raises:
        ConfigError: a split of the criterion was not evaluated.
    """
    records = records_from([r for e in evaluations for r in to_records(e, survey.site.cell_m)])
    choice = choose(records, recipe.criterion)
    method: str | Config = choice.method
    if not choice.is_baseline:
        method = next(config for config in recipe.configs if config.name == choice.method)
    export = Export(method, choice, recipe.seeds[0], survey, records, target)
    workers.call(fit_and_write, export)
    return choice


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
        split=export.choice.criterion[0],
        unlabelled=material.unlabelled,
        progress=lambda _: None,
    )
    origin = _origin(material.table, export)
    write_bundle(export.target.folder, fitted, material.site, material.table, origin)


def _origin(table: FingerprintTable, export: Export) -> Origin:
    from training.export import Origin

    survey, choice = export.survey, export.choice
    readings = export.target.ledger.of(survey.site.id, survey.sealed_names())
    here = [reading for reading in readings if reading.floor == survey.floor]
    sealed = sealed_metrics(here, survey.data_sha256, method_sha256(export.method))
    return Origin(
        is_baseline=choice.is_baseline,
        metrics=(*bundle_metrics(export.records, choice.method), *sealed),
        provenance=provenance_of(survey, table, export.method, seed=export.seed),
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        forced=choice.forced,
        notes=(*survey.notes, *survey.warnings, *export.notes, choice.words),
        readings=tuple(reading_in_words(reading) for reading in readings),
        replaced=survey.replaced,
    )
