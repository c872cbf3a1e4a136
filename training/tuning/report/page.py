"""A study as one self-contained page that opens without a network."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final

import numpy as np

from training.html_report import definitions, page, picture
from training.tuning.diagnosis import Context, gap_se_m
from training.tuning.report import tables
from training.tuning.report.axes import Array, Axis, axes_of
from training.tuning.report.content import StudyReport
from training.tuning.report.importance import FEWEST_TRIALS, Importance, importances
from training.tuning.report.pictures_finalists import draw_cdf
from training.tuning.report.pictures_space import (
    MOST_AXES,
    draw_contours,
    draw_importance,
    draw_parallel,
    draw_slices,
)
from training.tuning.report.pictures_trials import draw_cost, draw_gaps, draw_history, draw_rungs
from training.tuning.wording import percent

_STYLE: Final = """
.gain { background: #e5f3ea; } .verdict { font-size: 1.5rem; font-weight: 700; margin: .2rem 0; }
.wide { color: #b03a4a; } .bars { width: 12rem; } .bar { display: block; height: .8rem;
  background: #00798c; } h3 { margin-top: 1.6rem; } td { vertical-align: top; }
table.words th, table.words td { text-align: left; white-space: normal; }
table.tight th, table.tight td { padding: .3rem .45rem; font-size: .85rem; }
table.tight th { white-space: normal; vertical-align: bottom; }
table.words td:first-child { white-space: nowrap; }
"""

_PALETTE: Final = 256
"""Colours of a picture: a page of a thousand trials must be one that is sent by mail."""

CAPTIONS: Final = {
    "history": "Each point is a trial; the line is the best so far. Dashed: the best simple "
    "method, which needs no tuning. Vertical lines: the rules changed the space.",
    "error-cdf": "How many scans are located within how many metres; higher and further left is "
    "better.",
    "importance": "A bar is the share of the variance of the error that a parameter makes, the "
    "line its 95 % interval. Grey: the interval reaches 0, so chance alone may have made it.",
    "contours": "The error over pairs of the parameters that matter most, smoothed over "
    "neighbouring trials; dark is a low error, the star is the trial with the least. White: "
    "nobody tried there. The least of many noisy trials is not the bottom of the surface.",
    "slices": "The error over each parameter by itself; dark points are later trials, the star is "
    "the least error. Where points lie in a level band, the parameter does not matter.",
    "parallel": "One line a trial, across its parameters to its error at the right.",
    "rungs": "The error at each rung. Red ends were stopped there.",
    "gaps": "A point is a trial. Red: the gap between held-out and training rows is beyond 2 "
    "standard errors. Green: the finalists, the chosen one a star.",
    "cost": "Processor seconds of each trial, and of all until then.",
}
"""What each picture shows."""

_OF_NOISE: Final = "No parameter could be told from noise: what follows is a picture of chance. "


def write_study_report(report: StudyReport, path: Path) -> None:
    """Write a study as one HTML file that needs nothing from outside.

    Args:
        report: the study, ended or not.
        path: the file; its folder is made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html_of(report), encoding="utf-8")


def html_of(report: StudyReport) -> str:
    """Return the page of a study."""
    title = f"Tuning on {report.survey}"
    together, told, axes = _parameters(report)
    with tempfile.TemporaryDirectory() as folder:
        plots = Path(folder)
        _draw(report, axes, told, plots)
        body = list(_body(report, together, told, plots))
    return page(title, [f"<h1>{escape(title)}</h1>", *body], style=_STYLE)


def _parameters(report: StudyReport) -> tuple[Importance | None, list[Importance], list[Axis]]:
    """What the parameters explain, together and each, and their axes, the important ones first."""
    ended = report.complete()
    axes = axes_of(report, ended)
    if len(ended) < FEWEST_TRIALS or not axes:
        return None, [], axes
    together, told = importances(axes, _errors(report))
    rank = {one.name: place for place, one in enumerate(told)}
    return together, told, sorted(axes, key=lambda axis: rank[axis.name])


def _errors(report: StudyReport) -> Array:
    return np.array([one.dev_m for one in report.complete()])


def _draw(report: StudyReport, axes: list[Axis], told: list[Importance], plots: Path) -> None:
    errors = _errors(report)
    draw_history(report, plots / "history.png")
    draw_cdf(report, plots / "error-cdf.png")
    draw_importance(told, plots / "importance.png")
    draw_contours(axes, errors, plots / "contours.png")
    draw_slices(axes[:MOST_AXES], errors, plots / "slices.png")
    draw_parallel(axes[:MOST_AXES], errors, plots / "parallel.png")
    draw_rungs(report, plots / "rungs.png")
    gaps = [gap_se_m(one.trainings, Context()) for one in report.complete()]
    draw_gaps(report, gaps, plots / "gaps.png")
    draw_cost(report, plots / "cost.png")


def _body(
    report: StudyReport, together: Importance | None, told: list[Importance], plots: Path
) -> Iterator[str]:
    yield tables.verdict_box(report)
    yield f"<p>{escape(' '.join(tables.in_short(report)))}</p>"
    yield tables.simple_methods_note(report)
    if report.finalists or report.simple:
        yield "<h2>Finalists and simple methods</h2>" + tables.candidates(report)
        yield from _picture(plots, "error-cdf")
        yield tables.settings(report)
    yield tables.by_hand(report)
    yield "<h2>How the search went</h2>"
    yield from _picture(plots, "history")
    yield from _picture(plots, "rungs")
    yield "<h2>What matters</h2>" + what_matters(report, together, told)
    noise = bool(told) and all(one.is_noise for one in told)
    yield from _picture(plots, "importance")
    yield from _picture(plots, "contours", _OF_NOISE if noise else "")
    yield from _picture(plots, "slices")
    yield from _picture(plots, "parallel")
    yield "<h2>Learnt by heart?</h2>"
    yield from _picture(plots, "gaps")
    yield "<h2>How the trials ended</h2>" + tables.verdicts(report)
    found = tables.diagnoses(report)
    yield f"<h3>What the diagnosis found</h3>{found}" if found else ""
    yield "<h2>What the rules did to the space</h2>" + tables.actions(report)
    yield "<h2>What it cost</h2>"
    yield from _picture(plots, "cost")
    yield "<h2>What the words mean</h2>" + definitions(tables.WORDS.items())
    yield f'<p class="quiet">{escape(report.provenance)}</p>'


def what_matters(report: StudyReport, together: Importance | None, told: list[Importance]) -> str:
    """Return what the parameters explain of the error, in plain words.

    Args:
        report: the study.
        together: what all of them explain; None where there were too few trials to say.
        told: what each of them explains.
    """
    if together is None:
        ended = len(report.complete())
        return (
            f"<p>{ended} finished trials say nothing of importance; {FEWEST_TRIALS} are needed.</p>"
        )
    interval = f"{percent(max(together.low, 0))} to {percent(max(together.high, 0))}"
    if all(one.is_noise for one in told):
        words = (
            "Together, the parameters explain nothing of the error that could be told from noise "
            f"(at most {percent(max(together.high, 0))} of its variance): within this space it "
            "does not matter what is chosen, and the best trial is the luckiest."
        )
    else:
        words = (
            f"Together, the parameters explain {percent(together.share)} ({interval}) of the "
            "variance of the error; the rest is chance, or what these trials cannot show."
        )
    quiet = [one.name for one in told if one.is_noise]
    said = f" Not distinguishable from noise: {', '.join(quiet)}." if quiet else ""
    return f"<p>{escape(words + said)}</p>"


def _shrink(path: Path) -> None:
    """Rewrite a picture with a palette: a quarter of the bytes, and nobody sees it."""
    from PIL import Image

    with Image.open(path) as whole:
        whole.convert("RGB").quantize(_PALETTE).save(path, optimize=True)


def _picture(plots: Path, name: str, before: str = "") -> Iterator[str]:
    path = plots / f"{name}.png"
    if path.exists():
        _shrink(path)
        yield picture(path, before + CAPTIONS[name])
