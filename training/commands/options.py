"""What commands have in common: their options, and a run that is opened and written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from localizer.errors import ConfigError
from training.catalogue import SIMPLE_METHODS
from training.config import PRESETS, load_config
from training.evaluation import Evaluation
from training.published_surveys import SURVEY_NAMES
from training.recipe import Recipe
from training.splits import SPLITS, Split
from training.surveys import ALL_FLOORS, OpenedSurvey, open_survey
from training.terminal import terminal
from training.workdir import new_workdir, study_workdir, write_json, write_run

Survey = Annotated[
    str,
    typer.Argument(
        help=f"{SURVEY_NAMES}, `simulate:SITE.toml`, a survey file, or a JSON Lines export."
    ),
]
Workdir = Annotated[Path | None, typer.Option(help="Where all goes; default work/NAME-TIME.")]
ConfigOption = Annotated[
    list[str],
    typer.Option("--config", help=f"Preset ({', '.join(PRESETS)}) or TOML file; repeat."),
]
Splits = Annotated[
    list[str],
    typer.Option("--split", help=f"{', '.join(SPLITS)}, or all; repeat."),
]
Methods = Annotated[
    str, typer.Option(help="Simple methods beside the networks: `all`, or names with commas.")
]
Seeds = Annotated[int, typer.Option(min=1, help="Networks trained per fold, each its own seed.")]
WorkerCount = Annotated[int, typer.Option("--workers", min=1, help="Processes.")]
FloorOption = Annotated[
    str | None,
    typer.Option(help="Which floor, if the survey has several; evaluate takes `all`."),
]
Json = Annotated[Path | None, typer.Option(help="Write the metrics here as JSON.")]

LedgerOption = Annotated[
    Path, typer.Option("--ledger", help="The file that has a line for every reading.")
]

EVERY: Final = "all"
"""Splits: all that can cut the survey."""
CORES: Final = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Run:
    """Where a run reads and writes."""

    survey: str
    workdir: Path
    floor: str | None
    workers: int
    json: Path | None


def recipe_of(chosen: list[Split], methods: str, configs: list[str], seeds: int) -> Recipe:
    """Return what a run trains and how it scores it; names are checked."""
    networks = [load_config(name) for name in configs]
    simple = _methods(methods)
    _refuse_twice([*simple, *(network.name for network in networks)])
    if len({network.aggregation for network in networks}) > 1:
        raise ConfigError("all networks of a run must have one aggregation; run them apart")
    return Recipe(chosen, simple, networks, range(seeds))


def _refuse_twice(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(
            f"every method of a run must have a name of its own, but {twice} stand twice; "
            "change `name` in a configuration, or leave one out"
        )


def splits_of(names: list[str], every: Sequence[str]) -> list[Split]:
    """Return splits by name; `all` stands for `every`."""
    chosen = list(dict.fromkeys(one for n in names for one in (every if n == EVERY else [n])))
    unknown = [name for name in chosen if name not in SPLITS]
    if unknown:
        raise ConfigError(f"--split must be of {[*SPLITS, 'all']}, but got {unknown}")
    return [SPLITS[name] for name in chosen]


def _methods(text: str) -> list[str]:
    names = list(SIMPLE_METHODS) if text == "all" else [n.strip() for n in text.split(",")]
    unknown = [name for name in names if name not in SIMPLE_METHODS]
    if unknown:
        raise ConfigError(f"--methods must be of {['all', *SIMPLE_METHODS]}, but got {unknown}")
    return names


def open_run(
    run: Run, console: Console, *, all_floors: bool = False, study: str | None = None
) -> OpenedSurvey:
    """Open the survey of a run in its work directory, and say what is to be known.

    The directory must be new, or that of the study if one is named.
    """
    if run.floor == ALL_FLOORS and not all_floors:
        raise ConfigError(
            "this command works on one floor, but got --floor all; name one, or use evaluate"
        )
    folder = study_workdir(run.workdir, study) if study else new_workdir(run.workdir)
    survey = open_survey(run.survey, folder, floor=run.floor)
    for note in survey.notes:
        console.print(f"[dim]{escape(note)}[/]", highlight=False)
    return survey


def write(
    run: Run,
    survey: OpenedSurvey,
    recipe: Recipe,
    evaluations: Sequence[Evaluation],
    exported: str = "",
) -> None:
    """Write all of a run to its work directory, and say where.

    Args:
        run: where.
        survey: what was opened.
        recipe: what was asked for.
        evaluations: what it gave.
        exported: which method became a bundle, and why; empty where none did.
    """
    records = write_run(run.workdir, survey, recipe, evaluations, exported)
    if run.json is not None:
        write_json(run.json, records)
    terminal().print(f"Metrics, curves and plots: {run.workdir}", markup=False)
