"""The look of every picture: muted simple methods, networks in colour, a frame without clutter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl

from training.evaluation import Evaluation, MethodResult

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter

DPI: Final = 130
NETWORK_COLOURS: Final = ("#d1495b", "#00798c", "#edae49", "#7b4fa3", "#2e8b57", "#b5651d")
BASELINE_COLOURS: Final = ("#2f3e4e", "#5f7387", "#8fa1b3", "#a79f94", "#b9c2cb", "#cdbfb2")
BASELINE_DASHES: Final = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (4, 1.5, 1, 1.5)))
MUTED: Final = "#7d8894"

Style = dict[str, Any]
PERCENT: Final = FuncFormatter(lambda share, _: f"{share * 100:.0f} %")
"""Of an axis of shares."""


@contextmanager
def figure(path: Path, title: str, size: tuple[float, float], rows: int = 1) -> Iterator[Any]:
    """Draw into the axes that this gives (a list for several rows), then write a PNG.

    Args:
        path: the picture; its folder is made.
        title: above the first axes.
        size: width and height, inches.
        rows: axes below each other that share x, the first three times as high.
    """
    heights = [3, *[1] * (rows - 1)]
    drawing, axes = plt.subplots(
        rows, figsize=size, layout="constrained", sharex=rows > 1, height_ratios=heights
    )
    every = [axes] if rows == 1 else list(axes)
    every[0].set_title(title, loc="left", fontsize=11)
    for one in every:
        one.spines[["top", "right"]].set_visible(False)
    try:
        yield axes
        path.parent.mkdir(parents=True, exist_ok=True)
        drawing.savefig(path, dpi=DPI)
    finally:
        plt.close(drawing)


@contextmanager
def panels(path: Path, title: str, size: tuple[float, float]) -> Iterator[Any]:
    """Draw into two axes beside each other that share y, then write a PNG.

    Args:
        path: the picture; its folder is made.
        title: above both.
        size: width and height, inches.
    """
    drawing, both = plt.subplots(1, 2, figsize=size, layout="constrained", sharey=True)
    drawing.suptitle(title, x=0.01, ha="left", fontsize=11)
    for one in both:
        one.spines[["top", "right"]].set_visible(False)
    try:
        yield list(both)
        path.parent.mkdir(parents=True, exist_ok=True)
        drawing.savefig(path, dpi=DPI)
    finally:
        plt.close(drawing)


@contextmanager
def tiles(path: Path, count: int, *, columns: int, size: tuple[float, float]) -> Iterator[Any]:
    """Draw into so many axes that this gives as a list, then write a PNG.

    Args:
        path: the picture; its folder is made.
        count: axes.
        columns: beside each other at most.
        size: of one of them, inches.
    """
    across = min(columns, count)
    down = -(-count // across)
    drawing, axes = plt.subplots(
        down,
        across,
        figsize=(size[0] * across, size[1] * down),
        layout="constrained",
        squeeze=False,
    )
    every = axes.ravel().tolist()
    for one in every:
        one.spines[["top", "right"]].set_visible(False)
    for one in every[count:]:
        one.set_visible(False)
    try:
        yield every[:count]
        path.parent.mkdir(parents=True, exist_ok=True)
        drawing.savefig(path, dpi=DPI)
    finally:
        plt.close(drawing)


def styles(results: Sequence[MethodResult]) -> dict[str, Style]:
    """Return how each method's line is drawn: the best first, simple methods thin and muted."""
    networks = sorted(result.method for result in results if not result.is_baseline)
    return line_styles([result.method for result in results if result.is_baseline], networks)


def line_styles(baselines: Sequence[str], networks: Sequence[str]) -> dict[str, Style]:
    """Return how the lines of simple methods and networks are drawn, the first most visibly."""
    looks: dict[str, Style] = {}
    for number, method in enumerate(baselines):
        colour = BASELINE_COLOURS[min(number, len(BASELINE_COLOURS) - 1)]
        dashes = BASELINE_DASHES[number % len(BASELINE_DASHES)]
        looks[method] = {"color": colour, "ls": dashes, "lw": 1.8 if number == 0 else 1.2}
    for number, method in enumerate(networks):
        looks[method] = {"color": NETWORK_COLOURS[number % len(NETWORK_COLOURS)], "lw": 2.4}
    return looks


def shown(evaluation: Evaluation, baselines: int) -> list[MethodResult]:
    """Return every network and the best few simple methods, best first."""
    best = [result for result in evaluation.results if result.is_baseline][:baselines]
    return [result for result in evaluation.results if not result.is_baseline or result in best]


def heading(evaluation: Evaluation, what: str) -> str:
    """Return a title that says what is drawn, of which survey and split."""
    caveat = "" if evaluation.split.honest else f"\n{evaluation.split.caveat}"
    return f"{what}\n{evaluation.survey}, {evaluation.split.what}{caveat}"
