"""From a floor's metres to a drawing's units, and the plain shapes in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from localizer.site import Polygon

WIDTH: Final = 1000.0
"""Width of the drawing in its own units; a browser or a printer scales it to its page."""

MARGIN: Final = 30.0
"""Around the floor, units: half of a beacon or of a label may stand over its edge."""


@dataclass(frozen=True, slots=True)
class DrawingFrame:
    """From metres (y upwards) to the drawing's units (y downwards)."""

    x0_m: float
    """Left edge, metres."""
    y1_m: float
    """Upper edge, metres."""
    scale: float
    """Units in a metre."""
    height: float
    """Of the floor with its margins and the scale bar, units."""

    @classmethod
    def around(cls, points: Sequence[tuple[float, float]]) -> DrawingFrame:
        """Return the frame that shows all these points (x, y), metres, with a margin."""
        xs, ys = zip(*points, strict=True)
        width_m, height_m = max(max(xs) - min(xs), 0.1), max(ys) - min(ys)
        scale = (WIDTH - 2 * MARGIN) / max(width_m, height_m / 2)
        left_m = min(xs) - (WIDTH / scale - width_m) / 2
        return cls(left_m, max(ys) + MARGIN / scale, scale, height_m * scale + 3 * MARGIN)

    def at(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Return where a place lies, units."""
        return (x_m - self.x0_m) * self.scale, (self.y1_m - y_m) * self.scale

    def polygon(self, corners: Polygon, css: str) -> str:
        """Return a polygon of corners in metres."""
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.at(*corner) for corner in corners))
        return f'<polygon class="{css}" points="{drawn}"/>'

    def line(self, a: tuple[float, float], b: tuple[float, float], *, css: str) -> str:
        """Return a line between two places in metres."""
        (x1, y1), (x2, y2) = self.at(*a), self.at(*b)
        return f'<line class="{css}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'

    def scale_bar(self) -> str:
        """Return a bar of 1, 2 or 5 times a power of ten metres, about a fifth of the width."""
        wanted_m = WIDTH / 5 / self.scale
        power = 10.0 ** (len(str(int(wanted_m))) - 1) if wanted_m >= 1 else 0.1
        length_m = max(step * power for step in (1, 2, 5) if step * power <= max(wanted_m, power))
        x, y = WIDTH - MARGIN - length_m * self.scale, self.height - MARGIN / 2
        return (
            f'<line class="wall" x1="{x:.1f}" y1="{y:.1f}" x2="{WIDTH - MARGIN:.1f}" '
            f'y2="{y:.1f}"/><text x="{x - 8:.1f}" y="{y + 6:.1f}" text-anchor="end">'
            f"{length_m:g} m</text>"
        )
