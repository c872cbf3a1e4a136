"""Pictures of trials: history, rungs, gaps, cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.ticker import FuncFormatter, NullFormatter

from training.figures import MUTED, figure
from training.tuning.report.axes import Array
from training.tuning.report.canvas import BAD, GOOD, QUIET, error_range
from training.tuning.report.content import GAP_IN_SE, StudyReport
from training.tuning.trials import TrialRecord

_WIDE: Final = 30
"""An axis over more than this ratio is logarithmic."""


def draw_history(report: StudyReport, path: Path) -> None:
    """Draw the error of each trial and the best so far, beside the best simple method."""
    ended = report.complete()
    if not ended:
        return
    number = np.array([one.number for one in ended])
    error = np.array([one.dev_m for one in ended])
    low, high = error_range(error)
    with figure(path, "Error of each trial, and the best so far", (8.5, 4.6)) as axes:
        inside = error <= high
        axes.scatter(number[inside], error[inside], s=14, color=QUIET, label="a trial")
        _at_the_top(axes, number[~inside], high)
        best = np.minimum.accumulate(error)
        axes.step(number, best, where="post", color=GOOD, lw=2, label="best so far")
        low = _simple_line(report, axes, low)
        _space_versions(report, axes, high)
        axes.set(xlabel="trial", ylabel="error on held-out rows, m", ylim=(low, high))
        axes.grid(visible=True, alpha=0.25)
        axes.legend(fontsize=8, frameon=False, loc="upper right")


def _at_the_top(axes: Any, number: Array, high: float) -> None:
    if len(number):
        y = np.full(len(number), high)
        label = f"above {high:.1f} m ({len(number)})"
        axes.scatter(number, y, marker="^", s=14, color=QUIET, clip_on=False, label=label)


def _simple_line(report: StudyReport, axes: Any, low: float) -> float:
    """Draw the best simple method, and return where the axis must begin for it to be seen."""
    if not report.simple:
        return low
    best = report.simple[0]
    label = f"{best.title}, {best.mean_m:.2f} m"
    axes.axhline(best.mean_m, color=MUTED, ls="--", lw=1.2, label=label)
    return min(low, 0.98 * best.mean_m)


def _space_versions(report: StudyReport, axes: Any, high: float) -> None:
    """Mark where the rules changed the space."""
    first: dict[int, int] = {}
    for one in report.records:
        first[one.space_version] = min(first.get(one.space_version, one.number), one.number)
    for version, number in sorted(first.items())[1:]:
        axes.axvline(number, color="0.85", lw=1, zorder=0)
        axes.text(number, high, f" v{version}", fontsize=7, color=MUTED, va="top")


def rungs_of(record: TrialRecord) -> tuple[Array, Array]:
    """Return the epochs at which every training of a trial was scored, and the mean error there."""
    if not record.trainings:
        return np.empty(0), np.empty(0)
    epochs = sorted(set.intersection(*(set(one.rungs) for one in record.trainings)))
    rows = np.array([one.n for one in record.trainings], float)
    errors = [np.average([t.rungs[e] for t in record.trainings], weights=rows) for e in epochs]
    return np.array(epochs, float), np.array(errors)


def draw_rungs(report: StudyReport, path: Path) -> None:
    """Draw the error at each rung, of the trials that were stopped and of those that were not."""
    curves = [(one, *rungs_of(one)) for one in report.records]
    curves = [curve for curve in curves if len(curve[1]) > 1 or curve[0].verdict == "stopped"]
    curves = [curve for curve in curves if len(curve[1]) and np.isfinite(curve[2]).all()]
    if not any(len(epochs) > 1 for _, epochs, _ in curves):
        return
    best = report.best()
    with figure(path, "Learning curves, and what was stopped", (8.5, 4.6)) as axes:
        faint = max(0.08, min(0.6, 30 / len(curves)))
        for record, epochs, errors in curves:
            stopped = record.verdict == "stopped"
            colour = QUIET if stopped else GOOD
            axes.plot(epochs, errors, color=colour, alpha=faint, lw=1, zorder=1 if stopped else 2)
            if stopped:
                axes.scatter(
                    epochs[-1:], errors[-1:], color=BAD, s=10, alpha=max(faint, 0.3), zorder=3
                )
        if best is not None:
            axes.plot(*rungs_of(best), color="black", lw=2, marker="o", ms=4, zorder=4)
        count = sum(record.verdict == "stopped" for record, _, _ in curves)
        _legend_of_rungs(axes, count, len(curves) - count, best)
        ends = np.concatenate([errors for _, _, errors in curves])
        axes.set(xlabel="epochs", ylabel="error on held-out rows, m", ylim=error_range(ends))
        places = sorted({float(e) for _, epochs, _ in curves for e in epochs})
        axes.set_xticks(places, [f"{place:g}" for place in places])
        axes.grid(visible=True, axis="y", alpha=0.25)


def _legend_of_rungs(axes: Any, stopped: int, ended: int, best: TrialRecord | None) -> None:
    axes.plot([], [], color=QUIET, label=f"stopped at a rung ({stopped})", marker="o", mfc=BAD,
              mec=BAD, ms=4)  # fmt: skip
    axes.plot([], [], color=GOOD, label=f"ran to the end ({ended})")
    if best is not None:
        label = f"trial {best.number}, the best"
        axes.plot([], [], color="black", lw=2, marker="o", ms=4, label=label)
    axes.legend(fontsize=8, frameon=False, loc="upper right")


def wide_gap(record: TrialRecord, error: float | None) -> bool:
    """Return whether a trial's gap between held-out and training rows is more than chance."""
    return error is not None and record.gap_m > GAP_IN_SE * error


