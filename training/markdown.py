"""Tables of evaluations as Markdown, for a run's report and the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from training.evaluation import Evaluation
from training.report import SPREAD_COLUMNS, error_cells, outage_cells, spread_cells

_ERROR_COLUMNS: Final = ("interval, m", "seed sd, m", "median, m", "p75, m", "p95, m", "gain, m")


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first column is text and whose others are figures."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def error_markdown(evaluation: Evaluation, cell_m: float | None) -> str:
    """Return the errors of every method of a split, best first."""
    unit = "m" if cell_m is None else "m (cells)"
    header = ["method", f"mean, {unit}", *_ERROR_COLUMNS]
    return markdown_table(header, [error_cells(evaluation, r, cell_m) for r in evaluation.results])


def spread_markdown(evaluation: Evaluation) -> str:
    """Return how good the distributions are; empty where no method gives any."""
    rows = [spread_cells(result) for result in evaluation.results if result.summary.spread]
    return markdown_table(["method", *SPREAD_COLUMNS], rows) if rows else ""


def outage_markdown(evaluation: Evaluation) -> str:
    """Return mean errors in metres with beacons gone; empty where nobody asked."""
    cells = outage_cells(evaluation)
    return markdown_table(cells[0], cells[1:]) if cells is not None else ""
