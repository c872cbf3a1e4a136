"""Exporting from the folder of an earlier run: its figures choose, and one fit follows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError
from rich.console import Console

from localizer.errors import ConfigError
from localizer.features import Aggregation
from training.config import Config, load_config
from training.criterion import Choice, choose, usable_criterion
from training.journey import Export, Target, fit_and_write, warn
from training.provenance import git_state
from training.records import Record, records_from
from training.surveys import ALL_FLOORS, open_survey
from training.tasks import Material


class RunFile(BaseModel):
    """What run.json says, as far as an export needs it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    survey: str
    data_sha256: str
    floor: str
    aggregation: Aggregation
    seeds: tuple[int, ...]
    git_commit: str


class Wish(NamedTuple):
    """What somebody wants exported."""

    criterion: tuple[str, ...]
    method: str | None
    """None for the best on the criterion."""
    force: bool
    """Whether the method may be worse than the best."""


def export_run(folder: Path, wish: Wish, target: Target, console: Console) -> Choice:
    """Fit a method that a run evaluated on all development rows, and write its bundle.

    Args:
        folder: the work directory of the run.
        wish: which method.
        target: where the bundle goes.
        console: told what was left out of the criterion, and why.

    Raises:
        ConfigError: the folder is of no run, the survey is not the one that was evaluated, or the
            method may not be exported.
    """
    run, records = read_run(folder)
    if run.floor == ALL_FLOORS:
        raise ConfigError(
            f"a bundle is for one floor, but {folder} evaluated all together; evaluate one with "
            "--floor, and export that run"
        )
    survey = open_survey(run.survey, folder, floor=run.floor)
    if survey.data_sha256 != run.data_sha256:
        raise ConfigError(
            f"the survey must be the one that was evaluated, with data hash "
            f"{run.data_sha256[:12]}…, but {run.survey} has {survey.data_sha256[:12]}… now; "
            "evaluate it again"
        )
    warn(survey, console)
    table = survey.development(run.aggregation)
    criterion, notes = usable_criterion(wish.criterion, table)
    for note in notes:
        console.print(note, markup=False, highlight=False)
    choice = choose(records, criterion, method=wish.method, force=wish.force)
    method = choice.method if choice.is_baseline else _config(folder, choice.method)
    export = Export(method, choice, run.seeds[0], survey, records, target, _commit_note(run))
    fit_and_write(Material(table, survey.site, survey.unlabelled(run.aggregation)), export)
    return choice


def read_run(folder: Path) -> tuple[RunFile, tuple[Record, ...]]:
    """Read what a run left about itself, and its figures.

    Raises:
        ConfigError: a file is missing or is none of a run.
    """
    try:
        return (
            RunFile.model_validate(_json(folder / "run.json")),
            records_from(_json(folder / "metrics.json")),
        )
    except (OSError, ValueError, TypeError) as error:
        what = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise ConfigError(
            f"an export needs the work directory of an evaluation, with run.json and "
            f"metrics.json, but {folder}: {what}; run `python -m training evaluate` first"
        ) from error


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _config(folder: Path, name: str) -> Config:
    return load_config(str(folder / f"config-{name}.toml"))


def _commit_note(run: RunFile) -> tuple[str, ...]:
    commit, _ = git_state()
    if commit == run.git_commit:
        return ()
    return (f"Evaluated with the code of {run.git_commit[:12]}, fitted with that of this export",)