def draw_gaps(report: StudyReport, errors: Sequence[float | None], path: Path) -> None:
    """Draw held-out against training error of each trial, with a mark for a gap beyond chance.

    Args:
        report: the study.
        errors: standard error of the gap of each of `report.complete()`, metres; None if unknown.
        path: the picture.
    """
    ended = report.complete()
    if not ended:
        return
    train = np.array([one.train_m for one in ended])
    dev = np.array([one.dev_m for one in ended])
    wide = np.array([wide_gap(one, error) for one, error in zip(ended, errors, strict=True)])
    low = min(float(train.min()), float(dev.min()))
    with figure(path, "Error on training and on held-out rows", (6.6, 5.4)) as axes:
        for flag, colour, label in ((False, QUIET, "gap within"), (True, BAD, "gap beyond")):
            chosen = wide == flag
            said = f"{label} {GAP_IN_SE:g} standard errors ({int(chosen.sum())})"
            axes.scatter(train[chosen], dev[chosen], s=16, color=colour, alpha=0.7, label=said)
        for one in report.finalists:
            if one.train_m is not None:
                mark = "*" if one.chosen else "D"
                size = 150 if one.chosen else 34
                axes.scatter(one.train_m, one.mean_m, marker=mark, s=size, color=GOOD, ec="white",
                             zorder=4)  # fmt: skip
        axes.plot([0, 1e4], [0, 1e4], color="0.6", lw=1, ls="--", label="no gap")
        finals = [one for one in report.finalists if one.train_m is not None]
        ends_x = [error_range(train)[1], *(1.04 * (one.train_m or 0) for one in finals)]
        ends_y = [error_range(dev)[1], *(1.04 * one.mean_m for one in finals)]
        axes.set(xlim=(0.9 * low, max(ends_x)), ylim=(0.9 * low, max(ends_y)))
        axes.set(xlabel="error on training rows, m", ylabel="error on held-out rows, m")
        axes.grid(visible=True, alpha=0.25)
        axes.legend(fontsize=8, frameon=False, loc="lower right")


def draw_cost(report: StudyReport, path: Path) -> None:
    """Draw the processor seconds of each trial, and how low the error was after how many."""
    if not any(one.seconds > 0 for one in report.records):
        return
    in_order = sorted(report.records, key=lambda one: one.number)
    seconds = np.array([one.seconds for one in in_order])
    with figure(path, "Processor seconds of each trial", (8.5, 4.4), rows=2) as (axes, below):
        ended = np.array([one.verdict == "ok" for one in in_order])
        number = np.array([one.number for one in in_order])
        for flag, colour, label in ((True, GOOD, "ran to the end"), (False, BAD, "did not")):
            chosen = (ended == flag) & (seconds > 0)
            said = f"{label} ({int((ended == flag).sum())})"
            axes.scatter(number[chosen], seconds[chosen], s=12, color=colour, alpha=0.6, label=said)
        known = seconds[seconds > 0]
        axes.set(ylabel="seconds")
        if known.max() > _WIDE * known.min():
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
        axes.grid(visible=True, alpha=0.25)
        axes.legend(fontsize=8, frameon=False)
        below.plot(number, np.cumsum(seconds), color=MUTED)
        below.set(xlabel="trial", ylabel="in all, s")
        below.grid(visible=True, alpha=0.25)
