"""What a person watches while a study runs, and how a terminal shows it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from optuna.trial import TrialState

from training.tuning.budget import Point, within
from training.tuning.leases import worker_of
from training.tuning.stops import (
    End,
    Limits,
    best,
    infeasible_share,
    top_errors,
    value_of,
    verdict_counts,
)
from training.tuning.trials import Verdict

if TYPE_CHECKING:
    from rich.console import RenderableType


class Running(NamedTuple):
    """A trial that runs."""

    number: int
    attempt: int
    seconds: float
    """Since it was claimed, by this machine's clock."""
    epochs: int
    """At its last rung; 0 before the first."""
    dev_m: float
    """There, metres; NaN before the first."""
    worker: str


@dataclass(frozen=True, slots=True)
class View:
    """A study at one moment."""

    name: str
    end: End | None
    done: int
    limits: Limits
    best_number: int | None
    best_m: float
    """Metres; NaN while no trial was trained to the end."""
    verdicts: Mapping[Verdict, int]
    running: Sequence[Running]
    workers: int
    """Processes on this machine."""
    infeasible_share: float
    errors: Sequence[tuple[str, int]]
    elapsed_s: float
    """Of this run."""
    left_s: float
    """Until the time is over or, at the pace of this run, the trials are; NaN where neither is
    known."""
    said: str = ""
    """What happened last: a worker that was replaced, a storage that does not answer."""


class Pace(NamedTuple):
    """How far this run has come."""

    elapsed_s: float
    done_before: int
    """Points that earlier runs had ended."""


def view_of(
    name: str, known: Sequence[Point], limits: Limits, pace: Pace, *, end: End | None = None
) -> View:
    """Return what is to be shown of a study.

    Args:
        name: of the study.
        known: all of its points.
        limits: of this run.
        pace: of this run.
        end: of the study, if it has come to one.
    """
    counted = within(known, limits.trials)
    found = best(counted)
    done = sum(point.ended for point in counted)
    now = datetime.now()
    return View(
        name,
        end,
        done,
        limits,
        found.last.number if found else None,
        value_of(found) if found else math.nan,
        verdict_counts(counted),
        [_running(p, now) for p in counted if p.last.state == TrialState.RUNNING],
        0,
        infeasible_share(counted),
        top_errors(counted),
        pace.elapsed_s,
        _left_s(limits, done, pace),
    )


def _running(point: Point, now: datetime) -> Running:
    trial = point.last
    rungs = trial.intermediate_values
    epochs = max(rungs, default=0)
    began = trial.datetime_start or now
    return Running(
        trial.number,
        len(point.attempts),
        max(0.0, (now - began).total_seconds()),
        epochs,
        rungs[epochs] if rungs else math.nan,
        worker_of(trial),
    )


def _left_s(limits: Limits, done: int, pace: Pace) -> float:
    now = done - pace.done_before
    by_trials = (limits.trials - done) * pace.elapsed_s / now if now > 0 else math.nan
    by_time = math.nan if limits.seconds is None else max(0.0, limits.seconds - pace.elapsed_s)
    known = [left for left in (by_trials, by_time) if not math.isnan(left)]
    return min(known, default=math.nan)


def render(view: View) -> RenderableType:
    """Return a view as a table of a few lines."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    for label, text in _lines(view):
        table.add_row(label, text)
    return table


def _lines(view: View) -> list[tuple[str, str]]:
    lines = [
        ("Study", f"{view.name}: {_status(view)}"),
        ("Best", _best(view)),
        ("Trials", f"{view.done} of {view.limits.trials} · {_counts(view)}"),
        ("Running", f"{len(view.running)} trials, {view.workers} workers here"),
        ("Time", f"{_clock(view.elapsed_s)} so far · {_left(view)}"),
    ]
    if view.infeasible_share > 0:
        share = f"{view.infeasible_share:.0%} of the last trials could not be trained"
        lines.append(("Infeasible", share))
    lines += [("Failed", f"{count} × {reason}") for reason, count in view.errors]
    return lines + ([("", view.said)] if view.said else [])


def _status(view: View) -> str:
    return f"{view.end.status} ({view.end.reason})" if view.end else "running"


def _best(view: View) -> str:
    if view.best_number is None:
        return "none was trained to the end yet"
    return f"{view.best_m:.2f} m, trial {view.best_number}"


def _counts(view: View) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in view.verdicts.items()) or "none yet"


def _left(view: View) -> str:
    return (
        "time left unknown" if math.isnan(view.left_s) else f"{_clock(view.left_s)} left to search"
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
