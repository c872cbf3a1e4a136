"""Commands that score methods, and export one: evaluate, fit, export."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from localizer.errors import ConfigError, LocalizerError
from training.commands.options import (
    CORES,
    EVERY,
    ConfigOption,
    FloorOption,
    Json,
    LedgerOption,
    Methods,
    Run,
    Seeds,
    Splits,
    Survey,
    Workdir,
    WorkerCount,
    open_run,
    recipe_of,
    splits_of,
    write,
)
from training.criterion import CRITERION, Choice, parse_criterion
from training.ledger import LEDGER, Ledger
from training.recipe import Recipe
from training.splits import PUBLISHED, SPLITS
from training.surveys import UCI
from training.terminal import terminal
from training.workdir import default_workdir, write_json

Criterion = Annotated[
    str, typer.Option(help="Splits whose mean errors, averaged, decide what is exported.")
]
NETWORKS: Final = ["pool", "dnn"]
DECIDING: Final = ",".join(CRITERION)


def evaluate(
    survey: Survey,
    *,
    split: Splits = ["sessions"],  # noqa: B006  typer's way to give a list a default
    config: ConfigOption = NETWORKS,
    methods: Methods = "all",
    seeds: Seeds = 3,
    workers: WorkerCount = CORES,
    floor: FloorOption = None,
    workdir: Workdir = None,
    json: Json = None,
    final: Annotated[
        bool, typer.Option("--final", help="Score the sealed sessions instead: once, for good.")
    ] = False,
    again: Annotated[
        str | None, typer.Option(help="Why sealed sessions are read once more; it is recorded.")
    ] = None,
    ledger: LedgerOption = LEDGER,
    outages: Annotated[
        bool, typer.Option("--outages", help="Score every method with 1, 2, 3 beacons gone too.")
    ] = False,
) -> None:
    """Cross-validate networks beside the simple methods; development sessions only.

    With --final, fit them on all development rows and score the sealed sessions once.
    """
    run = Run(survey, workdir or default_workdir(survey), floor, workers, json)
    every = [name for name in SPLITS if name != PUBLISHED or survey == UCI]
    recipe = recipe_of(splits_of(split, every), methods, config, seeds)
    recipe = replace(recipe, outages=outages)
    if final:
        _final(run, recipe, ledger, again)
    elif again is not None:
        raise ConfigError("--again is the reason for reading sealed sessions; add --final")
    else:
        _evaluate(run, recipe, ledger, every=EVERY in split)


def fit(
    survey: Survey,
    *,
    criterion: Criterion = DECIDING,
    split: Splits = [],  # noqa: B006
    config: ConfigOption = NETWORKS,
    methods: Methods = "all",
    seeds: Seeds = 3,
    workers: WorkerCount = CORES,
    floor: FloorOption = None,
    workdir: Workdir = None,
    json: Json = None,
    ledger: LedgerOption = LEDGER,
) -> None:
    """Cross-validate, fit the best method on all development rows, and export its bundle.

    The splits of the criterion are always evaluated; --split names more to print beside them, but
    not `published`: its test rows are sealed sessions, which no fit opens.
    """
    run = Run(survey, workdir or default_workdir(survey), floor, workers, json)
    if PUBLISHED in split:
        raise ConfigError(
            f"fit opens no sealed session, but got --split {PUBLISHED}, which tests on some; "
            f"use `evaluate --split {PUBLISHED}`"
        )
    every = [name for name in SPLITS if name != PUBLISHED]
    recipe = recipe_of(splits_of(split, every), methods, config, seeds)
    _fit(run, replace(recipe, criterion=parse_criterion(criterion)), ledger)


def export(
    run: Annotated[Path, typer.Argument(help="Work directory of an evaluation.")],
    out: Annotated[
        Path | None, typer.Argument(help="Where the bundle goes; default RUN/bundle.")
    ] = None,
    *,
    method: Annotated[
        str | None, typer.Option(help="Export this method instead of the best.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Though it is worse; the bundle records it.")
    ] = False,
    criterion: Criterion = DECIDING,
    ledger: LedgerOption = LEDGER,
) -> None:
    """Fit a method that a run evaluated on all development rows, and export its bundle."""
    from training.earlier_run import Wish, export_run
    from training.journey import Target

    console = terminal()
    target = Target(out or run / "bundle", Ledger(ledger))
    choice = export_run(run, Wish(parse_criterion(criterion), method, force), target, console)
    _say_bundle(choice, target.folder, console)


def _evaluate(run: Run, recipe: Recipe, ledger: Path, *, every: bool) -> None:
    from training import journey

    console = terminal()
    survey = open_run(run, console, all_floors=True)
    with journey.start_workers(survey, recipe, run.workers) as workers:
        if every:
            recipe = journey.cuttable(recipe, workers.material.table, console)
        evaluations = journey.cross_validate(survey, recipe, workers, console, Ledger(ledger))
    write(run, survey, recipe, evaluations)


def _fit(run: Run, recipe: Recipe, ledger: Path) -> None:
    from training import journey

    console = terminal()
    survey = open_run(run, console)
    target = journey.Target(run.workdir / "bundle", Ledger(ledger))
    with journey.start_workers(survey, recipe, run.workers) as workers:
        recipe = journey.cuttable(recipe, workers.material.table, console)
        recipe = journey.decidable(recipe, workers.material.table, console)
        evaluations = journey.cross_validate(survey, recipe, workers, console)
        try:
            choice = journey.export_best(target, survey, recipe, evaluations, workers)
        except LocalizerError:
            # The figures took the time, and `export` can take another method from this run.
            write(run, survey, recipe, evaluations)
            raise
    _say_bundle(choice, target.folder, console)
    write(run, survey, recipe, evaluations, choice.words)


def _final(run: Run, recipe: Recipe, ledger: Path, again: str | None) -> None:
    from training.final import Permission, read_sealed

    if [split.name for split in recipe.splits] != ["sessions"]:
        raise ConfigError("--final scores the sealed sessions and no other; leave out --split")
    console = terminal()
    survey = open_run(run, console)
    permission = Permission(Ledger(ledger), again)
    done = read_sealed(survey, recipe, permission, run.workers, console)
    console.print(f"Recorded in {ledger}", markup=False)
    write_json(run.workdir / "reading.json", done.reading.model_dump(mode="json"))
    write(run, survey, recipe, [done.evaluation])


def _say_bundle(choice: Choice, folder: Path, console: Console) -> None:
    console.print(choice.words, markup=False, highlight=False)
    console.print(f"Bundle: {folder}", markup=False)
    console.print(f"Serve it: localizer serve --bundle {folder} --no-source", markup=False)
