"""The parts of a report, from the advice at the top to the sessions at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

import numpy as np

from localizer.beacons import BeaconId
from localizer.site import Floor
from localizer.survey import Point, Visit
from localizer.survey_report.advice import changed_at
from localizer.survey_report.advice_words import Advice, Need, count_words, name_of
from localizer.survey_report.beacon_lines import BeaconLine
from localizer.survey_report.gathered import Gathered
from localizer.survey_report.html import Cell, cell, figure, table, tags
from localizer.survey_report.noise import MIN_PACKETS, draw_noise, noise_of
from localizer.surveying.cells import heard_cells
from localizer.surveying.consistency import MAX_RMS, Comparison
from localizer.surveying.drawing import DrawnPoint, draw_floor
from localizer.surveying.progress import PointProgress
from localizer.surveying.steadiness import MAX_SPREAD_DB

MAX_LABELS: Final = 45
"""Points of a floor up to which each has its name on the map; with more, only those that somebody
must go to."""

MIN_ACROSS: Final = 5
MAX_ACROSS: Final = 40
"""Cells over the longer side of a floor. Their side is as the points are apart, so that each has
one; fewer would hide what lacks, and more could not be read."""

CELL_SPACINGS: Final = 1.3
"""Side of a cell over how far the points are apart: with 1, a grid that is a little wider in one
direction than in the other leaves stripes without a point."""

MAX_COMPARED: Final = 500
"""Points whose distances are taken for that: all pairs of them."""

SHOWN_PAIRS: Final = 15
"""Contradictions that are shown at once; the others are behind a fold."""

NOISIEST: Final = 8
"""Lines of the table of noise; the drawing has the others."""

_NEEDS: Final[dict[Need, str]] = {
    "first": "misleads training",
    "soon": "lacking",
    "later": "worth knowing",
}


def section_advice(advice: Sequence[Advice]) -> str:
    """Return what to do, numbered."""
    if not advice:
        return (
            '<p class="done"><b>Nothing to survey again.</b> Every point is done, and its visits '
            "agree.</p>"
        )
    items = "".join(
        f'<li class="{one.need}"><span class="need">{_NEEDS[one.need]}</span>'
        f"<b>{escape(one.title)}</b><p>{escape(one.text)}</p>{tags(one.points)}</li>"
        for one in advice
    )
    return f'<ol class="advice">{items}</ol>'


def section_coverage(gathered: Gathered) -> Iterator[str]:
    """Yield the maps of every floor."""
    yield "<h2>Coverage</h2>"
    for floor in gathered.site.floors:
        here = [one for one in gathered.progress.points if one.point.position.floor == floor.id]
        if not here:
            yield f'<p class="quiet">No points on floor {escape(floor.name or floor.id)}.</p>'
            continue
        yield f"<h3>Floor {escape(floor.name or floor.id)}</h3>"
        done = sum(one.done for one in here)
        drawing = draw_floor(floor, points=_drawn(here, gathered), beacons=gathered.site.beacons)
        caption = f"{done} of {count_words(len(here), 'point')} done."
        yield figure(drawing, caption, css="map")
        yield _cells(gathered, floor)


def _drawn(points: Sequence[PointProgress], gathered: Gathered) -> list[DrawnPoint]:
    every = len(points) <= MAX_LABELS
    # An imported one is named after its place, which the map shows.
    named = {one.point.id for one in gathered.recorded.points}
    return [
        DrawnPoint(
            one.point.position,
            one.state,
            _label(one, every=every) if one.point.id in named else "",
        )
        for one in points
    ]


def _label(one: PointProgress, *, every: bool) -> str:
    return name_of(one)[:14] if every or one.state not in ("agree", "one_visit") else ""


def _cells(gathered: Gathered, floor: Floor) -> str:
    xs, ys = zip(*floor.outline, strict=True)
    here = [one.point for one in gathered.coverage.points if one.point.position.floor == floor.id]
    longer_m = max(max(xs) - min(xs), max(ys) - min(ys))
    # A whole number of cells over the width: none stands out beyond the wall to the right.
    width_m = max(xs) - min(xs)
    wanted_m = CELL_SPACINGS * _spacing_m(here)
    side_m = float(np.clip(wanted_m, longer_m / MAX_ACROSS, longer_m / MIN_ACROSS))
    cell_m = width_m / max(1, round(width_m / side_m))
    heard = [
        (one.point.position, visit.heard.keys())
        for one in gathered.coverage.points
        for visit in one.visits
    ]
    cells = heard_cells(floor, heard, cell_m=cell_m)
    if not (cells.recordings > 0).any():
        return ""
    drawing = draw_floor(floor, beacons=gathered.site.beacons, cells=cells)
    thin = int(cells.thin.sum())
    told = f"Few are heard in {count_words(thin, 'cell')}." if thin else "Enough everywhere."
    return figure(
        drawing,
        f"How many beacons are heard, in cells of {cell_m:.1f} m; without a shade nobody has "
        f"recorded. {told}",
        css="map",
    )


def _spacing_m(points: Sequence[Point]) -> float:
    """Return how far the points are from their next neighbours, in the median, metres."""
    at = np.array([(one.position.x_m, one.position.y_m) for one in points[:MAX_COMPARED]])
    if len(at) < 2:
        return 0.0
    away = np.hypot(*(at[:, np.newaxis] - at[np.newaxis]).T)
    away[away == 0] = np.inf
    nearest = away.min(axis=0)
    return float(np.median(nearest)) if np.isfinite(nearest).all() else 0.0


def section_beacons(
    gathered: Gathered, lines: Sequence[BeaconLine], names: tuple[str, dict[BeaconId, str]]
) -> str:
    """Return how often and how loud each beacon was heard."""
    prefix, short = names
    visited = sum(bool(one.visits) for one in gathered.coverage.points)
    fastest = max((line.rate_hz or 0.0 for line in lines), default=0.0)
    changed = changed_at(gathered)
    rows = [
        [
            cell(short.get(line.beacon, line.beacon), "id", title=line.beacon),
            _state(line, len(changed.get(line.beacon, ()))),
            f"{line.packets:,}",
            f"{len(line.points)} of {visited}",
            _number(line.mean_dbm, "dBm", 0),
            _number(line.max_dbm, "dBm", 0),
            _rate(line, fastest),
            _number(line.sd_db, "dB", 1),
            f"{line.last:%Y-%m-%d}" if line.last else "–",
        ]
        for line in lines
    ]
    told = f" All ids start with <code>{escape(prefix)}</code>." if prefix else ""
    header = ("beacon", "state", "packets", "points", "mean", "loudest", "a second", "noise",
              "last heard")  # fmt: skip
    return (
        "<h2>Beacons</h2><p>Points: at how many of those visited it was heard. A second: packets "
        "in the recordings that heard it; it depends on the radio as much as on the beacon, so "
        "compare beacons with each other. Noise: how much its RSSI varies while somebody stands "
        f"still.{told}</p>{table(header, rows, words=(0, 1))}"
    )


def _state(line: BeaconLine, changed: int) -> Cell:
    words = {
        "heard": "",
        "silent": "never heard",
        "unknown": "not in the site",
        "retired": "retired",
    }
    said = [words[line.state], line.note]
    said.append(f"changed at {count_words(changed, 'point')}" if changed else "")
    text = "; ".join(filter(None, said))
    css = "words bad" if line.state == "silent" or changed else "words"
    return cell(text or "heard", css)


def _rate(line: BeaconLine, fastest: float) -> Cell:
    if line.rate_hz is None:
        return cell("–", "")
    width = 100 * line.rate_hz / fastest if fastest else 0
    return Cell(
        f'<td>{line.rate_hz:.2f}<span class="rail"><span class="bar" '
        f'style="width:{width:.0f}%"></span></span></td>'
    )


def _number(value: float | None, unit: str, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f} {unit}"


def section_noise(gathered: Gathered, short: dict[BeaconId, str]) -> str:
    """Return the spread of each beacon at each point."""
    noise = noise_of(gathered.coverage.points)
    if not noise:
        return (
            "<h2>Noise</h2><p>Nothing can be said: no beacon was heard "
            f"{MIN_PACKETS} times at one point.</p>"
        )
    wide = sum(one.sd_db > MAX_SPREAD_DB for one in noise)
    middle = noise[len(noise) // 2].sd_db
    rows = [
        [one.point, cell(short.get(one.beacon, one.beacon), "id", title=one.beacon),
         f"{one.sd_db:.1f} dB", f"{one.packets:,}"]
        for one in noise[:NOISIEST]
    ]  # fmt: skip
    return (
        "<h2>Noise</h2><p>Standard deviation of the RSSIs of one beacon at one point while "
        f"somebody stands there. Half of the {len(noise):,} pairs have less than {middle:.1f} dB; "
        f"{count_words(wide, 'pair')} more than {MAX_SPREAD_DB:g} dB (red).</p>"
        + figure(draw_noise(noise, short), "dB; the noisiest points first.")
        + "<details><summary>The noisiest pairs in figures</summary>"
        + table(("point", "beacon", "noise", "packets"), rows, words=(0, 1))
        + "</details>"
    )


def section_contradictions(gathered: Gathered, short: dict[BeaconId, str]) -> str:
    """Return which visits of a point tell another story, and in which beacons."""
    visits = {
        one.point.id: [v for v in one.visits if v.recording.status == "complete"]
        for one in gathered.coverage.points
    }
    points = gathered.progress.points
    compared = [one for one in points if one.consistency.comparisons]
    rows = [
        _contradiction(one, pair, visits[one.point.id], short)
        for one in compared
        for pair in one.consistency.comparisons
        if not pair.agrees
    ]
    start = "<h2>Contradictions between visits</h2>"
    if not compared:
        return f"{start}<p>No point has two visits that could be compared.</p>"
    if not rows:
        return (
            f"{start}<p>None: at all {count_words(len(compared), 'point')} with several visits, "
            "they agree.</p>"
        )
    rows.sort(key=lambda row: -float(row[4]))
    header = ("point", "visit", "against", "device differs by", "misfit", "beacons that changed")
    wrong = sum(not pair.agrees for one in compared for pair in one.consistency.comparisons)
    return (
        f"{start}<p>{len(compared)} of {count_words(len(points), 'point')} have several visits; "
        f"{count_words(wrong, 'pair')} of those tell another story. A constant difference of the "
        "device is taken away before. Misfit: differences in standard deviations of what is usual "
        f"from day to day; visits of one place stay below {MAX_RMS}.</p>"
        + table(header, rows[:SHOWN_PAIRS], words=(0, 1, 2, 5))
        + _folded(header, rows[SHOWN_PAIRS:])
    )


def _folded(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    return (
        f"<details><summary>and {len(rows)} more</summary>"
        f"{table(header, rows, words=(0, 1, 2, 5))}</details>"
    )


def _contradiction(
    one: PointProgress, pair: Comparison, visits: Sequence[Visit], short: dict[BeaconId, str]
) -> list[str]:
    first, second = visits[pair.first], visits[pair.second]
    changes = [_change(beacon, first, second, short) for beacon in pair.changed]
    return [
        name_of(one),
        _when(first),
        _when(second),
        f"{pair.offset_db:+.1f} dB",
        f"{pair.rms:.1f}",
        cell(", ".join(changes) or "none alone: all differ a little", "long"),
    ]


def _when(visit: Visit) -> str:
    session = visit.recording.session
    day = f"{visit.recording.started_utc:%Y-%m-%d}"
    return f"{visit.recording.started_utc:%Y-%m-%d %H:%M}" + (
        "" if session == day else f" ({session})"
    )


def _change(beacon: BeaconId, first: Visit, second: Visit, short: dict[BeaconId, str]) -> str:
    levels = [
        f"{visit.heard[beacon].mean_dbm:.0f} dBm" if beacon in visit.heard else "not heard"
        for visit in (first, second)
    ]
    return f"{short.get(beacon, beacon)}: {levels[0]} → {levels[1]}"


def section_sessions(gathered: Gathered) -> str:
    """Return who recorded how much."""
    rows = []
    for session in gathered.sessions:
        visits = [v for _, v in gathered.visits() if v.recording.session == session.id]
        seconds = sum(visit.recording.duration_s or 0.0 for visit in visits)
        began = min((v.recording.started_utc for v in visits), default=session.started_utc)
        cut_off = sum(visit.recording.status == "incomplete" for visit in visits)
        state = [session.role, "open" if session.state == "open" else ""]
        state.append("expired" if session.id not in gathered.readable else "")
        state.append(f"{cut_off} cut off" if cut_off else "")
        rows.append(
            [
                session.id,
                ", ".join(filter(None, state)),
                session.device,
                session.person or "",
                f"{began:%Y-%m-%d %H:%M}" if began else "–",
                f"{len(visits):,}",
                f"{seconds / 60:.1f} min",
                f"{sum(visit.scans for visit in visits):,}",
                f"{sum(visit.adverts for visit in visits):,}",
                cell(session.note, "long"),
            ]
        )
    header = ("session", "role", "device", "person", "began (UTC)", "recordings", "length",
              "scans", "packets", "note")  # fmt: skip
    discarded = len(gathered.discarded)
    told = f"<p>{count_words(discarded, 'recording')} discarded.</p>" if discarded else ""
    return f"<h2>Sessions</h2>{table(header, rows, words=(0, 1, 2, 3, 9))}{told}"
