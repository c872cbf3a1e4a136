"""Where a simulated receiver goes: about at random, or with a surveyor who says where they are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from localizer.clock import NS_PER_S, Clock
from localizer.site import Floor
from localizer.sources.whereabouts import Whereabouts
from localizer.walkable import barriers, crossings
from localizer.walker import Leg, random_walk

STEP_NS: Final = NS_PER_S
"""Length of the legs of a receiver that is carried, nanoseconds: in one of them a walker meets a
wall 1.2 m late at most, and stops before it instead."""

_MIN_BETWEEN_S: Final = 0.2
"""Between two taps that tell a speed, seconds: two quick ones are a slip of the finger."""

_Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Said:
    """What was said last, and how fast they went then."""

    where: Whereabouts | None
    since_ns: int
    velocity_m_s: _Place = (0.0, 0.0)


class CarriedReceiver:
    """A receiver's legs, without gaps in time; from leg to leg they may turn.

    On a walk the next place is known only when it is reached. Up to there the receiver goes on as
    between the last two, until a wall stops it; after the first it waits.

    Args:
        floor: where to walk.
        rng: the stream of random numbers that the random walk is drawn from.
        clock: says when somebody said something.
    """

    def __init__(self, floor: Floor, rng: np.random.Generator, clock: Clock) -> None:
        self._floor = floor
        self._rng = rng
        self._clock = clock
        self._barriers = barriers(floor)
        # Each replaced as a whole: what is said may come from another thread.
        self._said = self._heeded = _Said(None, clock.now_ns())

    @property
    def turned(self) -> bool:
        """Whether something was said since the last leg was begun: what is left of it is void."""
        return self._said is not self._heeded

    @property
    def floor_id(self) -> str:
        """The floor of the last leg; nothing is known of the air on any but the simulated one."""
        where = self._heeded.where
        return self._floor.id if where is None else where.place.floor

    def be_at(self, where: Whereabouts | None) -> None:
        """Be there from now on; None: walk about at random."""
        now_ns, before = self._clock.now_ns(), self._said
        self._said = _Said(where, now_ns, _velocity_m_s(before, where, now_ns))

    def legs(self) -> Iterator[Leg]:
        """Walk for ever, from now on."""
        time_ns = self._clock.now_ns()
        wandering = random_walk(self._floor, self._rng, start_ns=time_ns)
        here: _Place | None = None
        while True:
            if self.turned:
                self._heeded, here = self._said, None
            said = self._heeded
            if said.where is None:
                leg = _begun_at(next(wandering), time_ns)
            else:
                leg = self._carried(said, said.where, here, time_ns)
                here = leg.to_m
            yield leg
            # Whoever reads the legs leaves one that is void at what the clock shows.
            now_ns = max(leg.start_ns, self._clock.now_ns())
            time_ns = min(leg.end_ns, now_ns) if self.turned else leg.end_ns

    def _carried(self, said: _Said, where: Whereabouts, here: _Place | None, time_ns: int) -> Leg:
        start = (where.place.x_m, where.place.y_m) if here is None else here
        step_s = STEP_NS / NS_PER_S
        (vx, vy), (x, y) = said.velocity_m_s, start
        end = (x + vx * step_s, y + vy * step_s)
        if crossings(np.array([start]), np.array([end]), self._barriers).any():
            end = start
        ahead = math.degrees(math.atan2(vy, vx)) % 360 if (vx, vy) != (0.0, 0.0) else 0.0
        heading_deg = ahead if where.heading_deg is None else where.heading_deg
        return Leg(time_ns, time_ns + STEP_NS, start, end, heading_deg)


def _velocity_m_s(before: _Said, where: Whereabouts | None, now_ns: int) -> _Place:
    """Return how somebody goes on who has walked from the last place to this one."""
    last, between_s = before.where, (now_ns - before.since_ns) / NS_PER_S
    if where is None or last is None or not (where.walking and last.walking):
        return 0.0, 0.0
    if between_s < _MIN_BETWEEN_S or where.place.floor != last.place.floor:
        return 0.0, 0.0
    a, b = last.place, where.place
    return (b.x_m - a.x_m) / between_s, (b.y_m - a.y_m) / between_s


def _begun_at(leg: Leg, start_ns: int) -> Leg:
    return replace(leg, start_ns=start_ns, end_ns=start_ns + leg.end_ns - leg.start_ns)
