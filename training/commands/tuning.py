"""`python -m training tune`: search a survey's best network, and say what that gained."""

from __future__ import annotations

import json as json_text
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer
from rich.console import Console
from rich.live import Live
from typer.core import TyperGroup

from localizer.errors import ConfigError
from training.commands.options import CORES, FloorOption, Json, Run, Survey, open_run
from training.silence import silenced
from training.terminal import terminal
from training.workdir import default_workdir, write_json

if TYPE_CHECKING:
    from training.surveys import OpenedSurvey
    from training.tuning.finalists import Finals
    from training.tuning.requests import Request
    from training.tuning.run import Outcome
    from training.tuning.stops import Limits
    from training.tuning.tune import Study
    from training.tuning.watch import View


class SurveyFirst(TyperGroup):
    """A group in which `tune SURVEY` needs no word between: everything else is a verb."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `run` before what names no verb of the group."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


tune = typer.Typer(
    cls=SurveyFirst,
    no_args_is_help=True,
    help="Search a survey's best network: tune SURVEY; or a verb of a study.",
)

STUDIES: Final = Path("work/studies")
"""Where the journals of studies lie: one that is stopped goes on by the same command."""
RULES_EVERY: Final = 10
"""Trials after which the rules look at what was found."""
TRIALS: Final = 1000
"""Of a study that is ended by its time."""

Preset = Annotated[str, typer.Option("--preset", help="A space by name, or its TOML file.")]
Storage = Annotated[
    str | None,
    typer.Option(help="A file, postgresql://…, or grpc://host:port; default work/studies."),
]
StudyName = Annotated[
    str | None, typer.Option("--study", help="Name of the study; default survey and space.")
]
Split = Annotated[str, typer.Option(help="sessions, cells, blocks or devices.")]
Folds = Annotated[int, typer.Option(min=2, help="Parts that are held out in turn, at most.")]
TrialSeeds = Annotated[int, typer.Option("--seeds", min=1, help="Of a trial on each fold.")]
Lanes = Annotated[int, typer.Option(min=1, help="Trials that a worker trains side by side.")]
Sampler = Annotated[
    str,
    typer.Option(
        help="grid, random, gp, tpe, cma, qmc, hyperband, bohb, pbt, or package.module:Class."
    ),
]
Executor = Annotated[str, typer.Option(help="stack, loop or fit (Keras' own).")]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a study lies."""

    storage: str | None
    study: str | None

    def of(self, survey: str, space: str) -> tuple[str, str]:
        """Return the storage's place and the study's name."""
        stem = survey.removeprefix("simulate:").rpartition("/")[2].partition(".")[0]
        name = self.study or f"{stem}-{space}"
        if self.storage is not None:
            return self.storage, name
        STUDIES.mkdir(parents=True, exist_ok=True)
        return str(STUDIES / f"{name}.journal"), name


