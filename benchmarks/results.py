"""One figure a row: what was measured, against what, and whether its goal was met."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.table import Table

from training.terminal import terminal

RESULTS: Final = Path(__file__).with_name("results.json")


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure."""

    area: str
    name: str
    value: float
    unit: str
    against: str | None = None
    """What it is compared with, and that figure."""
    ratio: float | None = None
    """Value over what it is compared with."""
    goal: str | None = None
    """What must hold; None for a figure that only informs."""
    met: bool | None = None


def at_most(area: str, name: str, value: float, unit: str, bound: float) -> Row:
    """Return a row whose value must not exceed a bound."""
    return Row(area, name, value, unit, goal=f"at most {bound:g} {unit}", met=value <= bound)


def print_table(rows: Sequence[Row]) -> None:
    """Print the rows."""
    table = Table(title="Benchmarks", title_justify="left")
    for column in ("area", "name", "value", "against", "ratio", "goal", "met"):
        table.add_column(column, justify="right" if column in {"value", "ratio"} else "left")
    for row in rows:
        table.add_row(
            row.area,
            row.name,
            f"{row.value:.4g} {row.unit}",
            row.against or "",
            "" if row.ratio is None else f"{row.ratio:.3f}",
            row.goal or "",
            {None: "", True: "yes", False: "[red]NO[/]"}[row.met],
        )
    terminal().print(table)


def write_results(rows: Sequence[Row]) -> None:
    """Write the rows; those of areas that were not measured now stay as they are."""
    measured = {row.area for row in rows}
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    kept = [row for row in kept if row["area"] not in measured]
    document = kept + [dataclasses.asdict(row) for row in rows]
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
