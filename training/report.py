"""What a run says: progress bars, and tables that always hold the simple methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from training.catalogue import SIMPLE_METHODS
from training.evaluation import Evaluation, MethodResult
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
        table.add_row(*_cells(evaluation, result, cell_m), style=_style(evaluation, result))
    return table


def title_of(result: MethodResult) -> str:
    """Return what a table calls a method."""
    return SIMPLE_METHODS[result.method].title if result.is_baseline else f"{result.method} network"


def _style(evaluation: Evaluation, result: MethodResult) -> str:
    if result is evaluation.best:
        return "bold green"
    return "" if result.is_baseline else "cyan"


def _cells(evaluation: Evaluation, result: MethodResult, cell_m: float | None) -> list[str]:
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
