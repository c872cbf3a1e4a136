"""The picture of the finalists beside the simple methods."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from training.figures import PERCENT, figure, line_styles
from training.tuning.report.content import Candidate, StudyReport

_SHOWN_SHARE: Final = 0.99
"""The axis ends where this share of the chosen finalist's rows has been located."""
_MOST_SIMPLE: Final = 4
"""More simple methods are a thicket."""


def draw_cdf(report: StudyReport, path: Path) -> None:
    """Draw the share of held-out rows within an error, of finalists and simple methods."""
    finalists, simple = _titled(report.finalists), _titled(report.simple[:_MOST_SIMPLE])
    if not finalists:
        return
    looks = line_styles(list(simple), list(finalists))
    with figure(path, "Share of held-out scans within an error", (8.5, 5.2)) as axes:
        for title, one in {**simple, **finalists}.items():
            errors = np.sort(one.errors_m)
            share = np.arange(1, len(errors) + 1) / len(errors)
            style = {**looks[title], **({} if one.chosen or title in simple else {"lw": 1.4})}
            label = f"{title}, mean {one.mean_m:.2f} m"
            axes.plot(errors, share, label=label, zorder=3 if one.chosen else 2, **style)
        worst = max(float(np.quantile(one.errors_m, _SHOWN_SHARE)) for one in report.finalists[:1])
        axes.set(xlim=(0, 1.2 * worst), ylim=(0, 1), xlabel="error, m", ylabel="share of scans")
        axes.yaxis.set_major_formatter(PERCENT)
        for level in (0.5, 0.75, 0.95):
            axes.axhline(level, color="0.85", lw=0.8, zorder=1)
        axes.grid(visible=True, axis="x", alpha=0.25)
        axes.legend(fontsize=8, frameon=False, loc="lower right")


def _titled(candidates: Sequence[Candidate]) -> dict[str, Candidate]:
    return {one.title: one for one in candidates}
