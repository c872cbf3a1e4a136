"""Figures in words and tables, for the page."""

from __future__ import annotations

import math
from collections.abc import Sequence

from training.markdown import markdown_table
from training.reproduction.paper import CELL_FT
from training.reproduction.records import Spread

NONE = "-"
"""For a figure that there is not."""


def paragraph(*sentences: str) -> list[str]:
    """Return sentences as one line: wrapped, one could begin with "+ Adam" and be a list."""
    return [" ".join(sentences), ""]


def number(value: float, digits: int = 2) -> str:
    """Return a figure, or a dash."""
    return f"{value:.{digits}f}" if math.isfinite(value) else NONE


def percent(share: float) -> str:
    """Return a share in whole percent."""
    return f"{100 * share:.0f} %" if math.isfinite(share) else NONE


def in_cells(found: Spread) -> str:
    """Return a spread as its median with the 5 and 95 % quantiles over seeds."""
    if not found.n:
        return NONE
    return f"{number(found.median)} [{number(found.low)}, {number(found.high)}]"


def in_feet(found: Spread) -> str:
    """Return a spread in feet."""
    if not found.n:
        return NONE
    median, low, high = (number(v * CELL_FT, 1) for v in (found.median, found.low, found.high))
    return f"{median} [{low}, {high}]"


def in_percent(found: Spread) -> str:
    """Return a spread of shares."""
    if not found.n:
        return NONE
    return f"{100 * found.median:.0f} [{100 * found.low:.0f}, {100 * found.high:.0f}]"


def signed(mean: float, low: float, high: float, *, digits: int = 2) -> str:
    """Return a gain with its interval."""
    if not math.isfinite(mean):
        return NONE
    if not math.isfinite(low):
        return f"{mean:+.{digits}f}"
    return f"{mean:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table whose first column is text and whose others are figures."""
    return markdown_table(header, rows).split("\n")


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table whose columns are all text."""
    lines = [header, ["---"] * len(header), *rows]
    return [*(f"| {' | '.join(cells)} |" for cells in lines), ""]
