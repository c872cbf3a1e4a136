"""The main job on real input: train, export, serve, and replay what was sealed."""

from __future__ import annotations

import json
import math
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from localizer.errors import ConfigError, DownloadError
from training.catalogue import SIMPLE_METHODS
from training.config import load_config
from training.evaluation import Evaluation
from training.journey import Target, cross_validate, export_best, start_workers
from training.recipe import Recipe
from training.service import Service
from training.splits import SPLITS
from training.surveys import OpenedSurvey, open_survey
from training.workdir import new_workdir, write_run

SPLIT: Final = "sessions"
"""Days left out: what the replayed days are to the survey."""

PRESET: Final = "pool"
"""The recipe alone: other networks are no better, and a first look must not take minutes."""

SIMULATED: Final = "simulate:demo"
WORKERS: Final = 2
"""Processes; the demo is made to fit two cores."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What `make demo ARGS=…` can choose."""

    seconds: float | None
    """End by itself after so many seconds of replay; None runs until Ctrl-C."""
    speed: float
    """Replay this many times as fast as recorded."""
    max_gap: float
    """Longest gap between two scans of the replay, seconds; longer ones are cut."""
    port: int
    workdir: Path


@dataclass
class Replayed:
    """What has been replayed so far."""

    fixes: int = 0
    errors_m: list[float] = field(default_factory=list)

    def add(self, fix: dict[str, Any]) -> None:
        """Count one fix."""
        self.fixes += 1
        if fix["error_m"] is not None:
            self.errors_m.append(fix["error_m"])

    @property
    def mean_error_m(self) -> float | None:
        """Mean error of the fixes whose truth is known, metres; None before the first."""
        return math.fsum(self.errors_m) / len(self.errors_m) if self.errors_m else None


def run_demo(options: DemoOptions, console: Console) -> None:
    """Run the whole journey; the last line printed is one JSON object.

    Ctrl-C during the replay ends it as the time limit does.
    """
    refuse_busy_port(options.port)
    survey = open_demo_survey(new_workdir(options.workdir), console)
    recipe = Recipe(
        [SPLITS[SPLIT]],
        list(SIMPLE_METHODS),
        [load_config(PRESET)],
        range(1),
        criterion=(SPLIT,),
    )
    console.print("[bold]Cross-validating the pool beside the simple methods[/]")
    with start_workers(survey, recipe, WORKERS) as workers:
        evaluations = cross_validate(survey, recipe, workers, console)
        bundle = options.workdir / "bundle"
        choice = export_best(Target(bundle), survey, recipe, evaluations, workers)
    console.print(f"[bold]{escape(choice.words)}[/]")
    try:
        replayed, url = serve_and_replay(bundle, survey, options, console)
    finally:
        # After the replay, which nobody wants to wait for, but whatever became of it.
        write_run(options.workdir, survey, recipe, evaluations)
    console.print(f"Metrics, curves, plots and bundle: {options.workdir}")
    print(json.dumps(_summary(survey, evaluations[0], replayed, bundle, url)))


def refuse_busy_port(port: int) -> None:
    """Raise ConfigError now, not after the training, if nobody can listen on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigError(
                f"the live map needs a free port, but {port} is taken ({error.strerror}); "
                'stop what listens there, or run: make demo ARGS="--port 0"'
            ) from error


def open_demo_survey(workdir: Path, console: Console) -> OpenedSurvey:
    """Open the UCI survey, or the simulated one where it cannot be had, and say which."""
    try:
        survey = open_survey("uci", workdir)
    except DownloadError as error:
        console.print(f"[yellow]{escape(str(error))}[/]", highlight=False)
        console.print("[yellow]Going on with the built-in simulated site: no real data.[/]")
        survey = open_survey(SIMULATED, workdir)
    for note in survey.notes:
        console.print(note, highlight=False, markup=False)
    return survey


def serve_and_replay(
    bundle: Path, survey: OpenedSurvey, options: DemoOptions, console: Console
) -> tuple[Replayed, str]:
    """Serve a bundle, replay the sealed sessions through it, and print each fix.

    Returns:
        What was replayed, and the service's address.
    """
    source = (
        f"replay:{survey.path}?sessions=sealed&speed={options.speed:g}"
        f"&max_gap={options.max_gap:g}&loop=true"
    )
    replayed = Replayed()
    arguments = ["--bundle", str(bundle), "--source", source, "--port", str(options.port)]
    # Longer than any gap that is left, so that a window without a scan means silence.
    arguments += ["--window", f"{options.max_gap + 1:g}"]
    with Service(arguments) as service:
        console.print(
            f"\nLive map: [bold underline]{service.url}/[/]   (sealed sessions, {options.speed:g} "
            f"times as fast as recorded, gaps cut to {options.max_gap:g} s; Ctrl-C ends)\n",
            highlight=False,
        )
        try:
            _follow(service.fixes(), replayed, options.seconds, console.print)
        except KeyboardInterrupt:
            console.print("\nEnded by Ctrl-C.")
    return replayed, service.url


def _follow(
    fixes: Iterable[dict[str, Any]],
    replayed: Replayed,
    seconds: float | None,
    say: Callable[[str], None],
) -> None:
    end = math.inf if seconds is None else time.monotonic() + seconds
    for fix in fixes:
        replayed.add(fix)
        say(_fix_in_words(fix))
        if time.monotonic() >= end:
            return


def _fix_in_words(fix: dict[str, Any]) -> str:
    heard = ", ".join(
        f"{escape(one['beacon'].rpartition(':')[2])} {one['rssi_dbm']:.0f}"
        for one in fix["heard"][:4]
    )
    if fix["status"] != "ok":
        return f"  fix {fix['seq']:>4}  [yellow]{fix['status']}: {fix['cause']}[/]  {heard}"
    error = "" if fix["error_m"] is None else f"error {fix['error_m']:5.2f} m"
    return f"  fix {fix['seq']:>4}  x {fix['x_m']:6.2f} m  y {fix['y_m']:6.2f} m  {error}  {heard}"


def _summary(
    survey: OpenedSurvey, evaluation: Evaluation, replayed: Replayed, bundle: Path, url: str
) -> dict[str, Any]:
    best, baseline = evaluation.best, evaluation.best_baseline
    mean = replayed.mean_error_m
    return {
        "site": survey.site.id,
        "dataset": survey.name,
        "split": evaluation.split.name,
        "method": best.method,
        "mean_error_m": round(best.summary.mean, 3),
        "median_error_m": round(best.summary.median, 3),
        "p95_error_m": round(best.summary.p95, 3),
        "baseline": baseline.method,
        "baseline_mean_error_m": round(baseline.summary.mean, 3),
        "fixes": replayed.fixes,
        "replay_mean_error_m": None if mean is None else round(mean, 3),
        "bundle": str(bundle),
        "url": url,
    }
