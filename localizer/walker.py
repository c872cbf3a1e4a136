"""Somebody who walks about a floor: legs of straight walking and of standing still."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from localizer.clock import NS_PER_S, s_to_ns
from localizer.site import Floor
from localizer.walkable import WalkGrid

SPEED_M_S: Final = 1.2
"""Comfortable walking indoors, metres a second (Bohannon, Age and Ageing 26, 1997: 1.3)."""

STOP_PROBABILITY: Final = 0.4
"""Share of goals at which the walker stops: without stops, trackers are never tried at rest."""

STOP_S: Final = (2.0, 10.0)
"""Shortest and longest stop, seconds."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A stretch of time in which somebody walks straight on at one speed, or stands."""

    start_ns: int
    end_ns: int
    """When it is over; the next leg starts then."""
    from_m: tuple[float, float]
    to_m: tuple[float, float]
    """Where it ends, metres; `from_m` again for standing."""
    heading_deg: float
    """Where the walker faces, degrees counter-clockwise from +x."""

    def at(self, time_ns: int) -> tuple[float, float]:
        """Return x and y at a moment, metres; before or after the leg, those of its end."""
        share = (time_ns - self.start_ns) / max(1, self.end_ns - self.start_ns)
        share = min(1.0, max(0.0, share))
        (x1, y1), (x2, y2) = self.from_m, self.to_m
        return x1 + share * (x2 - x1), y1 + share * (y2 - y1)


def random_walk(
    floor: Floor, rng: np.random.Generator, *, start_ns: int = 0, speed_m_s: float = SPEED_M_S
) -> Iterator[Leg]:
    """Walk for ever between random points, around walls and what is blocked (random waypoints).

    Args:
        floor: where to walk; the walker stays in its largest connected part.
        rng: the stream of random numbers that the walk is drawn from.
        start_ns: when the first leg starts.
        speed_m_s: walking speed, metres a second.

    Yields:
        Legs without gaps in time or place.

    Raises:
        SiteError: the floor has no room to walk.
    """
    grid = WalkGrid(floor)
    here = int(rng.integers(len(grid.points_m)))
    time_ns, heading_deg = start_ns, 0.0
    while True:
        goal = int(rng.integers(len(grid.points_m)))
        corners = [(float(x), float(y)) for x, y in grid.path_m(here, goal)]
        for a, b in pairwise(corners):
            heading_deg = math.degrees(math.atan2(b[1] - a[1], b[0] - a[0])) % 360
            end_ns = time_ns + s_to_ns(math.dist(a, b) / speed_m_s)
            yield Leg(time_ns, end_ns, a, b, heading_deg)
            time_ns = end_ns
        # Standing also where the goal is where we are, or time would stand still with us.
        if rng.random() < STOP_PROBABILITY or goal == here:
            end_ns = time_ns + s_to_ns(rng.uniform(*STOP_S))
            yield Leg(time_ns, end_ns, corners[-1], corners[-1], heading_deg)
            time_ns = end_ns
        here = goal


def legs_until(legs: Iterator[Leg], end_ns: int) -> Iterator[Leg]:
    """Yield legs until one reaches `end_ns`, that one too."""
    for leg in legs:
        yield leg
        if leg.end_ns >= end_ns:
            return


def standing(xy_m: tuple[float, float], duration_s: float, *, start_ns: int = 0) -> Iterator[Leg]:
    """Stand at one place, facing +x, for `duration_s`, in legs of one second or less.

    Args:
        xy_m: where, metres.
        duration_s: how long, seconds.
        start_ns: from when on.
    """
    end_ns = start_ns + s_to_ns(duration_s)
    for time_ns in range(start_ns, end_ns, NS_PER_S):
        yield Leg(time_ns, min(end_ns, time_ns + NS_PER_S), xy_m, xy_m, 0.0)
