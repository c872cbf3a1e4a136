"""Pictures of an evaluation: error CDFs, an error map of the floor, training curves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np

from localizer.site import Site
from training.evaluation import Evaluation, MethodResult

mpl.use("Agg")
import matplotlib.pyplot as plt

_DPI: Final = 130
_SHOWN_SHARE: Final = 0.99
"""The CDF's axis ends where this share of the best method's rows has been located."""
_LEAST_SPAN_M: Final = 1.0
_LINE_COLOURS: Final = "tab20"
_LINES: Final = 20
"""Colours of that map: more than there are methods."""
_MAP_COLOURS: Final = "viridis_r"


@contextmanager
def _figure(path: Path, title: str, size: tuple[float, float]) -> Iterator[Any]:
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    axes.set_title(title, loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    yield axes
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=_DPI)
    plt.close(figure)


def plot_error_cdf(evaluation: Evaluation, path: Path) -> None:
    """Draw the share of scans within an error, every method in one picture."""
    title = f"{evaluation.survey}, {evaluation.split.what}: share of scans within an error"
    with _figure(path, title, (8, 5)) as axes:
        axes.set_prop_cycle(color=list(mpl.colormaps[_LINE_COLOURS](range(_LINES))))
        for result in evaluation.results:
            _cdf_line(axes, result)
        worst = float(np.quantile(evaluation.best.errors, _SHOWN_SHARE))
        axes.set(
            xlim=(0, max(1.3 * worst, _LEAST_SPAN_M)),
            ylim=(0, 1),
            xlabel="error, m",
            ylabel="share of scans",
        )
        axes.grid(visible=True, alpha=0.3)
        axes.legend(fontsize=8, frameon=False, loc="lower right")
        if not evaluation.split.honest:
            axes.text(0.01, 0.97, evaluation.split.caveat, transform=axes.transAxes, va="top")


def _cdf_line(axes: Any, result: MethodResult) -> None:
    errors = np.sort(result.errors.mean(axis=0))
    share = np.arange(1, len(errors) + 1) / len(errors)
    style: dict[str, Any] = (
        {"lw": 1.2, "ls": "--", "alpha": 0.8} if result.is_baseline else {"lw": 2.2}
    )
    label = f"{result.method} (mean {result.summary.mean:.2f} m)"
    axes.plot(errors, share, label=label, **style)


def plot_error_map(evaluation: Evaluation, result: MethodResult, site: Site, path: Path) -> None:
    """Draw the mean error at each place, and which way the positions are pulled."""
    rows = evaluation.rows
    floor = site.floor(str(rows.floor[0]))
    place, index = np.unique(rows.position_m, axis=0, return_inverse=True)
    count = np.bincount(index.ravel())
    error = np.bincount(index.ravel(), weights=result.errors.mean(axis=0)) / count
    pull = result.predicted.mean(axis=0) - rows.position_m
    bias = np.column_stack([np.bincount(index.ravel(), weights=p) / count for p in pull.T])
    title = f"{evaluation.survey}, {evaluation.split.what}: {result.method}, mean error of a place"
    with _figure(path, title, (8, 6.5)) as axes:
        corners = np.asarray([*floor.outline, floor.outline[0]])
        axes.plot(*corners.T, color="0.6", lw=1)
        for wall in floor.walls:
            axes.plot(*np.asarray(wall).T, color="0.4", lw=1.5)
        axes.quiver(
            *place.T, *bias.T, angles="xy", scale_units="xy", scale=1, color="0.6", width=2e-3
        )
        dots = axes.scatter(*place.T, c=error, s=60, cmap=_MAP_COLOURS, zorder=3)
        placed = [b.position for b in site.beacons if b.position is not None]
        axes.scatter(
            [p.x_m for p in placed],
            [p.y_m for p in placed],
            marker="^",
            c="crimson",
            s=35,
            zorder=4,
        )
        axes.figure.colorbar(dots, label="mean error, m", shrink=0.8)
        axes.set(
            aspect="equal", xlabel="x, m (beacons: triangles; arrows: mean pull)", ylabel="y, m"
        )


def plot_curves(evaluation: Evaluation, path: Path) -> None:
    """Draw the training loss of each network, one thin line a fold and seed."""
    networks = [result for result in evaluation.results if any(result.curves)]
    if not networks:
        return
    title = f"{evaluation.survey}, {evaluation.split.what}: training loss (scaled units)"
    with _figure(path, title, (8, 5)) as axes:
        for number, result in enumerate(networks):
            for i, curve in enumerate(result.curves):
                for values in curve.values():
                    label = result.method if i == 0 else None
                    axes.plot(values, color=f"C{number}", alpha=0.5, lw=1, label=label)
        axes.set(xlabel="epoch", ylabel="loss", yscale="log")
        axes.grid(visible=True, alpha=0.3)
        axes.legend(frameon=False)
