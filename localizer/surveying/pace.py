"""How long the rest of a survey takes at the pace of its last points."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from localizer.survey.records import Recording

RECENT: Final = 10
"""Points that the pace is taken from: surveyors get quicker, and rooms differ from corridors."""

MAX_STEP_S: Final = 600.0
"""From the end of one point to the end of the next, seconds. Longer is a break, and no pace."""


def seconds_per_point(recordings: Sequence[Recording]) -> float | None:
    """Return what a point takes with the way to it: the median of the last `RECENT`, seconds.

    From the end of one recording at a point to the end of the next one at another, within one
    session. While there is no such pair, a recording's own duration.

    Args:
        recordings: of any kind and status, in any order.

    Returns:
        None before the first point is finished.
    """
    done = sorted(
        (one for one in recordings if one.kind == "point" and one.status == "complete"),
        key=lambda one: one.started_utc,
    )
    ended = [(one, end) for one in done if (end := one.ended_utc) is not None]
    steps = [
        (end - end_before).total_seconds()
        for (before, end_before), (one, end) in pairwise(ended)
        if one.session == before.session and one.point != before.point
    ]
    steps = [step for step in steps if 0 < step <= MAX_STEP_S]
    if steps:
        return float(np.median(steps[-RECENT:]))
    durations = [one.duration_s for one, _ in ended if one.duration_s]
    return float(np.median(durations[-RECENT:])) if durations else None


def minutes_left(recordings: Sequence[Recording], points_left: int) -> float | None:
    """Return how long the points that are left take at this pace, minutes.

    Returns:
        0 when none is left, None while nothing is known of the pace.
    """
    if points_left <= 0:
        return 0.0
    pace_s = seconds_per_point(recordings)
    return None if pace_s is None else pace_s * points_left / 60
