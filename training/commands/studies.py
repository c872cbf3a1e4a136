"""Commands that study methods: learning-curve, ablate, reproduce."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from localizer.errors import ConfigError
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
)
from training.ledger import LEDGER, Ledger
from training.recipe import Recipe
from training.splits import SPLITS
from training.terminal import terminal
from training.workdir import default_workdir, new_workdir, write_json, write_run

LEARNING: Final = "weighted-centroid,weighted-knn,gp-residual"
"""Simple methods that show what a survey is worth: one learns nothing, one all by heart."""
HONEST: Final = [name for name, one in SPLITS.items() if one.honest]
"""Splits that a gain or a curve may be measured on."""
REPRODUCTION: Final = Path("docs/reproduction.md")


def learning_curve(
    survey: Survey,
    *,
    split: Annotated[str, typer.Option(help=f"One of {', '.join(SPLITS)}.")] = "sessions",
    config: ConfigOption = [],  # noqa: B006
    methods: Methods = LEARNING,
    seeds: Annotated[int, typer.Option(min=1, help="Draws of what a smaller survey has.")] = 3,
    workers: WorkerCount = CORES,
    floor: FloorOption = None,
    workdir: Workdir = None,
    json: Json = None,
) -> None:
    """Say how many scans a place and how many places a floor needs."""
    if split not in HONEST:
        raise ConfigError(f"--split of a learning curve must be one of {HONEST}, but got {split!r}")
    run = Run(survey, workdir or default_workdir(survey), floor, workers, json)
    _learning_curve(run, recipe_of([SPLITS[split]], methods, config, seeds))


def _learning_curve(run: Run, recipe: Recipe) -> None:
    from training import journey
    from training.evaluation import Plan
    from training.learning_curve_report import run_learning_curves

    console = terminal()
    survey = open_run(run, console)
    with journey.start_workers(survey, recipe, run.workers) as workers:
        rows, split = workers.material.table, recipe.splits[0]
        chosen = recipe.baselines, recipe.configs, recipe.seeds
        plan = Plan(survey.name, survey.site, rows, split, *chosen)
        records = run_learning_curves(plan, workers, run.workdir, console)
    if run.json is not None:
        write_json(run.json, records)
    console.print(f"Tables and plot: {run.workdir}", markup=False)


def ablate(
    survey: Survey,
    *,
    split: Splits = ["sessions"],  # noqa: B006
    config: ConfigOption = ["dnn"],  # noqa: B006
    augment: Annotated[
        str, typer.Option(help="`all`, or names with commas; + joins several into one variant.")
    ] = "all",
    methods: Methods = "all",
    seeds: Seeds = 16,
    workers: WorkerCount = CORES,
    floor: FloorOption = None,
    workdir: Workdir = None,
    json: Json = None,
) -> None:
    """Say which augmentations of the training rows gain something over none."""
    run = Run(survey, workdir or default_workdir(survey), floor, workers, json)
    recipe = recipe_of(splits_of(split, HONEST), methods, config, seeds)
    _ablate(run, recipe, augment, every=EVERY in split)


def _ablate(run: Run, recipe: Recipe, augment: str, *, every: bool) -> None:
    from training import ablation, journey, variants

    console = terminal()
    survey = open_run(run, console)
    journey.warn(survey, console)
    with journey.start_workers(survey, recipe, run.workers) as workers:
        unlabelled = len(workers.material.unlabelled) > 0
        names = variants.variant_names(augment, unlabelled=unlabelled)
        networks = [one for config in recipe.configs for one in variants.variants(config, names)]
        recipe = replace(recipe, configs=networks)
        if every:
            recipe = journey.cuttable(recipe, workers.material.table, console)
        evaluations = ablation.ablate(survey, recipe, workers, console)
    found = [gain for done in evaluations for gain in ablation.gains(done, networks)]
    lines = ablation.verdicts(found)
    console.print("\n".join(lines), markup=False, highlight=False)
    write_run(run.workdir, survey, recipe, evaluations)
    records = ablation.to_records(found, lines)
    for path in filter(None, (run.workdir / "ablation.json", run.json)):
        write_json(path, records)
    console.print(f"Gains, metrics, curves and plots: {run.workdir}", markup=False)


def reproduce(
    *,
    seeds: Annotated[int, typer.Option(min=1, help="Of the DNN; a third of it for the CNN.")] = 16,
    epochs: Annotated[
        int, typer.Option(min=1, help="Other than the paper's only to try; the page says so.")
    ] = 100,
    workers: WorkerCount = CORES,
    out: Annotated[Path, typer.Option(help="The page; pictures go beside it.")] = REPRODUCTION,
    runs: Annotated[
        Path | None, typer.Option(help="Write the page from an earlier run's JSON; train nothing.")
    ] = None,
    workdir: Workdir = None,
    json: Json = None,
    ledger: LedgerOption = LEDGER,
) -> None:
    """Measure arXiv:2006.08925 again, and write what stands of it and what does not."""
    from training.reproduction.page import write_page
    from training.reproduction.records import read_reproduction
    from training.reproduction.run import Options, run_reproduction

    console = terminal()
    if runs is not None:
        write_page(read_reproduction(runs), out)
        console.print(f"Page: {out}", markup=False)
        return
    folder = new_workdir(workdir or default_workdir("reproduce"))
    found = run_reproduction(folder, Options(seeds, epochs, workers), Ledger(ledger), console)
    write_page(found, out)
    for path in filter(None, (folder / "reproduction.json", json)):
        write_json(path, found.to_document())
    console.print(f"Recorded in {ledger}", markup=False)
    console.print(f"Page: {out}; every run: {folder}", markup=False)
