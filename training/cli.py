"""The commands of the training side. Each parses, calls, prints."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape

from localizer.errors import ConfigError, LocalizerError
from training.catalogue import SIMPLE_METHODS
from training.config import PRESETS, load_config
from training.criterion import CRITERION, Choice, parse_criterion
from training.evaluation import Evaluation
from training.ledger import LEDGER, Ledger
from training.published_surveys import SURVEY_NAMES
from training.recipe import Recipe
from training.splits import PUBLISHED, SPLITS, Split
from training.surveys import ALL_FLOORS, UCI, OpenedSurvey, open_survey
from training.terminal import terminal
from training.workdir import default_workdir, new_workdir, write_json, write_run

app = typer.Typer(
    help="Train, evaluate and export locators from a survey.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

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

Criterion = Annotated[
    str, typer.Option(help="Splits whose mean errors, averaged, decide what is exported.")
]
LedgerOption = Annotated[
    Path, typer.Option("--ledger", help="The file that has a line for every reading.")
]

NETWORKS: Final = ["pool", "dnn"]
LEARNING: Final = "weighted-centroid,weighted-knn,gp-residual"
"""Simple methods that show what a survey is worth: one learns nothing, one all by heart."""
EVERY: Final = "all"
"""Splits: all that can cut the survey."""
DECIDING: Final = ",".join(CRITERION)
TERMINATED: Final = 128 + signal.SIGTERM
"""Exit status of a process that SIGTERM ended, as a shell counts it."""
CORES: Final = os.cpu_count() or 1
REPRODUCTION: Final = Path("docs/reproduction.md")


@app.command()
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
    recipe = _recipe(_splits(split, survey), methods, config, seeds)
    recipe = replace(recipe, outages=outages)
    if final:
        _final(run, recipe, ledger, again)
    elif again is not None:
        raise ConfigError("--again is the reason for reading sealed sessions; add --final")
    else:
        _evaluate(run, recipe, every=split == [EVERY])


@app.command()
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

    The splits of the criterion are always evaluated; --split names more to print beside them.
    """
    run = Run(survey, workdir or default_workdir(survey), floor, workers, json)
    recipe = _recipe(_splits(split, survey), methods, config, seeds)
    _fit(run, replace(recipe, criterion=parse_criterion(criterion)), ledger)


@app.command()
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


@dataclass(frozen=True, slots=True)
class Run:
    """Where a run reads and writes."""

    survey: str
    workdir: Path
    floor: str | None
    workers: int
    json: Path | None


def _recipe(chosen: list[Split], methods: str, configs: list[str], seeds: int) -> Recipe:
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


def _open(run: Run, console: Console, *, all_floors: bool = False) -> OpenedSurvey:
    if run.floor == ALL_FLOORS and not all_floors:
        raise ConfigError(
            "this command works on one floor, but got --floor all; name one, or use evaluate"
        )
    survey = open_survey(run.survey, new_workdir(run.workdir), floor=run.floor)
    for note in survey.notes:
        console.print(f"[dim]{escape(note)}[/]", highlight=False)
    return survey


def _evaluate(run: Run, recipe: Recipe, *, every: bool) -> None:
    from training import journey

    console = terminal()
    survey = _open(run, console, all_floors=True)
    with journey.start_workers(survey, recipe, run.workers) as workers:
        if every:
            recipe = journey.cuttable(recipe, workers.material.table, console)
        evaluations = journey.cross_validate(survey, recipe, workers, console)
    _write(run, survey, recipe, evaluations, console)


def _fit(run: Run, recipe: Recipe, ledger: Path) -> None:
    from training import journey

    console = terminal()
    survey = _open(run, console)
    target = journey.Target(run.workdir / "bundle", Ledger(ledger))
    with journey.start_workers(survey, recipe, run.workers) as workers:
        recipe = journey.cuttable(recipe, workers.material.table, console)
        recipe = journey.decidable(recipe, workers.material.table, console)
        evaluations = journey.cross_validate(survey, recipe, workers, console)
        choice = journey.export_best(target, survey, recipe, evaluations, workers)
    _say_bundle(choice, target.folder, console)
    _write(run, survey, recipe, evaluations, console)


def _final(run: Run, recipe: Recipe, ledger: Path, again: str | None) -> None:
    from training.final import Permission, read_sealed

    if [split.name for split in recipe.splits] != ["sessions"]:
        raise ConfigError("--final scores the sealed sessions and no other; leave out --split")
    console = terminal()
    survey = _open(run, console)
    permission = Permission(Ledger(ledger), again)
    done = read_sealed(survey, recipe, permission, run.workers, console)
    console.print(f"Recorded in {ledger}", markup=False)
    write_json(run.workdir / "reading.json", done.reading.model_dump(mode="json"))
    _write(run, survey, recipe, [done.evaluation], console)


