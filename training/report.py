"""What a run says: progress bars, and tables that always hold the simple methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from training.catalogue import SIMPLE_METHODS
from training.evaluation import Evaluation, MethodResult, outage_records
from training.metrics import WRONG_FLOOR_M
from training.tasks import Progress as Steps
from training.tasks import Task


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


class Extra(NamedTuple):
    """A table beside that of errors, as text."""

    title: str
    explanation: str
    header: tuple[str, ...]
    rows: list[list[str]]


def extras(evaluation: Evaluation) -> list[Extra]:
    """Return the tables that a split has beside its errors: spread, floors, outages; maybe none."""
    every = (_spread(evaluation), _floors(evaluation), _outages(evaluation))
    return [extra for extra in every if extra.rows]


def _spread(evaluation: Evaluation) -> Extra:
    rows = []
    for result in evaluation.results:
        s = result.summary.spread
        if s is not None:
            in_68 = f"{s.coverage_68 * 100:.0f} %, {s.sharpness_68:.2f} m"
            in_95 = f"{s.coverage_95 * 100:.0f} %, {s.sharpness_95:.2f} m"
            rows.append([title_of(result), f"{s.nll:.2f}", f"{s.energy_score:.2f}", in_68, in_95])
    return Extra(
        "Do the methods know how unsure they are?",
        "Share of scans whose truth lies in the disc that is said to hold 68 % and 95 %, and the "
        "mean radius of that disc; NLL is in nats, of the density per square metre.",
        ("method", "NLL", "energy score, m", "in 68 % disc", "in 95 % disc"),
        rows,
    )


def _floors(evaluation: Evaluation) -> Extra:
    rows = []
    for result in evaluation.results:
        f = result.summary.floors
        if f is not None:
            hits = f"{f.floor_hit_rate * 100:.1f} %"
            right, third = f"{f.mean_right_floor:.2f}", f"{f.q3_with_floors:.2f}"
            rows.append([title_of(result), hits, right, third])
    return Extra(
        "Floors",
        "The errors above are on the plan, whatever floor a scan is put on. Here: how many scans "
        f"are put on the right floor, the mean error of those, and p75 of error + "
        f"{WRONG_FLOOR_M:g} m a wrong floor.",
        ("method", "right floor", "mean there, m", "p75 with floors, m"),
        rows,
    )


def _outages(evaluation: Evaluation) -> Extra:
    swept = [(result, outage_records(result)) for result in evaluation.results]
    given = [(result, records) for result, records in swept if records]
    most = given[0][1] if given else []
    rows = [[title_of(result), *map(_outage_cell, records)] for result, records in given]
    if rows:
        silent = [f"{record['silent_share'] * 100:.0f} %" for record in most]
        rows.append(["scans that hear nothing", *silent])
    return Extra(
        "With beacons gone",
        "Mean error, m. Beacons that are heard often weigh more; a scan that hears nothing any "
        "more keeps the last position.",
        ("method", *[f"{record['gone']} gone" for record in most]),
        rows,
    )


def _outage_cell(record: Mapping[str, float]) -> str:
    if record["gone"] == 0:
        return f"{record['mean']:.2f}"
    return f"{record['mean']:.2f} ({record['worse'] * 100:+.0f} %)"


def tables(evaluation: Evaluation, cell_m: float | None) -> list[Table]:
    """Return all that is printed of a split: errors, and what `extras` has."""
    return [error_table(evaluation, cell_m), *map(_extra_table, extras(evaluation))]


def _extra_table(extra: Extra) -> Table:
    table = Table(title=extra.title, title_justify="left", caption_justify="left")
    table.caption = extra.explanation
    table.add_column(extra.header[0])
    for column in extra.header[1:]:
        table.add_column(column, justify="right")
    for row in extra.rows:
        table.add_row(*row)
    return table


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
