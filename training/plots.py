"""Pictures of an evaluation: error CDFs, errors by beacons heard, calibration, outages, losses."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.distributions import calibration
from training.evaluation import Evaluation, MethodResult, outage_records
from training.figures import MUTED, PERCENT, figure, heading, shown, styles
from training.report import title_of

_SHOWN_SHARE: Final = 0.99
"""The CDF's axis ends where this share of the best method's rows has been located."""
_LEAST_SPAN_M: Final = 1.0
_FEWEST_ROWS: Final = 10
"""Below so many scans a mean by beacons heard is noise, and its point is left out."""
_MOST_COUNTS: Final = 12
"""With more different counts of beacons heard, neighbouring ones are joined."""
_COMPARED: Final = 4
"""Simple methods beside the networks where a picture of all would be a thicket."""


def plot_error_cdf(evaluation: Evaluation, path: Path) -> None:
    """Draw the share of scans within an error, every method in one picture."""
    with figure(path, heading(evaluation, "Share of scans within an error"), (8.5, 5.6)) as axes:
        looks = styles(evaluation.results)
        for result in evaluation.results:
            errors = np.sort(result.errors.mean(axis=0))
            share = np.arange(1, len(errors) + 1) / len(errors)
            label = f"{title_of(result)}, mean {result.summary.mean:.2f} m"
            order = 2 if result.is_baseline else 3
            axes.plot(errors, share, label=label, zorder=order, **looks[result.method])
        worst = float(np.quantile(evaluation.best.errors, _SHOWN_SHARE))
        axes.set(xlim=(0, max(1.3 * worst, _LEAST_SPAN_M)), ylim=(0, 1))
        axes.set(xlabel="error, m", ylabel="share of scans")
        axes.yaxis.set_major_formatter(PERCENT)
        for level in (0.5, 0.75, 0.95):
            axes.axhline(level, color="0.85", lw=0.8, zorder=1)
        axes.grid(visible=True, axis="x", alpha=0.25)
        axes.legend(fontsize=8, frameon=False, loc="lower right", title="best mean first")


def plot_by_beacons_heard(evaluation: Evaluation, path: Path) -> None:
    """Draw the mean error by how many beacons a scan heard, and how many scans there are."""
    heard = evaluation.rows.mask.sum(axis=1)
    groups = _groups(heard)
    title = heading(evaluation, "Mean error by number of beacons heard")
    with figure(path, title, (8.5, 5.6), rows=2) as (axes, counts):
        looks = styles(evaluation.results)
        middles = [float(heard[group].mean()) for group in groups]
        for result in shown(evaluation, _COMPARED):
            error = result.errors.mean(axis=0)
            means = [
                float(error[group].mean()) if group.sum() >= _FEWEST_ROWS else np.nan
                for group in groups
            ]
            axes.plot(
                middles, means, marker="o", ms=4, label=title_of(result), **looks[result.method]
            )
        axes.set(ylabel="mean error, m")
        axes.set_ylim(bottom=0)
        axes.grid(visible=True, alpha=0.25)
        axes.legend(fontsize=8, frameon=False)
        bars = counts.bar(middles, [int(group.sum()) for group in groups], color="0.8", width=0.7)
        counts.bar_label(bars, fontsize=7, color="0.3")
        counts.set_xticks(middles, [_range(heard[group]) for group in groups])
        counts.set(xlabel="beacons heard in a scan", ylabel="scans")
        counts.margins(y=0.3)


def _groups(heard: NDArray[np.int64]) -> list[NDArray[np.bool_]]:
    """Rows by count of beacons heard; neighbouring counts joined where there are many."""
    values = np.unique(heard)
    parts = np.array_split(values, min(len(values), _MOST_COUNTS))
    return [np.asarray((heard >= part[0]) & (heard <= part[-1])) for part in parts]


def _range(values: NDArray[np.int64]) -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low}-{high}"


def plot_calibration(evaluation: Evaluation, path: Path) -> None:
    """Draw how often the truth lay in the disc that was said to hold a share, if anything says."""
    said = [result for result in evaluation.results if result.scores]
    if not said:
        return
    title = heading(evaluation, "Is the predicted spread true?")
    with figure(path, title, (6.4, 6.0)) as axes:
        looks = styles(evaluation.results)
        axes.plot([0, 1], [0, 1], color="0.6", lw=1, ls="--", label="perfect")
        axes.fill_between([0, 1], [0, 1], [1, 1], color="0.95", zorder=0)
        for result in said:
            seen = calibration(result.scores)
            label = _coverage_label(result)
            axes.plot(seen.predicted, seen.observed, label=label, **looks[result.method])
        axes.text(0.03, 0.97, "too careful", va="top", color=MUTED, fontsize=9)
        axes.text(0.97, 0.03, "too sure of itself", ha="right", color=MUTED, fontsize=9)
        axes.set(aspect="equal", xlim=(0, 1), ylim=(0, 1))
        axes.set(xlabel="predicted share of the disc", ylabel="share of scans in the disc")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PERCENT)
        axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(0.0, 0.92))


def _coverage_label(result: MethodResult) -> str:
    spread = result.summary.spread
    if spread is None:
        return title_of(result)
    return (
        f"{title_of(result)}: {spread.coverage_68 * 100:.0f} % in its 68 % disc "
        f"(mean radius {spread.sharpness_68:.1f} m),\n"
        f"{spread.coverage_95 * 100:.0f} % in its 95 % disc ({spread.sharpness_95:.1f} m)"
    )


def plot_outages(evaluation: Evaluation, path: Path) -> None:
    """Draw the mean error with 0, 1, 2 and 3 beacons gone, where that was asked for."""
    swept = [result for result in shown(evaluation, _COMPARED) if result.outages is not None]
    if not swept:
        return
    with figure(path, heading(evaluation, "Mean error with beacons gone"), (7.5, 5.0)) as axes:
        looks = styles(evaluation.results)
        for result in swept:
            records = outage_records(result) or []
            gone, means = [r["gone"] for r in records], [r["mean"] for r in records]
            axes.plot(gone, means, marker="o", ms=5, label=title_of(result), **looks[result.method])
        axes.set(xlabel="beacons gone", ylabel="mean error, m", xticks=gone)
        axes.set_ylim(bottom=0)
        axes.grid(visible=True, alpha=0.25)
        axes.legend(fontsize=8, frameon=False)


def plot_curves(evaluation: Evaluation, path: Path) -> None:
    """Draw the training loss of each network, one thin line a fold and seed."""
    networks = [result for result in evaluation.results if any(result.curves)]
    if not networks:
        return
    with figure(path, heading(evaluation, "Training loss, scaled units"), (8, 5)) as axes:
        looks = styles(evaluation.results)
        for result in networks:
            colour = looks[result.method]["color"]
            for i, curve in enumerate(result.curves):
                for values in curve.values():
                    label = title_of(result) if i == 0 else None
                    axes.plot(values, color=colour, alpha=0.5, lw=1, label=label)
        axes.set(xlabel="epoch", ylabel="loss", yscale=_scale(networks))
        axes.grid(visible=True, alpha=0.25)
        axes.legend(frameon=False)


def _scale(networks: list[MethodResult]) -> str:
    """A loss that can be negative, as a likelihood's can, has no logarithm."""
    values: list[Any] = [v for r in networks for curve in r.curves for v in curve.values()]
    return "log" if min(min(one) for one in values) > 0 else "linear"
