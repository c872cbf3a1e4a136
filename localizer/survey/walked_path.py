"""Where the surveyor was between the waypoints of a walk, and how sure that is."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from localizer.clock import NS_PER_S
from localizer.errors import SurveyError
from localizer.site import Position, distance_m
from localizer.survey.records import Waypoint
from localizer.surveying.pacing import pace_sd_m

STAND_SD_M: Final = 0.3
"""How well somebody stands on a point of the plan, along each axis, metres: half a step, and the
finger's width on a plan. What is smaller in labels than in reality makes a model too sure."""

TAP_SD_S: Final = 0.5
"""How well the tap on the phone meets the moment of passing a waypoint, seconds: people tap up to a
second early or late, because they look at the phone or at the way. At walking pace it is 0.6 m."""


class WalkedPlace(NamedTuple):
    """Where the surveyor was at one moment of a walk."""

    position: Position
    sd_m: float
    """Standard deviation along the way, metres."""


class WalkedPath:
    """A walk in straight lines at a steady pace from one waypoint to the next.

    Raises:
        SurveyError: the times of the waypoints decrease.
    """

    def __init__(self, waypoints: Sequence[Waypoint]) -> None:
        for before, after in pairwise(waypoints):
            if after.time_ns < before.time_ns:
                raise SurveyError(
                    "the waypoints of a walk must be in the order of time, but one at "
                    f"{after.time_ns} ns comes after one at {before.time_ns} ns"
                )
        self._waypoints = waypoints
        self._times_ns = [waypoint.time_ns for waypoint in waypoints]

    def at(self, time_ns: int, *, window_s: float) -> WalkedPlace | None:
        """Return the place at the middle of a scan.

        Its standard deviation along the way is that of where the waypoints are (`STAND_SD_M`), of
        when they were tapped (speed times `TAP_SD_S`), of an uneven pace (`pace_sd_m`, which grows
        with the distance from the nearer tap), and of the way walked within the scan (a uniform
        distribution: speed times length / sqrt(12)), which are independent.

        Args:
            time_ns: the middle of the scan on the recording's clock.
            window_s: the length of the scan, seconds.

        Returns:
            None before the first waypoint, after the last, and on the way to another floor.
        """
        after = bisect_right(self._times_ns, time_ns)
        if after == len(self._times_ns) and after and self._times_ns[-1] == time_ns:
            after -= 1
        if not 0 < after < len(self._times_ns):
            return None
        return self._between(self._waypoints[after - 1], self._waypoints[after], time_ns, window_s)

    def _between(
        self, a: Waypoint, b: Waypoint, time_ns: int, window_s: float
    ) -> WalkedPlace | None:
        if a.position.floor != b.position.floor:
            return None
        took_s = (b.time_ns - a.time_ns) / NS_PER_S
        share = (time_ns - a.time_ns) / (b.time_ns - a.time_ns) if took_s else 1.0
        x_m = a.position.x_m + share * (b.position.x_m - a.position.x_m)
        y_m = a.position.y_m + share * (b.position.y_m - a.position.y_m)
        speed = distance_m(a.position, b.position) / took_s if took_s else 0.0
        pace_m = pace_sd_m(speed, share * took_s, (1 - share) * took_s)
        sd_m = math.hypot(STAND_SD_M, speed * TAP_SD_S, pace_m, speed * window_s / math.sqrt(12))
        return WalkedPlace(Position(x_m, y_m, a.position.floor), sd_m)
