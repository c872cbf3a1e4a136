"""The parts of the page that are text: verdict, tables, words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, Final

import numpy as np

from training.html_report import count
from training.tuning.by_hand import beside_by_hand
from training.tuning.diagnosis import DIAGNOSES
from training.tuning.report.content import GAP_IN_SE, Candidate, StudyReport
from training.tuning.rules import Action
from training.tuning.trials import VERDICTS
from training.tuning.wording import percent

_MOST_ACTIONS: Final = 60
"""Rows of the table of actions; the latest ones."""
_MOST_REASONS: Final = 3
_ERROR: Final = re.compile(r"\b\d+\.\d+ m\b")
"""What reasons of one rung differ by."""

WORDS: Final = {
    "trial": "one choice of every hyper-parameter, trained and scored once for each fold and seed",
    "error on held-out rows": "distance between where a scan was taken and where the network puts "
    "it, over scans that it was not trained on: the mean over folds and seeds; what the tuner "
    "makes small",
    "finalist": "one of the best trials, trained again on fresh random starts: the best of many "
    "trials is partly the luckiest, and luck does not come twice",
    "gain": "how many metres a finalist is better than the default, scan by scan, with its 95 % "
    "interval; an interval that reaches 0 means that the tuner may have found nothing",
    "gap": f"how much worse a network is on rows that it has not seen; marked ! beyond "
    f"{GAP_IN_SE:g} standard errors over folds",
    "unseen": "rows that were put aside before the search began; marked ! where they are worse "
    "than the held-out rows by more than chance: the search has adapted to those, or the rows that "
    "were put aside are harder, and then the simple methods are marked too",
    "rung": "a number of epochs after which trials that promise little are stopped",
    "importance": "share of the variance of the error that a parameter makes, by itself and with "
    "others, on trials that the model of it has not seen",
}


def verdict_box(report: StudyReport) -> str:
    """Return the verdict with its interval, above everything else."""
    told = report.outcome
    if told is None:
        best = report.best()
        so_far = "no trial has an error yet"
        if best is not None:
            so_far = (
                f"the best of {count(len(report.complete()), 'trial')} has {best.dev_m:.2f} m "
                "on held-out rows, which flatters: the luckiest of many always looks good"
            )
        return _box("short", "No verdict yet", f"{so_far[0].upper()}{so_far[1:]}. {report.status}")
    if told.gain:
        interval = f"{told.gain_m:.2f} m (95 % interval {told.low_m:.2f} to {told.high_m:.2f} m)"
        words = f"The tuned network is better than {told.against} by {interval}."
        return _box("short gain", "GAIN", f"{words} {told.why}")
    if any(one.chosen and one.is_default for one in report.finalists):
        words = f"No finalist is better than {told.against} by more than one standard error, on "
        return _box("caveat", "NO GAIN", f"{words}fresh seeds: it stays.")
    interval = f"{told.gain_m:+.2f} m (95 % interval {told.low_m:+.2f} to {told.high_m:+.2f} m)"
    words = (
        f"Against {told.against} the tuned network makes a difference of {interval}: "
        "that may be luck, or is none."
    )
    return _box("caveat", "NO GAIN", f"{words} {told.why}")


def _box(kind: str, title: str, words: str) -> str:
    return f'<div class="{kind}"><p class="verdict">{title}</p><p>{escape(words)}</p></div>'


def simple_methods_note(report: StudyReport) -> str:
    """Return whether the chosen network is worth its trouble at all."""
    chosen = next((one for one in report.finalists if one.chosen), None)
    if chosen is None or not report.simple:
        return ""
    best = report.simple[0]
    if chosen.high_m < best.low_m:
        return ""
    word = "worse than" if chosen.mean_m > best.mean_m else "hardly better than"
    return (
        f'<p class="caveat">The chosen network ({chosen.mean_m:.2f} m) is {word} {best.title} '
        f"({best.mean_m:.2f} m), which needs no training.</p>"
    )


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    kinds: Sequence[str] = (),
    look: str = "",
) -> str:
    """Return a table; cells are HTML, headers text.

    Args:
        header: of the columns.
        rows: cells.
        kinds: class of each row; none if empty.
        look: `words` for text, which begins at the left and wraps, `tight` for many columns.
    """
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    lines = []
    for number, row in enumerate(rows):
        kind = f' class="{kinds[number]}"' if kinds else ""
        lines.append(f"<tr{kind}>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>")
    return f'<table class="{look}"><thead><tr>{head}</tr></thead>' + (
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def by_hand(report: StudyReport) -> str:
    """Return a person's own points beside the search's; empty where there are none."""
    attempts = beside_by_hand(report.records)
    if not attempts:
        return ""
    rows = [
        [
            escape(one.who),
            str(one.trials),
            f"{one.seconds:.0f}",
            "none finished" if one.trial is None else f"{one.best_m:.2f} (trial {one.trial})",
            _on_fresh_seeds(report, one.trial),
        ]
        for one in attempts
    ]
    header = ("points", "trials", "processor s", "least error, m", "on fresh seeds, m")
    return "<h2>By hand and by search</h2>" + table(header, rows)


def _on_fresh_seeds(report: StudyReport, trial: int | None) -> str:
    found = next((one for one in report.finalists if one.trial == trial), None)
    if trial is None or found is None:
        return "no finalist"
    return f"{found.mean_m:.2f} [{found.low_m:.2f}, {found.high_m:.2f}]"


_CANDIDATE_COLUMNS: Final = (
    "interval, m", "gain over default, m", "training, m", "gap, m", "unseen, m", "median, p95, m",
)  # fmt: skip


def candidates(report: StudyReport) -> str:
    """Return the finalists and the simple methods, each group the best first."""
    every = [*report.finalists, *report.simple]
    unit = "mean, m" if report.cell_m is None else "mean, m (cells)"
    rows = [_candidate(one, report.cell_m) for one in every]
    kinds = ["best" if one.chosen else "" for one in every]
    return table(("", unit, *_CANDIDATE_COLUMNS), rows, kinds=kinds, look="tight")


def _candidate(one: Candidate, cell_m: float | None) -> list[str]:
    cells = "" if cell_m is None else f" ({one.mean_m / cell_m:.2f})"
    gain = "" if one.gain_m is None else "{:+.2f} ({:+.2f} to {:+.2f})".format(*one.gain_m)
    name = f"{escape(one.title)}{' (default)' if one.is_default else ''}"
    return [
        f"{name}{' (chosen)' if one.chosen else ''}",
        f"{one.mean_m:.2f}{cells}",
        f"{one.low_m:.2f} to {one.high_m:.2f}",
        gain,
        _metres(one.train_m),
        _marked(one.gap_m, one.wide_gap),
        _marked(one.unseen_m, one.wide_unseen_gap),
        "{:.2f}, {:.2f}".format(*np.quantile(one.errors_m, (0.5, 0.95))),
    ]


def _metres(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _marked(value: float | None, wide: bool) -> str:
    return f'<b class="wide">{_metres(value)} !</b>' if wide else _metres(value)


def settings(report: StudyReport) -> str:
    """Return the hyper-parameters of the finalists, one column each; empty without any."""
    known = [one for one in report.finalists if one.params]
    names = list(dict.fromkeys(name for one in known for name in one.params))
    rows = [
        [escape(name), *(escape(_value(one.params.get(name))) for one in known)] for name in names
    ]
    if not rows:
        return ""
    rows.append(["<i>trainable numbers</i>", *(f"{one.weights:,}" for one in known)])
    rows.append(["<i>fresh seeds</i>", *(str(one.seeds) for one in known)])
    header = ("parameter", *(one.title for one in known))
    return f"<h3>Their settings</h3>{table(header, rows)}"


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)


def verdicts(report: StudyReport) -> str:
    """Return how many trials ended how, and the most frequent reasons."""
    counts = Counter(one.verdict for one in report.records)
    most = max(counts.values(), default=1)
    rows = []
    for verdict in VERDICTS:
        if counts[verdict]:
            width = 100 * counts[verdict] / most
            bar = f'<span class="bar" style="width:{width:.0f}%"></span>'
            rows.append([verdict, str(counts[verdict]), f'<div class="bars">{bar}</div>',
                         _reasons(report, verdict)])  # fmt: skip
    return table(("verdict", "trials", "", "most frequent reasons"), rows, look="words")


def _reasons(report: StudyReport, verdict: str) -> str:
    told = Counter(
        _ERROR.sub("… m", one.reason)
        for one in report.records
        if one.verdict == verdict and one.reason
    ).most_common()
    said = [f"{escape(_short(reason))} ({number})" for reason, number in told[:_MOST_REASONS]]
    others = len(told) - _MOST_REASONS
    return "<br>".join([*said, *([f"{count(others, 'other reason')}"] if others > 0 else [])])


def _short(text: str, most: int = 90) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def diagnoses(report: StudyReport) -> str:
    """Return in how many trials each diagnosis was found; empty where none was."""
    found = Counter(one["name"] for record in report.records for one in record.findings)
    rows = [
        [name, str(found[name]), escape(_example(report, name))]
        for name in sorted(DIAGNOSES, key=lambda name: -found[name])
        if found[name]
    ]
    return table(("found", "trials", "for example"), rows, look="words") if rows else ""


def _example(report: StudyReport, name: str) -> str:
    evidence = (
        f"trial {record.number}: {one['evidence']}"
        for record in report.records
        for one in record.findings
        if one["name"] == name
    )
    return _short(next(evidence), 110)


def actions(report: StudyReport) -> str:
    """Return what the rules did to the space, the latest last."""
    if not report.rules:
        return "<p>The rules were off: the space stayed as it was.</p>"
    acted = [one for one in report.actions if one.acted]
    held = len(report.actions) - len(acted)
    if not acted:
        return f"<p>No rule changed the space; {count(held, 'time')} one was held back.</p>"
    header = ("space", "rule", "found", "changes", "trials after it better than before")
    said = f"<p>{count(len(acted), 'change')} of the space; {count(held, 'time')} a rule was held "
    note = (
        "back by its record or had no room. <code>python -m training tune explain TRIAL --study "
        f"{escape(report.study)}</code> says more."
    )
    rows = [_action(action) for action in acted[-_MOST_ACTIONS:]]
    return f"{said}{note}</p>" + table(header, rows, look="words")


def _action(action: Action) -> list[str]:
    changed = "<br>".join(
        f"<code>{escape(one.parameter)}</code>: {escape(one.before)} → {escape(one.after)}"
        for one in action.changes
    )
    better = "too early to say" if action.better is None else f"{percent(action.better)} of pairs"
    found = f"{action.diagnosis} in {len(action.found_in)} of {len(action.window)}"
    versions = f"v{action.versions[0]} → v{action.versions[1]}"
    return [versions, escape(action.rule), found, changed, better]


def in_short(report: StudyReport) -> Iterator[str]:
    """Return what was tried, in plain words, sentence by sentence."""
    tried = len(report.records)
    yield f"{count(tried, 'trial')} on {report.survey}; each trial's value is {report.objective}."
    yield f"{count(len(report.complete()), 'trial')} ran to the last epoch."
    seconds = sum(one.seconds for one in report.records)
    if seconds:
        yield f"They took {_duration(seconds)} of processor time."
    yield f"{report.status[:1].upper()}{report.status[1:]}."


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
