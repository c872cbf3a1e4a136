"""Learning curves as tables and as a picture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from training.catalogue import SIMPLE_METHODS
from training.evaluation import Plan
from training.learning_curves import (
    Amount,
    Axis,
    LearningCurves,
    learning_curve_tasks,
    learning_curves,
    to_records,
)
from training.markdown import markdown_table
from training.report import progress_bars
from training.tasks import Workers
from training.workdir import write_json

_TITLES: Final[dict[Axis, str]] = {
    "scans": "Scans a place",
    "places": "Places of the floor",
}


def run_learning_curves(
    plan: Plan, workers: Workers, workdir: Path, console: Console
) -> list[dict[str, Any]]:
    """Measure learning curves, print them, and write them to a work directory.

    Returns:
        The records of `learning-curve.json`.
    """
    with progress_bars(console, learning_curve_tasks(plan)) as progress:
        curves = learning_curves(plan, workers, progress=progress)
    for axis in _TITLES:
        console.print(curve_table(curves, axis))
    records = to_records(curves)
    write_json(workdir / "learning-curve.json", records)
    (workdir / "learning-curve.md").write_text(curve_markdown(curves), encoding="utf-8")
    plot_learning_curves(curves, workdir / "plots" / "learning-curve.png")
    return records


def curve_table(curves: LearningCurves, axis: Axis) -> Table:
    """Return mean errors against one axis, a column a method."""
    header, rows = curve_cells(curves, axis)
    table = Table(
        title=f"{curves.survey}, split {curves.split!r}: {_TITLES[axis].lower()}",
        title_justify="left",
        caption_justify="left",
    )
    table.caption = "mean error, m, ± standard deviation over draws of what is kept"
    for column in header:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def curve_markdown(curves: LearningCurves) -> str:
    """Return both tables as Markdown."""
    parts = [f"# {curves.survey}: how much survey is enough (split `{curves.split}`)"]
    for axis, title in _TITLES.items():
        parts.append(f"## {title}")
        parts.append("Mean error, m, ± standard deviation over draws of what is kept.")
        parts.append(markdown_table(*curve_cells(curves, axis)))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def curve_cells(curves: LearningCurves, axis: Axis) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of one axis's table."""
    lines = [curves.of(axis, method) for method in curves.methods]
    rows = []
    for at, point in enumerate(lines[0]):
        spread = [line[at].summary for line in lines]
        cells = [
            f"{s.mean:.2f} ± {s.seed_sd:.2f}" if s.seeds > 1 else f"{s.mean:.2f}" for s in spread
        ]
        counts = [f"{point.training_places:.0f}", f"{point.training_scans:.0f}"]
        rows.append([_amount(point.amount), *counts, *cells])
    header = [_TITLES[axis].lower(), "places", "scans", *map(_title, curves.methods)]
    return header, rows


def _amount(amount: Amount) -> str:
    if amount.axis == "places":
        return f"{amount.kept * 100:.0f} %"
    return "all" if math.isinf(amount.kept) else f"{amount.kept:.0f}"


def _title(method: str) -> str:
    return SIMPLE_METHODS[method].title if method in SIMPLE_METHODS else f"{method} network"


def plot_learning_curves(curves: LearningCurves, path: Path) -> None:
    """Draw mean errors against training scans a place and training places."""
    from training.figures import line_styles, panels

    simple = [method for method in curves.methods if method in SIMPLE_METHODS]
    looks = line_styles(simple, [method for method in curves.methods if method not in simple])
    title = f"{curves.survey}, split {curves.split!r}: how much survey is enough"
    with panels(path, title, (11, 4.8)) as both:
        for axes, axis in zip(both, _TITLES, strict=True):
            for method in curves.methods:
                line = curves.of(axis, method)
                at = range(len(line)) if axis == "scans" else [p.training_places for p in line]
                means, sds = zip(*[(p.summary.mean, p.summary.seed_sd) for p in line], strict=True)
                style = {"marker": "o", "ms": 4, "capsize": 2, **looks[method]}
                axes.errorbar(at, means, sds, label=_title(method), **style)
            if axis == "scans":
                axes.set_xticks(range(len(line)), [_amount(p.amount) for p in line])
                axes.set(xlabel="scans a place in training", ylabel="mean error, m")
            else:
                axes.set(xlabel="places in training (mean over folds)")
            axes.grid(visible=True, alpha=0.25)
        # After both: they share the axis, and a limit that is set stays.
        both[0].set_ylim(bottom=0)
        both[1].legend(fontsize=8, frameon=False)
