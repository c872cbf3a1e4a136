"""Tables of evaluations as Markdown, for a run's report and the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from training.evaluation import Evaluation
from training.report import error_cells, extras

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


def extra_markdown(evaluation: Evaluation) -> list[str]:
    """Return what stands beside the errors: spread, floors, outages; empty without any."""
    return [
        f"### {extra.title}\n\n{extra.explanation}\n\n{markdown_table(extra.header, extra.rows)}"
        for extra in extras(evaluation)
    ]
