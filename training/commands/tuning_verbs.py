"""Verbs of a study: worker, report, explain, proxy, export-katib; and one trial by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from localizer.errors import ConfigError
from training.commands.options import CORES, FloorOption, Json, Run, Survey, WorkerCount, open_run
from training.commands.tuning import (
    STUDIES,
    Ended,
    Folds,
    Lanes,
    Preset,
    Split,
    TrialSeeds,
    end,
    tune,
    watching,
)
from training.silence import silenced
from training.terminal import terminal
from training.workdir import default_workdir

Storage = Annotated[
    str | None,
    typer.Option(help="A file, postgresql://…, or grpc://host:port; default work/studies."),
]
StudyName = Annotated[str, typer.Option("--study", help="Name of the study.")]


@tune.command()
def worker(
    survey: Survey,
    *,
    study: StudyName,
    storage: Storage = None,
    workers: WorkerCount = 1,
    lanes: Lanes = 32,
    memory: Annotated[int, typer.Option(min=256, help="Of a worker, MB.")] = 4000,
    trial_time: Annotated[float, typer.Option(min=1, help="Until the next outcome, s.")] = 600,
    floor: FloorOption = None,
    workdir: Annotated[Path | None, typer.Option(help="Where the survey is opened.")] = None,
) -> None:
    """Work on a study that `tune` began, from any machine that reaches its storage."""
    with silenced():
        from training.tuning.run import join_run
        from training.tuning.tune import crew_of, join_tuning

    console, place = terminal(), _place(storage, study)
    run = Run(survey, workdir or default_workdir("worker"), floor, workers, None)
    going = join_tuning(open_run(run, console), place, study, workers=workers)
    options = {"count": workers, "batch": lanes, "memory_mb": memory, "trial_s": trial_time}
    with watching(console) as watch:
        outcome = join_run(going.study, crew_of(going, options), watch)
    console.print(f"{outcome.status}: {outcome.reason}", markup=False, highlight=False)


@tune.command()
def report(
    survey: Survey,
    *,
    study: StudyName,
    storage: Storage = None,
    workers: WorkerCount = CORES,
    floor: FloorOption = None,
    workdir: Annotated[Path | None, typer.Option(help="Where the report goes.")] = None,
    tensorboard: Annotated[
        Path | None,
        typer.Option(help="Folder for TensorBoard's HParams (extra tensorboard)."),
    ] = None,
    json: Json = None,
) -> None:
    """Write what a study has found so far; trains nothing but the simple methods."""
    with silenced():
        from training.tuning.run import standing
        from training.tuning.tune import join_tuning

    console, place = terminal(), _place(storage, study)
    run = Run(survey, workdir or default_workdir("report"), floor, workers, json)
    opened = open_run(run, console)
    going = join_tuning(opened, place, study, workers=workers)
    end(run, opened, Ended(going, standing(going.study), None))
    if tensorboard is not None:
        from training.tuning.tensorboard import export_tensorboard

        export_tensorboard(going.records, tensorboard)
        console.print(f"TensorBoard: tensorboard --logdir {tensorboard}", markup=False)


@tune.command()
def explain(
    trial: Annotated[int, typer.Argument(min=0, help="Number of the trial.")],
    *,
    study: StudyName,
    storage: Storage = None,
) -> None:
    """Say what was found in a trial, which rule acted, and what that changed."""
    from training.tuning.budget import read_points
    from training.tuning.explain import explain as in_words
    from training.tuning.rules import RulesState, load_rules
    from training.tuning.storage import open_storage
    from training.tuning.study import RULES, join_study
    from training.tuning.verdicts import record_of

    there = join_study(open_storage(_place(storage, study)), study)
    found = {one.last.number: one.last for one in read_points(there) if one.ended}
    if trial not in found:
        raise ConfigError(
            f"a trial that has ended must be named, one of {sorted(found)}, but got {trial}"
        )
    attrs = there.user_attrs
    state = RulesState.from_json(attrs[RULES]) if RULES in attrs else RulesState()
    said = in_words(record_of(found[trial]), state.log, load_rules())
    terminal().print(said, markup=False, highlight=False)


def _place(storage: str | None, study: str) -> str:
    """Return where a study lies that somebody began: to open a file that is not there makes one."""
    place = storage or str(STUDIES / f"{study}.journal")
    if "://" not in place and not Path(place).is_file():
        raise ConfigError(
            f"a study must lie in a file that is there, but {place} is none; start it with `tune "
            "SURVEY`, or say by --storage where it lies"
        )
    return place


@tune.command()
def proxy(
    *,
    storage: Annotated[str, typer.Option(help="postgresql://…")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, help="Port to listen on.")] = 13000,
) -> None:
    """Stand between a database and hundreds of workers (Optuna's gRPC storage proxy)."""
    from optuna.storages import run_grpc_proxy_server

    from training.tuning.storage import open_storage

    terminal().print(f"Workers reach it as grpc://{host}:{port}", markup=False)
    run_grpc_proxy_server(open_storage(storage), host=host, port=port)


@tune.command("export-katib")
def export_katib(
    survey: Survey,
    *,
    preset: Preset = "cisco-dnn-adam",
    algorithm: Annotated[str, typer.Option(help="Katib's name, or ours.")] = "tpe",
    trials: Annotated[int, typer.Option(min=1, help="In all.")] = 15,
    parallel: Annotated[int, typer.Option(min=1, help="At a time.")] = 3,
    max_failed: Annotated[int, typer.Option(min=0, help="Then it is given up.")] = 3,
    goal: Annotated[float | None, typer.Option(help="Error that is enough, metric's unit.")] = None,
    cells: Annotated[
        bool, typer.Option("--cells/--metres", help="Whether the site has grid cells.")
    ] = True,
    split: Split = "sessions",
    folds: Folds = 5,
    seeds: TrialSeeds = 1,
    early_stopping: Annotated[bool, typer.Option("--early-stopping", help="medianstop.")] = False,
    flatten: Annotated[
        bool, typer.Option("--flatten", help="Draw parameters under a condition in every trial.")
    ] = False,
    name: Annotated[str, typer.Option(help="Of the Experiment.")] = "localizer-tuning",
) -> None:
    """Print a Katib Experiment (v1beta1) that runs the same trials through our image."""
    from training.tuning.katib import Goal, experiment, to_yaml
    from training.tuning.katib_template import Export
    from training.tuning.space_files import load_space

    options = (f"--split={split}", f"--folds={folds}", f"--seeds={seeds}")
    space = load_space(preset)
    export = Export(
        name=name,
        survey=survey,
        space=preset,
        options=options,
        algorithm=algorithm,
        trials=trials,
        parallel=parallel,
        max_failed=max_failed,
        epochs=space.base.epochs,
        early_stopping=early_stopping,
        flatten=flatten,
    )
    metric = Goal("error_cells" if cells else "error_m", goal)
    print(to_yaml(experiment(space, metric, export)), end="")


def trial(
    survey: Survey,
    values: Annotated[list[str] | None, typer.Argument(help="After --: --NAME=VALUE …")] = None,
    *,
    preset: Preset = "cisco-dnn-adam",
    katib: Annotated[
        bool, typer.Option("--katib", help="Print the metric as Katib collects it.")
    ] = False,
    split: Split = "sessions",
    folds: Folds = 5,
    seeds: TrialSeeds = 1,
    epochs: Annotated[int | None, typer.Option(min=1, help="Other than the space's.")] = None,
    each_rung: Annotated[
        bool, typer.Option("--each-rung", help="A line at every rung, with its time.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the trial.")] = 0,
    floor: FloorOption = None,
    workdir: Annotated[Path | None, typer.Option(help="Where the survey is opened.")] = None,
) -> None:
    """Train one point of a space as a trial of a study is trained, and print its error."""
    with silenced():
        from training.tuning.one_trial import OneTrial, run_trial

    run = Run(survey, workdir or default_workdir("trial"), floor, 1, None)
    one = OneTrial(preset, split, folds, seeds, epochs, seed)
    # What Katib collects is standard output: nothing else may stand there.
    opened = open_run(run, terminal(stderr=True) if katib else terminal())
    run_trial(opened, one, values or [], print, each_rung=each_rung)
