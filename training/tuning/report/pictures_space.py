"""Pictures of the space: parallel coordinates, slices, contours, importance."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np

from training.figures import MUTED, PERCENT, figure, tiles
from training.tuning.report.axes import Array, Axis
from training.tuning.report.canvas import BAD, COLOURS, GOOD, QUIET, error_range, label_axis
from training.tuning.report.importance import Importance

MOST_AXES: Final = 9
"""Parallel coordinates and slices of more parameters cannot be read; the less important go."""

_MOST_PAIRS: Final = 3
_GRID: Final = 60
"""Points a side of a surface."""
_WIDTH: Final = 0.09
"""Standard deviation of the kernel that smooths a surface, as a share of a side."""
_SUPPORT: Final = 0.6
"""Where less than this weight of trials lies, nothing is drawn: nobody tried there."""


def draw_parallel(axes: Sequence[Axis], error_m: Array, path: Path) -> None:
    """Draw each trial as a line across its parameters, to its error at the right."""
    if not axes or len(error_m) < 2:
        return
    low, high = error_range(error_m)
    shown = np.clip((error_m - low) / (high - low), 0, 1)
    columns: Array = np.column_stack([*(axis.unit() for axis in axes), shown])
    jitter = np.random.default_rng(0).uniform(-0.012, 0.012, columns.shape)
    columns[:, :-1] += jitter[:, :-1]  # choices would lie on one another
    title = "Parameters of each trial: dark lines have a low error"
    with figure(path, title, (max(6.0, 1.25 * len(axes) + 2), 4.4)) as picture:
        colours = _colours(shown)
        thin = max(0.12, min(0.8, 60 / len(error_m)))
        for row in np.argsort(-error_m):
            best = row == int(np.argmin(error_m))
            style = {"color": BAD, "lw": 2.2} if best else {"color": colours[row], "alpha": thin}
            picture.plot(columns[row], **{"lw": 1, **style})
        _upright(picture, axes, (low, high))


def _colours(shown: Array) -> Any:
    import matplotlib as mpl

    return mpl.colormaps[COLOURS](shown)


def _upright(picture: Any, axes: Sequence[Axis], ends: tuple[float, float]) -> None:
    picture.spines[["left", "bottom"]].set_visible(False)
    picture.set(yticks=[], ylim=(-0.05, 1.05), xlim=(-0.1, len(axes) + 0.35))
    names = [*(axis.name for axis in axes), "error, m"]
    picture.set_xticks(range(len(names)), names, fontsize=8, rotation=20, ha="right")
    white = {"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.75}
    for place, axis in enumerate(axes):
        picture.axvline(place, color="0.4", lw=0.8, zorder=3)
        low, high = axis.ends
        for tick, label in zip(*axis.ticks(6), strict=True):
            y = (tick - low) / (high - low)
            picture.text(place + 0.03, y, label, fontsize=7, va="center", zorder=4, bbox=white)
    picture.axvline(len(axes), color="0.4", lw=0.8, zorder=3)
    for y in (0.0, 0.5, 1.0):
        text = f"{ends[0] + y * (ends[1] - ends[0]):.2f}"
        picture.text(len(axes) + 0.03, y, text, fontsize=7, va="center", zorder=4, bbox=white)


def draw_slices(axes: Sequence[Axis], error_m: Array, path: Path) -> None:
    """Draw the error over each parameter by itself; later trials are darker."""
    if not axes or len(error_m) < 2:
        return
    ends = error_range(error_m)
    order = np.arange(len(error_m))
    best = int(np.argmin(error_m))
    size = max(4.0, min(16.0, 1500 / len(error_m)))
    with tiles(path, len(axes), columns=3, size=(3.4, 2.7)) as every:
        for picture, axis in zip(every, axes, strict=True):
            moved = axis.values.copy()
            if axis.scale == "choice":
                moved += np.random.default_rng(0).uniform(-0.15, 0.15, len(moved))
            picture.scatter(moved, error_m, c=order, cmap="Blues", s=size, vmin=-len(order) / 2)
            picture.scatter(
                axis.values[best], error_m[best], marker="*", s=110, color=BAD, zorder=3
            )
            label_axis(picture, axis)
            picture.set(ylim=ends)
            picture.grid(visible=True, alpha=0.25)
        for picture in every[::3]:
            picture.set_ylabel("error, m", fontsize=9)


def draw_contours(axes: Sequence[Axis], error_m: Array, path: Path) -> None:
    """Draw the error over pairs of the most important parameters, the least one marked.

    As figures 3 and 5 of arXiv:2006.08925, but smoothed: single trainings scatter more than their
    hyper-parameters differ, and a surface through every trial shows the scatter.
    """
    pairs = list(combinations(axes[:3], 2))[:_MOST_PAIRS]
    if not pairs or len(error_m) < 5:
        return
    with tiles(path, len(pairs), columns=3, size=(4.6, 3.9)) as every:
        for picture, (x, y) in zip(every, pairs, strict=True):
            _contour(picture, x, y, error_m)


def _contour(picture: Any, x: Axis, y: Axis, error_m: Array) -> None:
    both = np.isfinite(x.values) & np.isfinite(y.values)
    if both.sum() < 5:
        picture.text(0.5, 0.5, "too few trials have both", ha="center", transform=picture.transAxes)
        return
    surface = smoothed(x.unit()[both], y.unit()[both], error_m[both])
    across, up = np.linspace(*x.ends, _GRID), np.linspace(*y.ends, _GRID)
    drawn = picture.contourf(across, up, surface, levels=12, cmap=COLOURS)
    bar = picture.figure.colorbar(drawn, ax=picture, shrink=0.9)
    bar.set_label("error, m", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    picture.scatter(x.values[both], y.values[both], s=5, color="black", alpha=0.35, lw=0)
    best = int(np.flatnonzero(both)[np.argmin(error_m[both])])
    _mark(picture, x, y, best, float(error_m[best]))
    label_axis(picture, x, most=4)
    label_axis(picture, y, vertical=True)


def _mark(picture: Any, x: Axis, y: Axis, best: int, error: float) -> None:
    left = x.unit()[best] > 0.5
    low = y.unit()[best] > 0.5
    said = f"{error:.2f} m at\n{x.written(x.values[best])}, {y.written(y.values[best])}"
    picture.annotate(
        said,
        (x.values[best], y.values[best]),
        xytext=(-55 if left else 55, -40 if low else 40),
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=8,
        arrowprops={"arrowstyle": "->", "color": "black"},
        bbox={"boxstyle": "round,pad=0.25", "fc": "white", "ec": "0.6", "alpha": 0.9},
        zorder=6,
    )
    picture.scatter(
        x.values[best], y.values[best], marker="*", s=150, color=BAD, ec="white", zorder=5
    )


def smoothed(x: Array, y: Array, error_m: Array) -> Array:
    """Return a surface through the errors of trials, NaN where nobody tried.

    The mean of the errors around each point, weighted by a normal kernel (Nadaraya and Watson).

    Args:
        x: [n], 0 to 1.
        y: [n], 0 to 1.
        error_m: [n], metres; the worst tenth counts as its best.

    Returns:
        [grid, grid], metres, y first.
    """
    error = np.minimum(error_m, np.quantile(error_m, 0.9))
    side = np.linspace(0, 1, _GRID)
    near_x = np.exp(-0.5 * ((side[:, None] - x) / _WIDTH) ** 2)
    near_y = np.exp(-0.5 * ((side[:, None] - y) / _WIDTH) ** 2)
    weight = near_y @ near_x.T
    total = (near_y * error) @ near_x.T
    return np.where(weight > _SUPPORT, total / np.maximum(weight, 1e-12), np.nan)


def draw_importance(told: Sequence[Importance], path: Path) -> None:
    """Draw the importance of each parameter with its interval; what may be noise is grey."""
    if not told:
        return
    shown = list(told)[: 2 * MOST_AXES][::-1]
    height = 1.2 + 0.34 * len(shown)
    with figure(path, "Importance of the parameters", (8.5, height)) as axes:
        for place, one in enumerate(shown):
            colour = QUIET if one.is_noise else GOOD
            axes.barh(place, max(one.share, 0.0), color=colour, height=0.6)
            axes.plot([one.low, one.high], [place, place], color="0.25", lw=1.2)
            if one.is_noise:
                axes.text(max(one.high, 0.0), place, "  not distinguishable from noise",
                          va="center", fontsize=8, color=MUTED)  # fmt: skip
        axes.axvline(0, color="0.4", lw=0.8)
        axes.set_yticks(range(len(shown)), [one.name for one in shown], fontsize=9)
        high = max(*(one.high for one in shown), 0.05)
        low = min(*(one.low for one in shown), 0.0)
        axes.set(xlabel="share of the variance of the error", xlim=(low - 0.02, 1.35 * high))
        axes.xaxis.set_major_formatter(PERCENT)