@tune.command()
def run(
    survey: Survey,
    *,
    preset: Preset = "automl",
    trials: Annotated[
        int | None, typer.Option(min=1, help="In all, those of earlier runs among them.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.1, help="Wall time, the finals within it.")
    ] = None,
    goal: Annotated[float | None, typer.Option(help="An error that is enough, metres.")] = None,
    max_failed: Annotated[int | None, typer.Option(min=1, help="Then it is given up.")] = 9,
    stagnation: Annotated[
        int | None, typer.Option(min=1, help="Trials in a row without a new best.")
    ] = None,
    terminator: Annotated[
        bool, typer.Option("--terminator", help="Optuna's terminator (extra gp).")
    ] = False,
    sampler: Sampler = "tpe",
    pruner: Annotated[str, typer.Option(help="auto, none, median or hyperband.")] = "auto",
    executor: Executor = "stack",
    split: Split = "sessions",
    folds: Folds = 5,
    seeds: TrialSeeds = 1,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Other than the space's base has.")
    ] = None,
    rules: Annotated[
        str,
        typer.Option(help="on or off: what a diagnosis changes; auto: not for pbt and grid."),
    ] = "auto",
    attempt: Annotated[
        list[str], typer.Option("--try", help="A point of your own, NAME=VALUE,…; repeat.")
    ] = [],  # noqa: B006
    finalists: Annotated[int, typer.Option(min=0, help="Trained again; 0 for no finals.")] = 5,
    final_seeds: Annotated[int, typer.Option(min=1, help="Fresh seeds of each finalist.")] = 16,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes here; 0 leaves the work to `tune worker`.")
    ] = CORES,
    lanes: Lanes = 32,
    population: Annotated[
        int, typer.Option(help="Trials that learn from each other, 4 to 32, for pbt.")
    ] = 16,
    memory: Annotated[int, typer.Option(min=256, help="Of a worker, MB.")] = 4000,
    trial_time: Annotated[float, typer.Option(min=1, help="Until the next outcome, s.")] = 600,
    seed: Annotated[int, typer.Option(help="Of the study.")] = 0,
    storage: Storage = None,
    study: StudyName = None,
    fork: Annotated[
        bool, typer.Option("--fork", help="Go on from a study of other data or another space.")
    ] = False,
    floor: FloorOption = None,
    workdir: Annotated[Path | None, typer.Option(help="For report and configuration.")] = None,
    json: Json = None,
) -> None:
    """Search the best network of a survey; stop it at any moment, and go on by the same command."""
    began, console = time.monotonic(), terminal()
    with silenced():
        from training.tuning.beforehand import beforehand
        from training.tuning.pbt.options import refuse_points
        from training.tuning.samplers import PBT
        from training.tuning.stops import Limits
        from training.tuning.tune import enqueue_points, open_tuning, search, time_finals

    request = _request(
        preset,
        epochs,
        rules,
        split=split,
        folds=folds,
        repeats=seeds,
        seed=seed,
        sampler=sampler,
        pruner=pruner,
        executor=executor,
        population=population,
    )
    points = [_point(one) for one in attempt]
    for point in points:
        request.space.params_for_enqueue(point)
    if sampler == PBT:
        refuse_points(request.space, points)
    folder = workdir or default_workdir(f"tune-{_stem(survey)}")
    opened_run = Run(survey, folder, floor, max(1, workers), json)
    place, name = Place(storage, study).of(survey, request.space.name)
    opened = open_run(opened_run, console, study=name)
    console.print(f"Study {name} in {_without_password(place)}", markup=False, highlight=False)
    with console.status("Scoring the simple methods, which a network has to beat"):
        going = open_tuning(opened, request, place, name, workers=workers, fork=fork)
    say_simple(going, console)
    limit = enqueue_points(going, points, trials or (TRIALS if minutes is not None else 100))
    for line in beforehand(going.request, request.space, limit):
        console.print(line, markup=False, highlight=False)
    seconds = None
    if minutes is not None:
        least = 0.0
        if finalists and workers:
            with console.status("Timing a network, to leave time for the finals"):
                least = time_finals(opened, going, workers=workers, seeds=final_seeds)
        seconds = _search_time(minutes, time.monotonic() - began, least, console)
    limits = Limits(limit, goal, max_failed, stagnation, seconds, terminator)
    if workers == 0:
        begin_only(going, limits, console)
        return
    crew = {"count": workers, "batch": lanes, "memory_mb": memory, "trial_s": trial_time}
    with watching(console) as watch:
        outcome = search(going, crew, limits, watch)
    console.print(f"{outcome.status}: {outcome.reason}", markup=False, highlight=False)
    found = None
    if outcome.status not in ("interrupted", "failed") and finalists:
        left = None if minutes is None else minutes * 60 - (time.monotonic() - began)
        drawn = {"seeds": final_seeds, "left_s": left, "workers": workers}
        found = _finals(opened, going, finalists, drawn)
    end(opened_run, opened, Ended(going, outcome, found))
    if outcome.status == "failed":
        raise ConfigError(_failure(outcome))


