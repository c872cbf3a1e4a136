"""A run as one self-contained page in plain words, and the same tables as Markdown."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np

from training.catalogue import NETWORKS, SIMPLE_METHODS
from training.evaluation import Evaluation, MethodResult
from training.markdown import error_markdown, extra_markdown
from training.report import error_cells, extras, title_of
from training.splits import SPLITS

PICTURES: Final = {
    "error-cdf": "How many scans are located within how many metres. Higher and further left is "
    "better. Networks in colour, simple methods muted.",
    "error-map": "Where the errors are: darker places are worse, arrows show which way a place's "
    "scans are pulled, triangles are beacons.",
    "by-beacons-heard": "Errors against how many beacons a scan heard; below, how many scans "
    "those were.",
    "calibration": "Whether a method knows how unsure it is: on the dashed line a disc that is "
    "said to hold 68 % of the probability holds the truth in 68 % of the scans.",
    "outages": "What happens when beacons fail and nobody trains anew.",
    "training-curves": "How the networks learnt: the curves should have flattened out.",
}
"""What each kind of picture shows, by the start of its file name, in the order of the page."""

WORDS: Final = {
    "error": "distance on the floor between where a scan was taken and where a method puts it",
    "mean, interval": "average error of all test scans, and where that average would lie in 95 of "
    "100 surveys of other places like these (bootstrapped by place)",
    "median, p75, p95": "half, three quarters and 95 % of the scans have an error below this",
    "gain": "how many metres a method is better on average than the best simple one, scan by scan, "
    "with its 95 % interval; if that interval reaches below 0, the gain may be luck",
    "seed sd": "how much the average of a network moves when only its random start changes",
    "NLL, energy score": "how good the predicted probabilities are; lower is better",
    "disc": "the circle that a method says holds the truth with that probability: how often it "
    "did, and its mean radius. Small circles are good only if they hold what they promise",
    "session": "one uninterrupted campaign of the survey, such as a day",
    "development, sealed": "methods are built and compared on development sessions; sealed ones "
    "are kept for one last reading (evaluate --final)",
}

STYLE: Final = """
body { font: 16px/1.55 system-ui, sans-serif; color: #1d2731; max-width: 62rem; margin: 2rem auto;
  padding: 0 1.2rem; }
