"""Two pictures: every seed beside the paper's eight losses, and the curves of Figure 6."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from training.figures import NETWORK_COLOURS, PERCENT, figure
from training.reproduction.figure6 import TITLES
from training.reproduction.paper import FIGURE_6, FIGURE_6_STEPS, TABLE_2
from training.reproduction.protocol import Side
from training.reproduction.records import NetworkRun, Reproduction
from training.reproduction.seed_statistics import curve

TABLE_2_PNG: Final = "reproduction-table2.png"
FIGURE_6_PNG: Final = "reproduction-figure6.png"

_LIMIT_CELLS: Final = 5.0
"""Dead runs lie beyond: they are drawn at the edge."""

_SIDES: Final[tuple[tuple[Side, str, str], ...]] = (
    ("published", "as published", NETWORK_COLOURS[1]),
    ("clean", "without leaks and copies", NETWORK_COLOURS[0]),
)


def plot_table_2(found: Reproduction, path: Path) -> None:
    """Draw each seed's error as a dot, open where it started dead, and the paper's as a line."""
    with figure(path, "Table II: one dot a seed, the paper's figure as a line", (9, 5)) as axes:
        for side, title, colour in _SIDES:
            for number, row in enumerate(TABLE_2):
                runs = found.runs(row.model, side)
                label = title if number == 0 else None
                _dots(axes, runs, (number, -0.17 if side == "published" else 0.17), colour, label)
        for number, row in enumerate(TABLE_2):
            label = "paper" if number == 0 else None
            axes.hlines(
                row.loss_cells, number - 0.4, number + 0.4, color="black", lw=2, label=label
            )
        axes.set(
            ylim=(1.2, _LIMIT_CELLS),
            ylabel="mean error, cells of 10 ft",
            xticks=range(len(TABLE_2)),
        )
        axes.set_xticklabels([row.title.replace(", ", "\n") for row in TABLE_2], fontsize=8)
        axes.grid(visible=True, axis="y", alpha=0.3)
        axes.legend(frameon=False, fontsize=8, loc="lower left", ncols=3)
        axes.set_xlabel(
            f"open: started with a dead output; on the upper edge: {_LIMIT_CELLS:g} or more"
        )


def _dots(
    axes: Any, runs: list[NetworkRun], at: tuple[float, float], colour: str, label: str | None
) -> None:
    number, shift = at
    spots = number + shift + np.linspace(-0.12, 0.12, max(len(runs), 2))
    for spot, run in zip(spots, runs, strict=False):
        axes.plot(
            spot,
            min(run.error_cells, _LIMIT_CELLS),
            marker="o",
            ms=4,
            ls="",
            mec=colour,
            mfc="none" if run.dead_at_start else colour,
            alpha=0.8,
            clip_on=False,
            label=label if run is runs[0] else None,
        )


def plot_figure_6(found: Reproduction, path: Path) -> None:
    """Draw the four curves of each side: median over live seeds, 5 to 95 % as a band."""
    with figure(
        path, "Figure 6: share of test rows within an error, median of live seeds", (9, 5)
    ) as axes:
        for number, row in enumerate(FIGURE_6):
            for side, title, _ in _SIDES:
                spreads = curve(found, row.model, side)
                colour = NETWORK_COLOURS[number]
                dashes = "-" if side == "published" else (0, (4, 2))
                axes.plot(
                    FIGURE_6_STEPS,
                    [one.median for one in spreads],
                    color=colour,
                    ls=dashes,
                    marker="o",
                    ms=4,
                    label=f"{TITLES[row.model]}, {title}",
                )
                axes.fill_between(
                    FIGURE_6_STEPS,
                    [one.low for one in spreads],
                    [one.high for one in spreads],
                    color=colour,
                    alpha=0.08,
                    lw=0,
                )
        axes.set(ylim=(0, 1), xticks=FIGURE_6_STEPS, xlabel="error, cells of 10 ft, at most")
        axes.yaxis.set_major_formatter(PERCENT)
        axes.grid(visible=True, alpha=0.3)
        axes.legend(frameon=False, fontsize=8, loc="upper left", handlelength=4)