def _search_time(minutes: float, spent_s: float, finals_s: float, console: Console) -> float:
    """Return the seconds of the search, and say where it and the finals take longer than given."""
    from training.tuning.minutes import search_seconds

    seconds = search_seconds(minutes, spent_s, finals_s)
    late_s = spent_s + seconds + finals_s - minutes * 60
    if finals_s and late_s >= 1:
        console.print(
            f"The search has {seconds:.0f} s, and the shortest finals take about {finals_s:.0f} "
            f"s: that is {late_s:.0f} s longer than you gave; `--finalists 0` leaves them out"
        )
    return seconds


def begin_only(going: Study, limits: Limits, console: Console) -> None:
    """Write a study's limits and first trials, for the workers of other machines."""
    from training.tuning.run import begin

    end = begin(going.study, limits)
    console.print(
        f"It waits for `tune worker`: {limits.trials} trials"
        if end is None
        else f"{end.status}: {end.reason}",
        markup=False,
        highlight=False,
    )


def _request(preset: str, epochs: int | None, rules: str, **chosen: Any) -> Request:
    from dataclasses import replace

    from training.executors.running import EXECUTOR_NAMES
    from training.tuning.pbt.options import intervals_of, refuse_population
    from training.tuning.pruners import pruner_of, rungs_of
    from training.tuning.requests import Request
    from training.tuning.rules import load_rules
    from training.tuning.samplers import PBT, sampler_of
    from training.tuning.space_files import load_space

    if chosen["executor"] not in EXECUTOR_NAMES:
        raise ConfigError(
            f"--executor must be one of {EXECUTOR_NAMES}, but got {chosen['executor']!r}"
        )
    if rules not in ("on", "off", "auto"):
        raise ConfigError(f"--rules must be on or off, or auto, but got {rules!r}")
    space = load_space(preset)
    if epochs is not None:
        space = replace(space, base=replace(space.base, epochs=epochs))
    together = chosen["sampler"] == PBT
    if together:
        size, executor = chosen["population"], chosen["executor"]
        refuse_population(space, size=size, executor=executor, rules=rules)
    # A grid is every point of one space: rules would change it half way.
    without = rules == "off" or together or (rules == "auto" and chosen["sampler"] == "grid")
    table = () if without else load_rules()
    rungs = intervals_of(space.base.epochs) if together else rungs_of(space.base.epochs)
    # Made anew in each worker: here only to refuse what cannot be before anything is read.
    sampler_of(chosen["sampler"], space, seed=chosen["seed"])
    pruner_of(chosen["pruner"], chosen["sampler"], rungs)
    return Request(space=space, rungs=rungs, rules=table, every=RULES_EVERY, **chosen)


def _stem(survey: str) -> str:
    return survey.removeprefix("simulate:").rpartition("/")[2].partition(".")[0]


def _without_password(place: str) -> str:
    head, at, tail = place.rpartition("@")
    return f"{head.partition('://')[0]}://…@{tail}" if at else place


def _point(text: str) -> dict[str, Any]:
    """Read `learning_rate=0.001,beta1=0.9`; values as JSON has them, else as words."""
    point: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not equals:
            raise ConfigError(f"--try must be NAME=VALUE,…, but got {part!r} in {text!r}")
        try:
            point[name.strip()] = json_text.loads(value)
        except json_text.JSONDecodeError:
            point[name.strip()] = value.strip()
    return point


def say_simple(going: Study, console: Console) -> None:
    """Print the simple methods that a network has to beat."""
    best = sorted(going.simple_m.items(), key=lambda pair: pair[1])[:3]
    said = ", ".join(f"{name} {error:.2f} m" for name, error in best)
    console.print(f"To be beaten, on the same folds: {said}", markup=False, highlight=False)