def _say_bundle(choice: Choice, folder: Path, console: Console) -> None:
    console.print(choice.words, markup=False, highlight=False)
    console.print(f"Bundle: {folder}", markup=False)
    console.print(f"Serve it: localizer serve --bundle {folder} --no-source", markup=False)


def _write(
    run: Run,
    survey: OpenedSurvey,
    recipe: Recipe,
    evaluations: Sequence[Evaluation],
    console: Console,
) -> None:
    records = write_run(run.workdir, survey, recipe, evaluations)
    if run.json is not None:
        write_json(run.json, records)
    console.print(f"Metrics, curves and plots: {run.workdir}", markup=False)


@app.command()
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
    if split not in SPLITS or not SPLITS[split].honest:
        honest = [name for name, one in SPLITS.items() if one.honest]
        raise ConfigError(f"--split of a learning curve must be one of {honest}, but got {split!r}")
    run = Run(survey, workdir or default_workdir(survey), floor, workers, json)
    _learning_curve(run, _recipe(_splits([split], survey), methods, config, seeds))


def _learning_curve(run: Run, recipe: Recipe) -> None:
    from training import journey
    from training.evaluation import Plan
    from training.learning_curve_report import run_learning_curves

    console = terminal()
    survey = _open(run, console)
    with journey.start_workers(survey, recipe, run.workers) as workers:
        rows, split = workers.material.table, recipe.splits[0]
        chosen = recipe.baselines, recipe.configs, recipe.seeds
        plan = Plan(survey.name, survey.site, rows, split, *chosen)
        records = run_learning_curves(plan, workers, run.workdir, console)
    if run.json is not None:
        write_json(run.json, records)
    console.print(f"Tables and plot: {run.workdir}", markup=False)


@app.command()
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
    _ablate(run, _recipe(_splits(split, survey), methods, config, seeds), augment)


def _ablate(run: Run, recipe: Recipe, augment: str) -> None:
    from training import ablation, journey, variants

    console = terminal()
    survey = _open(run, console)
    journey.warn(survey, console)
    with journey.start_workers(survey, recipe, run.workers) as workers:
        unlabelled = len(workers.material.unlabelled) > 0
        names = variants.variant_names(augment, unlabelled=unlabelled)
        networks = [one for config in recipe.configs for one in variants.variants(config, names)]
        recipe = replace(recipe, configs=networks)
        evaluations = ablation.ablate(survey, recipe, workers, console)
    found = [gain for done in evaluations for gain in ablation.gains(done, networks)]
    lines = ablation.verdicts(found)
    console.print("\n".join(lines), markup=False, highlight=False)
    write_run(run.workdir, survey, recipe, evaluations)
    records = ablation.to_records(found, lines)
    for path in filter(None, (run.workdir / "ablation.json", run.json)):
        write_json(path, records)
    console.print(f"Gains, metrics, curves and plots: {run.workdir}", markup=False)


@app.command()
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


@app.command()
def demo(
    *,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="End by itself after so many seconds of replay.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.1, help="Replay this much faster.")] = 5.0,
    max_gap: Annotated[float, typer.Option(min=1, help="Cut gaps of the replay, seconds.")] = 3.0,
    port: Annotated[int, typer.Option(min=0, help="Of the live map; 0 takes a free one.")] = 8080,
    workdir: Workdir = None,
) -> None:
    """Train on the UCI survey, export the best, serve it, replay the sealed sessions."""
    from training.demo import DemoOptions, run_demo

    options = DemoOptions(seconds, speed, max_gap, port, workdir or default_workdir("demo"))
    run_demo(options, terminal())


@app.command()
def demo_bundle(
    folder: Annotated[Path, typer.Argument(help="Where the bundle goes.")] = Path("models/demo"),
) -> None:
    """Rebuild the small bundle on the simulated site that the service starts with."""
    from training.demo_bundle import write_demo_bundle

    write_demo_bundle(folder, terminal())


def _splits(names: list[str], survey: str) -> list[Split]:
    everything = [name for name in SPLITS if name != PUBLISHED or survey == UCI]
    chosen = everything if names == [EVERY] else list(dict.fromkeys(names))
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


def main() -> None:
    """Run a command; an error that Localizer raises on purpose is one line and exit status 2.

    Ctrl-C ends a command with exit status 130; that is typer's doing.
    """
    # So that workers are ended on a plain kill too, not left to finish what nobody waits for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        app()
    except LocalizerError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
