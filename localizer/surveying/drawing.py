"""A floor drawn as SVG for reports: readable on a phone, in print, and without colours.

Every state has a shape of its own beside its colour. There is no script in it, no reference to
anything outside, and every text is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from xml.sax.saxutils import escape

from localizer.site import Beacon, Floor, Position
from localizer.surveying.cells import ENOUGH_BEACONS, HeardCells
from localizer.surveying.drawing_frame import MARGIN, WIDTH, DrawingFrame

PointMark = Literal["lacking", "incomplete", "one_visit", "agree", "contradict", "check"]
"""What a point looks like; the first five are the states of `localizer.surveying.progress`."""

MARK: Final = 9.0
"""Half the size of a point's mark, units: 3 mm on a phone 7 cm wide in landscape, 1.5 mm printed
over the width of a page."""

_LEGEND_ROW: Final = 30.0
_LEGEND_COLUMNS: Final = 3
_FONT: Final = 18

_STYLE: Final = """
text{font:18px system-ui,sans-serif;fill:#111}
.outline{fill:#fff;stroke:#111;stroke-width:3}
.blocked{fill:#ddd;stroke:#777;stroke-width:1.5}
.wall{stroke:#111;stroke-width:4;stroke-linecap:round}
.beacon{fill:#111;stroke:#fff;stroke-width:1.5}
.lacking{fill:#fff;stroke:#555;stroke-width:2.5}
.incomplete{fill:#f5c518;stroke:#111;stroke-width:2}
.one_visit{fill:#2b6cb0;stroke:#fff;stroke-width:1.5}
.agree{fill:#23803f;stroke:#fff;stroke-width:1.5}
.contradict{fill:#c62828;stroke:#fff;stroke-width:1.5}
.check{fill:none;stroke:#111;stroke-width:2.5}
.arrow{stroke:#c62828;stroke-width:2.5}
.fixes{fill:#c62828}
.small{font-size:13px;text-anchor:middle;paint-order:stroke;stroke:#fff;stroke-width:3}
""".strip().replace("\n", "")

_WORDS: Final[dict[PointMark, str]] = {
    "lacking": "to do",
    "incomplete": "cut off",
    "one_visit": "one visit",
    "agree": "visits agree",
    "contradict": "visits contradict",
    "check": "check point",
}


@dataclass(frozen=True, slots=True)
class DrawnPoint:
    """A point on a drawing."""

    position: Position
    mark: PointMark
    label: str = ""
    """Beside it; short."""


@dataclass(frozen=True, slots=True)
class DrawnArrow:
    """From where the surveyor stood to where the fixes said, metres."""

    from_m: tuple[float, float]
    to_m: tuple[float, float]


def draw_floor(
    floor: Floor,
    *,
    points: Sequence[DrawnPoint] = (),
    beacons: Sequence[Beacon] = (),
    cells: HeardCells | None = None,
    arrows: Sequence[DrawnArrow] = (),
) -> str:
    """Return an SVG of a floor, with a legend of what is on it.

    Args:
        floor: which one.
        points: those of other floors are left out.
        beacons: those of other floors, or without a place, are left out.
        cells: how many beacons each cell hears, as shades with the number; None for none.
        arrows: errors of a check walk.
    """
    here = [point for point in points if point.position.floor == floor.id]
    placed = [
        (one, one.position)
        for one in beacons
        if one.position is not None and one.position.floor == floor.id
    ]
    frame = DrawingFrame.around(
        [
            *floor.outline,
            *((at.x_m, at.y_m) for _, at in placed),
            *((one.position.x_m, one.position.y_m) for one in here),
            *(arrow.to_m for arrow in arrows),
        ]
    )
    parts = [frame.polygon(floor.outline, "outline")]
    parts += _draw_cells(frame, cells) if cells else []
    parts += [frame.polygon(polygon, "blocked") for polygon in floor.blocked]
    parts += [frame.line(*wall, css="wall") for wall in floor.walls]
    parts += [_beacon(*frame.at(at.x_m, at.y_m), str(one.id)) for one, at in placed]
    parts += [_arrow(frame, arrow) for arrow in arrows]
    parts += [_point(frame, point) for point in here]
    legend = _legend(here, bool(placed), cells is not None, bool(arrows))
    rows = -(-len(legend) // _LEGEND_COLUMNS)
    height = frame.height + _LEGEND_ROW * (rows + 0.5)
    parts += [_entry(i, frame.height, entry) for i, entry in enumerate(legend)]
    parts.append(frame.scale_bar())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:.0f}" '
        f'role="img"><title>{escape(floor.name or floor.id)}</title><style>{_STYLE}</style>'
        f'<rect width="{WIDTH:g}" height="{height:.0f}" fill="#fff"/>{"".join(parts)}</svg>'
    )


def _mark(x: float, y: float, mark: PointMark) -> str:
    """Return a mark whose shape alone says what it is."""
    s = MARK
    if mark == "contradict":  # a triangle
        d = f"M{x:.1f} {y - s * 1.2:.1f}l{s * 1.2:.1f} {s * 2:.1f}h{-s * 2.4:.1f}z"
    elif mark == "incomplete":  # a square
        d = f"M{x - s:.1f} {y - s:.1f}h{2 * s:g}v{2 * s:g}h{-2 * s:g}z"
    elif mark == "one_visit":  # a diamond
        d = f"M{x:.1f} {y - s * 1.3:.1f}l{s * 1.3:.1f} {s * 1.3:.1f}l{-s * 1.3:.1f} "
        d += f"{s * 1.3:.1f}l{-s * 1.3:.1f} {-s * 1.3:.1f}z"
    elif mark == "check":  # a cross
        d = f"M{x - s:.1f} {y:.1f}h{2 * s:g}M{x:.1f} {y - s:.1f}v{2 * s:g}"
    else:  # circles: empty while lacking, full when visits agree
        return f'<circle class="{mark}" cx="{x:.1f}" cy="{y:.1f}" r="{s:g}"/>'
    return f'<path class="{mark}" d="{d}"/>'


def _point(frame: DrawingFrame, point: DrawnPoint) -> str:
    x, y = frame.at(point.position.x_m, point.position.y_m)
    drawn = _mark(x, y, point.mark)
    if point.label:
        label = escape(point.label)
        drawn += f'<text class="small" x="{x:.1f}" y="{y + MARK + 14:.1f}">{label}</text>'
    return drawn


def _arrow(frame: DrawingFrame, arrow: DrawnArrow) -> str:
    x, y = frame.at(*arrow.to_m)
    line = frame.line(arrow.from_m, arrow.to_m, css="arrow")
    return f'{line}<circle class="fixes" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'


def _beacon(x: float, y: float, name: str) -> str:
    d = f"M{x - 7:.1f} {y - 7:.1f}l14 14m0 -14l-14 14"
    return (
        f'<g><title>{escape(name)}</title><circle class="beacon" cx="{x:.1f}" cy="{y:.1f}" r="7"/>'
        f'<path d="{d}" stroke="#111" stroke-width="2" fill="none"/></g>'
    )


def _draw_cells(frame: DrawingFrame, cells: HeardCells) -> list[str]:
    most = max(1, int(cells.beacons.max()))
    side = cells.cell_m * frame.scale
    drawn = []
    for row, column in zip(*(cells.recordings > 0).nonzero(), strict=True):
        heard = int(cells.beacons[row, column])
        left, top = cells.x0_m + column * cells.cell_m, cells.y0_m + (row + 1) * cells.cell_m
        x, y = frame.at(float(left), float(top))
        if cells.thin[row, column]:  # the fewer, the redder
            shade, opacity = "#c62828", 0.15 + 0.3 * (1 - heard / ENOUGH_BEACONS)
        else:
            shade, opacity = "#2b6cb0", 0.12 + 0.4 * heard / most
        drawn.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{side:.1f}" height="{side:.1f}" '
            f'fill="{shade}" fill-opacity="{opacity:.2f}"/>'
        )
        if side >= 2 * _FONT:
            drawn.append(
                f'<text class="small" x="{x + side / 2:.1f}" y="{y + 15:.1f}">{heard}</text>'
            )
    return drawn


def _legend(
    points: Sequence[DrawnPoint], beacons: bool, cells: bool, arrows: bool
) -> list[tuple[str, str]]:
    """Return (kind, words) of what is on the drawing, points with their number."""
    counts = {mark: sum(point.mark == mark for point in points) for mark in _WORDS}
    entries = [(mark, f"{_WORDS[mark]} ({n})") for mark, n in counts.items() if n]
    return [
        *((str(mark), words) for mark, words in entries),
        *([("beacon", "beacon")] if beacons else []),
        *([("cells", f"beacons heard (red: below {ENOUGH_BEACONS})")] if cells else []),
        *([("arrow", "error of the fixes")] if arrows else []),
    ]


def _entry(number: int, top: float, entry: tuple[str, str]) -> str:
    kind, words = entry
    row, column = divmod(number, _LEGEND_COLUMNS)
    x = MARGIN + 10 + column * (WIDTH - 2 * MARGIN) / _LEGEND_COLUMNS
    y = top + _LEGEND_ROW * (row + 0.5)
    if kind == "beacon":
        drawn = _beacon(x, y, "beacon")
    elif kind == "cells":
        drawn = f'<rect x="{x - 9:.1f}" y="{y - 9:.1f}" width="18" height="18" fill="#2b6cb0" '
        drawn += 'fill-opacity="0.4"/>'
    elif kind == "arrow":
        drawn = f'<line class="arrow" x1="{x - 9:.1f}" y1="{y:.1f}" x2="{x + 9:.1f}" y2="{y:.1f}"/>'
    else:
        drawn = next(_mark(x, y, mark) for mark in _WORDS if mark == kind)
    return f'{drawn}<text x="{x + 20:.1f}" y="{y + 6:.1f}">{escape(words)}</text>'
