"""Walks: whether taps on the plan can be what happened, and what they leave uncertain."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from localizer.clock import NS_PER_S
from localizer.errors import WalkError
from localizer.site import Site, distance_m
from localizer.survey.records import Waypoint
from localizer.walkable import barriers, crossings

MAX_SPEED_M_S: Final = 3.0
"""Metres a second. Brisk walking is 2; who runs taps on no phone. More is a tap on the wrong
place of the plan, or one that was forgotten: its scans would be learnt at wrong places."""

MIN_TIME_S: Final = 0.5
"""Between two taps, seconds, as far as speed goes: two waypoints that lie close together may be
tapped in one go, and half a second is how well a tap meets its moment."""

LONG_LEG_S: Final = 20.0
"""Of one leg, seconds. At its middle the place is off by 2 m and more: tap at corners and doors."""


class LegIssue(NamedTuple):
    """Something about the way from one waypoint to the next that the surveyor should look at."""

    leg: int
    """0 for the way from the first waypoint to the second."""
    reason: str
    """``through_wall``: the straight line crosses a wall, the outline or a blocked area, so that a
    waypoint is missing; ``long``: it took more than `LONG_LEG_S`; ``other_floor``: its scans stay
    unlabelled."""
    text: str


def check_tap(before: Waypoint | None, tap: Waypoint) -> None:
    """Refuse a tap that cannot follow the one before.

    Raises:
        WalkError: `reason` is ``not_later`` or ``too_fast``.
    """
    if before is None:
        return
    took_s = (tap.time_ns - before.time_ns) / NS_PER_S
    if took_s <= 0:
        raise WalkError(
            f"a tap must come later than the one before, but it comes {-took_s:.1f} s earlier; "
            "end this walk and begin another",
            reason="not_later",
        )
    if tap.position.floor != before.position.floor:
        return  # stairs and lifts: nobody knows the way, and nothing is labelled on it
    away_m = distance_m(before.position, tap.position)
    speed = away_m / max(took_s, MIN_TIME_S)
    if speed > MAX_SPEED_M_S:
        raise WalkError(
            f"a walk must stay below {MAX_SPEED_M_S:g} m/s, but {away_m:.1f} m in {took_s:.1f} s "
            f"are {speed:.1f} m/s; tap where you are now, or end the walk here",
            reason="too_fast",
        )


def check_taps(taps: Sequence[Waypoint]) -> None:
    """Refuse a walk whose taps cannot follow each other.

    Raises:
        WalkError: as `check_tap`, or there are fewer than two (``too_few_taps``).
    """
    if len(taps) < 2:
        raise WalkError(
            f"a walk must have at least 2 taps, its start and its end, but got {len(taps)}; "
            "record it as unlabelled, or discard it",
            reason="too_few_taps",
        )
    for before, tap in pairwise(taps):
        check_tap(before, tap)


def leg_issues(taps: Sequence[Waypoint], site: Site) -> tuple[LegIssue, ...]:
    """Return what about the legs of a walk the surveyor should look at, in order.

    Args:
        taps: at least two, in the order of time.
        site: whose walls and blocked areas nobody walks through.

    Raises:
        SiteError: a tap is on a floor that the site lacks.
    """
    issues: list[LegIssue] = []
    walls = {floor: barriers(site.floor(floor)) for floor in {one.position.floor for one in taps}}
    for leg, (a, b) in enumerate(pairwise(taps)):
        took_s = (b.time_ns - a.time_ns) / NS_PER_S
        if a.position.floor != b.position.floor:
            text = f"from floor {a.position.floor} to {b.position.floor}: nothing is labelled here"
            issues.append(LegIssue(leg, "other_floor", text))
            continue
        ends = np.array([[one.position.x_m, one.position.y_m] for one in (a, b)])
        if crossings(ends[:1], ends[1:], walls[a.position.floor]).any():
            text = "the straight line goes through a wall or a blocked area: a waypoint is missing"
            issues.append(LegIssue(leg, "through_wall", text))
        if took_s > LONG_LEG_S:
            text = f"{took_s:.0f} s without a tap: tap at corners and doors"
            issues.append(LegIssue(leg, "long", text))
    return tuple(issues)