h1 { font-size: 1.7rem; } h2 { margin-top: 2.6rem; border-bottom: 1px solid #d9dfe5; }
table { border-collapse: collapse; margin: 1rem 0; font-size: .9rem; display: block;
  overflow-x: auto; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #e6eaee;
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
tr.best td { font-weight: 600; background: #eef7ee; } tr.network td:first-child { color: #b03a4a; }
.short { background: #f3f6f9; padding: .8rem 1.2rem; border-radius: .5rem; }
.caveat { background: #fdf1e3; padding: .6rem 1rem; border-radius: .5rem; }
figure { margin: 1.4rem 0; } img { max-width: 100%; border: 1px solid #e6eaee; }
figcaption, .quiet { color: #5b6773; font-size: .9rem; } dt { font-weight: 600; }
"""


def write_reports(
    workdir: Path, evaluations: Sequence[Evaluation], cell_m: float | None, run: dict[str, Any]
) -> None:
    """Write `report.html` and `report.md` into a work directory whose plots are there already.

    Args:
        workdir: with its pictures in `plots`.
        evaluations: the first one's split is told first.
        cell_m: side of the survey's grid cell, or None.
        run: provenance, as `run.json` has it.
    """
    page = html_report(workdir / "plots", evaluations, cell_m, run)
    (workdir / "report.html").write_text(page, encoding="utf-8")
    (workdir / "report.md").write_text(markdown_report(evaluations, cell_m, run), encoding="utf-8")


def in_short(evaluation: Evaluation) -> str:
    """Return who wins a split and by how much, in plain words."""
    best, baseline = evaluation.best, evaluation.best_baseline
    s = best.summary
    start = (
        f"Best is {_named(best)}: {s.mean:.2f} m on average ({s.ci_low:.2f} to {s.ci_high:.2f}), "
        f"half of the scans within {s.median:.2f} m, 95 % within {s.p95:.2f} m."
    )
    networks = [result for result in evaluation.results if not result.is_baseline]
    if not networks:
        return f"{start} No network took part."
    network = best if not best.is_baseline else networks[0]
    gain, low, high = evaluation.gain(network)
    against = f"{_named(network)} and {_named(baseline)}, the best simple method"
    if low > 0:
        won = f"the network gains {gain:.2f} m ({low:.2f} to {high:.2f})"
        return f"{start} Between {against}, {won}."
    if high < 0:
        lost = f"the network loses {-gain:.2f} m ({-high:.2f} to {-low:.2f})"
        return f"{start} Between {against}, {lost}."
    return (
        f"{start} Between {against}, the difference is {gain:+.2f} m ({low:+.2f} to {high:+.2f}), "
        "which may be luck."
    )


def _named(result: MethodResult) -> str:
    return f"\u201c{title_of(result)}\u201d"


def markdown_report(
    evaluations: Sequence[Evaluation], cell_m: float | None, run: dict[str, Any]
) -> str:
    """Return every table of a run as Markdown."""
    parts = [f"# {run['site']}, floor {run['floor']}", f"Survey: {run['survey']}"]
    parts += [run["exported"]] if run["exported"] else []
    for evaluation in evaluations:
        split = evaluation.split
        parts.append(f"## Split `{split.name}`: {split.what}")
        parts += [f"**{split.caveat}**"] if split.caveat else []
        parts.append(in_short(evaluation))
        parts.append(f"{len(evaluation.rows)} single scans; gain over the best simple method.")
        parts.append(error_markdown(evaluation, cell_m))
        parts += extra_markdown(evaluation)
    return "\n\n".join(part.strip() for part in parts) + "\n"


def html_report(
    plots: Path, evaluations: Sequence[Evaluation], cell_m: float | None, run: dict[str, Any]
) -> str:
    """Return the page; it needs nothing from outside.

    Args:
        plots: folder of the pictures; those that are not there are left out.
        evaluations: the first one's split is told first.
        cell_m: side of the survey's grid cell, or None.
        run: provenance, as `run.json` has it.
    """
    title = f"How accurate is it? {run['site']}"
    body = [
        f"<h1>{escape(title)}</h1>",
        _compared(evaluations, run),
        *[_section(evaluation, cell_m, plots) for evaluation in evaluations],
        _methods(evaluations, run),
        "<h2>What the words mean</h2>" + definitions(WORDS.items()),
        _left_out(evaluations, run),
        _provenance(run),
    ]
    return page(title, body)


def page(title: str, body: Iterable[str], *, style: str = "") -> str:
    """Return a whole document in the look of every report.

    Args:
        title: as text.
        body: its parts, as HTML.
        style: rules of CSS beside those of every report.
    """
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _compared(evaluations: Sequence[Evaluation], run: dict[str, Any]) -> str:
    rows = evaluations[0].rows
    places = len(np.unique(rows.place))
    names = [title_of(result) for result in evaluations[0].results if not result.is_baseline]
    simple = sum(result.is_baseline for result in evaluations[0].results)
    networks = f"{count(len(names), 'network')} ({', '.join(names)})" if names else "no network"
    asked = "".join(
        f"<li><b>{escape(e.split.what)}</b> (split <code>{escape(e.split.name)}</code>): "
        f"{escape(in_short(e))}</li>"
        for e in evaluations
    )
    return (
        f"<p>This page compares {count(simple, 'simple method')} and {escape(networks)} on "
        f"{count(len(rows), 'scan')} of {count(places, 'place')}, taken in "
        f"{count(len(np.unique(rows.session)), 'session')} with "
        f"{count(len(np.unique(rows.device)), 'device')} (survey {escape(run['survey'])}); "
        f"{count(len(rows.beacons), 'beacon')}, floor {escape(str(run['floor']))}. "
        "Every scan is located by methods that never saw it; what "
        "else is kept from them differs from split to split.</p>"
        f'<div class="short"><b>In short</b>{_exported(run)}<ul>{asked}</ul></div>'
    )


def _exported(run: dict[str, Any]) -> str:
    if not run["exported"]:
        return ""
    return (
        f"<p>{escape(run['exported'])} It is the bundle in this folder: <code>localizer serve "
        "--bundle FOLDER/bundle</code> answers with its positions.</p>"
    )


def count(number: int, thing: str) -> str:
    """Return how many there are of a thing, in words."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _section(evaluation: Evaluation, cell_m: float | None, plots: Path) -> str:
    split = evaluation.split
    meaning = split.meaning or (SPLITS[split.name].meaning if split.name in SPLITS else "")
    caveat = f'<p class="caveat">Not an honest figure: {escape(split.caveat)}.</p>'
    parts = [
        f"<h2>{escape(split.what.capitalize())}</h2>",
        f"<p>{escape(meaning)}</p>",
        caveat if split.caveat else "",
        f"<p>{escape(in_short(evaluation))}</p>",
        _tables(evaluation, cell_m),
        *_pictures(plots, split.name),
    ]
    return "\n".join(part for part in parts if part)


def _tables(evaluation: Evaluation, cell_m: float | None) -> str:
    unit = "m" if cell_m is None else "m (cells)"
    columns = ("interval, m", "seed sd", "median", "p75", "p95", "gain, m")
    errors = [error_cells(evaluation, result, cell_m) for result in evaluation.results]
    parts = [_table(("method", f"mean, {unit}", *columns), errors, evaluation.results)]
    for extra in extras(evaluation):
        parts.append(f"<h3>{escape(extra.title)}</h3><p>{escape(extra.explanation)}</p>")
        parts.append(_table(extra.header, extra.rows, ()))
    return "\n".join(parts)


def _table(
    header: Sequence[str], rows: Sequence[Sequence[str]], results: Sequence[MethodResult]
) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    lines = []
    for number, row in enumerate(rows):
        kinds = ["best"] if number == 0 and results else []
        kinds += ["network"] if results and not results[number].is_baseline else []
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in row)
        lines.append(f'<tr class="{" ".join(kinds)}">{cells}</tr>')
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _pictures(plots: Path, split: str) -> Iterable[str]:
    for start, caption in PICTURES.items():
        for path in sorted(plots.glob(f"{start}-{split}*.png")):
            yield picture(path, caption)


def picture(path: Path, caption: str) -> str:
    """Return a PNG with what it shows, inside the page itself."""
    data = base64.b64encode(path.read_bytes()).decode()
    return (
        f'<figure><img alt="{escape(path.stem)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _methods(evaluations: Sequence[Evaluation], run: dict[str, Any]) -> str:
    took_part = {result.method: result for e in evaluations for result in e.results}
    simple = {
        method.title: method.what for name, method in SIMPLE_METHODS.items() if name in took_part
    }
    networks = {
        title_of(result): NETWORKS.get(run["kinds"].get(result.method, ""), "trained on the survey")
        + "; its settings stand in this folder"
        for result in took_part.values()
        if not result.is_baseline
    }
    return "<h2>The methods</h2>" + definitions({**simple, **networks}.items())


def definitions(items: Iterable[tuple[str, str]]) -> str:
    """Return words with their meaning, as HTML; both are given as text."""
    lines = (f"<dt>{escape(word)}</dt><dd>{escape(meaning)}</dd>" for word, meaning in items)
    return f"<dl>{''.join(lines)}</dl>"


def _left_out(evaluations: Sequence[Evaluation], run: dict[str, Any]) -> str:
    notes = [*run["warnings"], *run["notes"]]
    notes += [f"Split {e.split.name}: {e.leaks.in_words()}" for e in evaluations]
    asked = {evaluation.split.name for evaluation in evaluations}
    others = [name for name, split in SPLITS.items() if split.honest and name not in asked]
    if others:
        notes.append(f"Honest splits that were not asked for: {', '.join(others)}.")
    took_part = {result.method for e in evaluations for result in e.results}
    missing = [method.title for name, method in SIMPLE_METHODS.items() if name not in took_part]
    if missing:
        notes.append(f"Simple methods that were not asked for: {', '.join(missing)}.")
    notes.append("Scans of sealed sessions, scans without a known place, and rows that are no "
                 "measurements are not scored.")  # fmt: skip
    said = {(r.method, note) for e in evaluations for r in e.results for note in r.notes}
    notes += [f"{method}: {note}" for method, note in sorted(said)]
    lines = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<h2>What was left out, and what to know</h2><ul>{lines}</ul>"


def _provenance(run: dict[str, Any]) -> str:
    commit = f"{run['git_commit'][:12]}{' with changes' if run['git_dirty'] else ''}"
    configs = ", ".join(f"{name} {sha[:12]}" for name, sha in run["configs"].items()) or "none"
    return (
        f'<p class="quiet">Made {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; code {escape(commit)}; '
        f"data {run['data_sha256'][:12]}; networks' settings: {escape(configs)}; "
        f"{count(len(run['seeds']), 'seed')}. The same figures for machines: metrics.json.</p>"
    )
