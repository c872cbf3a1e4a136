"""The final evaluation: every method fitted on all development rows, scored on sealed sessions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np
from rich.console import Console

from localizer.table import FingerprintTable
from training.augmentation.rows import join
from training.config import Config
from training.evaluation import Evaluation, Plan, evaluate, plan_tasks, to_records
from training.journey import print_evaluation, warn
from training.ledger import Ledger, Reading, Result
from training.provenance import git_state, method_sha256
from training.recipe import Recipe
from training.records import bundle_metrics, records_from
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
    hashes = survey.sealed_hashes()
    permission.ledger.refuse_again(hashes, permission.again)
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
    reading = _reading(survey, recipe, evaluation, hashes, permission.again)
    permission.ledger.append(reading)
    print_evaluation(evaluation, survey.site.cell_m, console)
    return Readout(evaluation, reading)


def sealed_split(development: int) -> Split:
    """Return the split whose first so many rows train and whose others are sealed."""

    def folds(table: FingerprintTable) -> list[Fold]:
        rows = np.arange(len(table))
        return [Fold("sealed sessions", rows[:development], rows[development:])]

    return Split(SEALED, _WHAT, "", folds)


def _reading(
    survey: OpenedSurvey,
    recipe: Recipe,
    evaluation: Evaluation,
    hashes: dict[str, str],
    again: str | None,
) -> Reading:
    commit, dirty = git_state()
    records = records_from(to_records(evaluation, survey.site.cell_m))
    methods: list[str | Config] = [*recipe.baselines, *recipe.configs]
    return Reading(
        time_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        survey=survey.name,
        site=survey.site.id,
        floor=survey.floor,
        sealed=hashes,
        data_sha256=survey.data_sha256,
        seeds=tuple(recipe.seeds),
        git_commit=commit,
        git_dirty=dirty,
        again=again,
        results=tuple(
            Result(
                method=name,
                config_sha256=method_sha256(method),
                metrics=next(iter(bundle_metrics(records, name)), None),
            )
            for method in methods
            for name in [method if isinstance(method, str) else method.name]
        ),
    )
