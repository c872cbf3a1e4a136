"""What a run says: progress bars, and tables that always hold the simple methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from training.catalogue import SIMPLE_METHODS
from training.evaluation import Evaluation, MethodResult, outage_records
from training.tasks import Progress as Steps
from training.tasks import Task

SPREAD_COLUMNS: Final = ("NLL, nats/m²", "energy score, m", "in 68 % disc", "in 95 % disc")


@contextmanager
def progress_bars(console: Console, tasks: Sequence[Task]) -> Iterator[Callable[[Steps], None]]:
    """Show one bar a network and one for all simple methods together."""
    columns = (
        TextColumn("  {task.description:<16}"),
        BarColumn(bar_width=40),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:
        bar_of: dict[str, TaskID] = {}
        for name in dict.fromkeys(_bar(task.method, task.config is None) for task in tasks):
            total = sum(t.epochs for t in tasks if _bar(t.method, t.config is None) == name)
            bar_of[name] = bars.add_task(name, total=total)
        simple = {task.method for task in tasks if task.config is None}

        def advance(steps: Steps) -> None:
            bars.advance(bar_of[_bar(steps.method, steps.method in simple)], steps.steps)

        yield advance


def _bar(method: str, simple: bool) -> str:
    return "simple methods" if simple else method


def tables(evaluation: Evaluation, cell_m: float | None) -> list[Table]:
    """Return all that is printed of a split: errors, and distributions and outages if there are."""
    every = (error_table(evaluation, cell_m), spread_table(evaluation), outage_table(evaluation))
    return [table for table in every if table is not None]


def error_table(evaluation: Evaluation, cell_m: float | None) -> Table:
    """Return the errors of every method of a split, best first."""
    split = evaluation.split
    heading = f"{evaluation.survey}, split {split.name!r}: {split.what}"
    if not split.honest:
        heading += f"\n{split.caveat}"
    table = Table(title=heading, title_justify="left", caption_justify="left")
    table.caption = (
        f"n = {len(evaluation.rows)} single scans; interval of the mean by place, 95 %; gain over "
        f"{evaluation.best_baseline.method} paired"
    )
    table.add_column("method")
    unit = "m" if cell_m is None else "m (cells)"
    for column in (f"mean, {unit}", "interval, m", "seed sd", "median", "p75", "p95", "gain, m"):
        table.add_column(column, justify="right")
    for result in evaluation.results:
        table.add_row(*error_cells(evaluation, result, cell_m), style=_style(evaluation, result))
    return table


def spread_table(evaluation: Evaluation) -> Table | None:
    """Return how good the distributions are; None where no method gives any."""
    given = [result for result in evaluation.results if result.summary.spread is not None]
    if not given:
        return None
    table = Table(title="Predicted spread", title_justify="left", caption_justify="left")
    table.caption = "share of scans in the disc that is said to hold 68 % and 95 %, mean radius"
    table.add_column("method")
    for column in SPREAD_COLUMNS:
        table.add_column(column, justify="right")
    for result in given:
        table.add_row(*spread_cells(result), style=_style(evaluation, result))
    return table


def spread_cells(result: MethodResult) -> list[str]:
    """Return a method's row of the table of distributions; its name alone without one."""
    s = result.summary.spread
    if s is None:
        return [title_of(result)]
    return [
        title_of(result),
        f"{s.nll:.2f}",
        f"{s.energy_score:.2f}",
        f"{s.coverage_68 * 100:.0f} %, {s.sharpness_68:.2f} m",
        f"{s.coverage_95 * 100:.0f} %, {s.sharpness_95:.2f} m",
    ]


def outage_table(evaluation: Evaluation) -> Table | None:
    """Return mean errors with beacons gone; None where nobody asked."""
    cells = outage_cells(evaluation)
    if cells is None:
        return None
    table = Table(title="With beacons gone", title_justify="left", caption_justify="left")
    table.caption = (
        "mean error, m; beacons weighted by how often they are heard; a scan that hears nothing "
        "keeps the last position"
    )
    table.add_column(cells[0][0])
    for column in cells[0][1:]:
        table.add_column(column, justify="right")
    for row in cells[1:]:
        table.add_row(*row)
    return table


def outage_cells(evaluation: Evaluation) -> list[list[str]] | None:
    """Return header and rows of the table of outages, the share of silent scans last.

    None where nobody asked.
    """
    swept = [(result, outage_records(result)) for result in evaluation.results]
    given = [(result, records) for result, records in swept if records]
    if not given:
        return None
    most = given[0][1]
    silent = [f"{record['silent_share'] * 100:.0f} %" for record in most]
    return [
        ["method", *[f"{record['gone']} gone" for record in most]],
        *[[title_of(result), *map(_outage_cell, records)] for result, records in given],
        ["scans that hear nothing", *silent],
    ]


def _outage_cell(record: Mapping[str, float]) -> str:
    """Return a record's mean error, and how much worse that is than with none gone."""
    if record["gone"] == 0:
        return f"{record['mean']:.2f}"
    return f"{record['mean']:.2f} ({record['worse'] * 100:+.0f} %)"


def title_of(result: MethodResult) -> str:
    """Return what a table calls a method."""
    return SIMPLE_METHODS[result.method].title if result.is_baseline else f"{result.method} network"


def _style(evaluation: Evaluation, result: MethodResult) -> str:
    if result is evaluation.best:
        return "bold green"
    return "" if result.is_baseline else "cyan"


def error_cells(evaluation: Evaluation, result: MethodResult, cell_m: float | None) -> list[str]:
    """Return a method's row of the table of errors."""
    s = result.summary
    gain, low, high = evaluation.gain(result)
    mean = f"{s.mean:.2f}" if cell_m is None else f"{s.mean:.2f} ({s.mean / cell_m:.2f})"
    reference = result is evaluation.best_baseline
    return [
        title_of(result),
        mean,
        f"{s.ci_low:.2f} to {s.ci_high:.2f}",
        f"{s.seed_sd:.2f}" if s.seeds > 1 else "-",
        f"{s.median:.2f}",
        f"{s.p75:.2f}",
        f"{s.p95:.2f}",
        "reference" if reference else f"{gain:+.2f} [{low:+.2f}, {high:+.2f}]",
    ]
