"""The final evaluation: every method fitted on all development rows, scored on sealed sessions."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from rich.console import Console

from localizer.table import FingerprintTable
from training.augmentation.rows import join
from training.evaluation import Evaluation, Plan, evaluate, plan_tasks, to_records
from training.journey import print_evaluation, warn
from training.ledger import Ledger, Reading
from training.reading import reading_of
from training.recipe import Recipe
from training.records import records_from
from training.report import progress_bars
from training.splits import SEALED, Fold, Split
from training.surveys import OpenedSurvey
from training.tasks import Workers

_WHAT: Final = "sealed sessions, fitted on all development rows"


class Readout(NamedTuple):
    """A final evaluation, and the line that the ledger has of it."""

    evaluation: Evaluation
    reading: Reading


class Permission(NamedTuple):
    """What a reading needs."""

    ledger: Ledger
    again: str | None
    """Why sealed sessions are read once more; None for the first time."""


def read_sealed(
    survey: OpenedSurvey, recipe: Recipe, permission: Permission, workers: int, console: Console
) -> Readout:
    """Score every method of a recipe on the sealed sessions, once, and write it down.

    The ledger has its line before the table is printed: nobody sees a figure that it lacks.

    Args:
        survey: with sealed sessions.
        recipe: its splits play no part.
        permission: the ledger, and the reason for a second reading.
        workers: how many processes.
        console: where bars and the table go.

    Raises:
        ConfigError: there are no sealed rows, or they have been read and there is no reason.
        LeakError: sealed rows stand in development sessions.
    """
    sealed = survey.sealed_hashes()
    permission.ledger.refuse_again(sealed, permission.again)
    warn(survey, console)
    development = survey.development(recipe.aggregation)
    table = join(development, survey.sealed(recipe.aggregation))
    plan = Plan(
        survey.name,
        survey.site,
        table,
        sealed_split(len(development)),
        recipe.baselines,
        recipe.configs,
        recipe.seeds,
        outages=recipe.outages,
    )
    unlabelled = survey.unlabelled(recipe.aggregation)
    with (
        Workers(workers, table, survey.site, unlabelled) as pool,
        progress_bars(console, plan_tasks(plan)) as progress,
    ):
        evaluation = evaluate(plan, pool, progress=progress)
    records = records_from(to_records(evaluation, survey.site.cell_m))
    reading = reading_of(
        survey,
        recipe.methods,
        records,
        sealed=sealed,
        seeds=recipe.seeds,
        again=permission.again,
    )
    permission.ledger.append(reading)
    print_evaluation(evaluation, survey.site.cell_m, console)
    return Readout(evaluation, reading)


def sealed_split(development: int) -> Split:
    """Return the split whose first so many rows train and whose others are sealed."""

    def folds(table: FingerprintTable) -> list[Fold]:
        rows = np.arange(len(table))
        return [Fold("sealed sessions", rows[:development], rows[development:])]

    return Split(SEALED, _WHAT, "", folds)