@contextmanager
def watching(console: Console) -> Iterator[Any]:
    """Show a study in place; where nobody looks, a line every ten trials."""
    from training.tuning.watch import render

    if console.is_terminal:
        with Live(console=console, auto_refresh=False) as live:
            yield lambda view: live.update(render(view), refresh=True)
        return
    said = -10

    def say(view: View) -> None:
        nonlocal said
        if view.done >= said + 10 or (view.end is not None and view.done != said):
            said = view.done
            best = "" if math.isnan(view.best_m) else f", best {view.best_m:.2f} m"
            console.print(
                f"{view.done} of {view.limits.trials} trials{best}",
                markup=False,
                highlight=False,
            )

    yield say


def _finals(opened: OpenedSurvey, going: Study, most: int, drawn: dict[str, Any]) -> Finals | None:
    from training.catalogue import SIMPLE_METHODS
    from training.report import progress_bars
    from training.tuning.finalists import final_tasks
    from training.tuning.tune import candidates_of, final_rows, finals

    console = terminal()
    chosen = candidates_of(going, most)
    if len(chosen) < 2:
        console.print(
            "No finals: no trial but the default was trained to the end. The same command goes on; "
            "give it more time."
        )
        return None
    rest, seeds = "" if drawn["left_s"] is None else ", as far as the time goes", drawn["seeds"]
    console.print(
        f"Finals: {len(chosen) - 1} trials and the default, {seeds} fresh seeds each, by Keras "
        f"fit{rest}"
    )
    tasks = final_tasks(chosen, list(SIMPLE_METHODS), final_rows(going), seeds)
    with progress_bars(console, tasks) as progress:
        found = finals(opened, going, chosen, **drawn, progress=progress)
    if (trained := len(found.finalists)) < len(chosen) - 1 or len(found.default.dev) < seeds:
        console.print(
            f"There was time for {trained} trial{'s' if trained > 1 else ''} and "
            f"{len(found.default.dev)} seeds"
        )
    return found


class Ended(NamedTuple):
    """A study and what it came to."""

    study: Study
    outcome: Outcome
    finals: Finals | None


def end(run: Run, opened: OpenedSurvey, ended: Ended) -> None:
    """Write report, outcome and configuration, and print what was gained."""
    from training.config import config_to_toml
    from training.tuning import ending
    from training.tuning.report.page import write_study_report

    console, (going, outcome, found) = terminal(), ended
    told = ending.document(going, outcome, found, opened.site)
    for path in filter(None, (run.workdir / "tuning.json", run.json)):
        write_json(path, told)
    page = run.workdir / "report.html"
    write_study_report(ending.report_of(going, outcome, found, opened.site, opened.name), page)
    if found is not None:
        winner, gain = found.winner, found.gain
        config = run.workdir / "best.toml"
        config.write_text(config_to_toml(winner.candidate.config), encoding="utf-8")
        console.print(f"[bold]{gain.verdict}[/]", highlight=False)
        console.print(
            "no finalist is better than the default by more than one standard error: it stays"
            if winner is found.default
            else f"{winner.name} gains {gain.mean_m:+.2f} m [{gain.low_m:+.2f}, "
            f"{gain.high_m:+.2f}] on the default, on rows that the search has not seen",
            markup=False,
            highlight=False,
        )
        simple = found.best_simple
        console.print(
            f"dev {winner.dev_m:.2f} m, unseen {winner.unseen_m:.2f} m; {simple}: dev "
            f"{found.simple[simple][0].mean():.2f} m, unseen "
            f"{found.simple[simple][1].mean():.2f} m",
            markup=False,
            highlight=False,
        )
        if found.simple[simple][0].mean() < winner.dev_m:
            console.print(
                f"{simple} is better than any network here, and `fit` ships it",
                markup=False,
                highlight=False,
            )
        console.print(f"The network's configuration: {config}", markup=False, highlight=False)
    console.print(f"Report: {page}", markup=False, highlight=False)


def _failure(outcome: Outcome) -> str:
    return f"a study must have fewer failed trials than its limit, but {outcome.reason}"
