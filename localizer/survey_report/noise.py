"""How much the RSSIs of each beacon vary at each point, drawn and told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from localizer.beacons import BeaconId
from localizer.survey import PointCoverage
from localizer.survey_report.beacon_lines import pooled_sd_db
from localizer.surveying.steadiness import MAX_SPREAD_DB

MIN_PACKETS: Final = 5
"""Of a beacon at a point, from which its spread is drawn: of fewer, it may be 0 or twice what it
is."""

MAX_ROWS: Final = 60
MAX_COLUMNS: Final = 60
"""Of the drawing; the noisiest are shown, because more would be too small to be read."""

_SIDE: Final = 20.0
_PER_CHARACTER: Final = 6.6
_MAX_NAME: Final = 22
"""Characters of a name beside the drawing."""


@dataclass(frozen=True, slots=True)
class Noise:
    """The spread of one beacon at one point."""

    point: str
    """What it is called."""
    beacon: BeaconId
    sd_db: float
    packets: int


def noise_of(points: Sequence[PointCoverage]) -> list[Noise]:
    """Return the spread of every beacon at every point where it can be told, the widest first.

    It is the spread within a recording, over all recordings at the point.
    """
    found = []
    for one in points:
        name = one.point.name or one.point.id
        for beacon in sorted({beacon for visit in one.visits for beacon in visit.heard}):
            heard = [visit.heard[beacon] for visit in one.visits if beacon in visit.heard]
            packets = sum(stats.count for stats in heard)
            spread = pooled_sd_db(heard)
            if spread is not None and packets >= MIN_PACKETS:
                found.append(Noise(name, beacon, spread, packets))
    return sorted(found, key=lambda one: (-one.sd_db, one.point, one.beacon))


def draw_noise(noise: Sequence[Noise], names: dict[BeaconId, str]) -> str:
    """Return an SVG: a row for each point, a column for each beacon, darker where it varies more.

    Args:
        noise: the widest first.
        names: short ones of the beacons.
    """
    rows = list(dict.fromkeys(one.point for one in noise))[:MAX_ROWS]
    columns = sorted(list(dict.fromkeys(one.beacon for one in noise))[:MAX_COLUMNS])
    at_row, at_column = (
        {name: n for n, name in enumerate(rows)},
        {b: n for n, b in enumerate(columns)},
    )
    left = 16 + _PER_CHARACTER * max(len(_cut(name)) for name in rows)
    head = 16 + _PER_CHARACTER * max(len(_cut(names.get(one, one))) for one in columns)
    width = left + _SIDE * len(columns) + 60
    height = head + _SIDE * len(rows) + 10
    parts = [
        f'<text x="{left - 8:g}" y="{head + n * _SIDE + 15:g}" text-anchor="end">'
        f"{escape(_cut(name))}</text>"
        for name, n in at_row.items()
    ]
    for beacon, n in at_column.items():
        x = left + n * _SIDE + 14
        parts.append(
            f'<text transform="translate({x:g} {head - 6:g}) rotate(-60)">'
            f"{escape(_cut(names.get(beacon, beacon)))}</text>"
        )
    for one in noise:
        if one.point in at_row and one.beacon in at_column:
            parts.append(
                _square(
                    one,
                    (left + at_column[one.beacon] * _SIDE, head + at_row[one.point] * _SIDE),
                    names,
                )
            )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'class="noise" style="max-width:{1.25 * width:g}px">{"".join(parts)}</svg>'
    )


def _square(one: Noise, at: tuple[float, float], names: dict[BeaconId, str]) -> str:
    x, y = at
    wide = one.sd_db > MAX_SPREAD_DB
    shade = "#b3261e" if wide else "#2b6cb0"
    opacity = 1.0 if wide else 0.08 + 0.8 * min(1.0, one.sd_db / MAX_SPREAD_DB)
    ink = "#fff" if wide or opacity > 0.6 else "#1d2731"
    told = f"{names.get(one.beacon, one.beacon)} at {one.point}: {one.sd_db:.1f} dB"
    return (
        f'<g><title>{escape(told)}, {one.packets} packets</title><rect x="{x:g}" y="{y:g}" '
        f'width="{_SIDE - 1:g}" height="{_SIDE - 1:g}" fill="{shade}" '
        f'fill-opacity="{opacity:.2f}"/><text x="{x + _SIDE / 2 - 0.5:g}" y="{y + 14:g}" '
        f'text-anchor="middle" style="fill:{ink}">{one.sd_db:.0f}</text></g>'
    )


def _cut(name: str) -> str:
    return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 1]}…"
