"""How each beacon was heard over a whole survey."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from localizer.beacons import BeaconId
from localizer.survey import HeardStats
from localizer.survey_report.gathered import Gathered

BeaconState = Literal["heard", "silent", "unknown", "retired"]
"""``silent``: in the site, but never heard. ``unknown``: heard, but not in the site. ``retired``:
replaced by another one."""


@dataclass(slots=True)
class BeaconLine:
    """One beacon over all visits that are read."""

    beacon: BeaconId
    state: BeaconState
    note: str = ""
    """Replaced by what, or moved when."""
    packets: int = 0
    points: set[str] = field(default_factory=set)
    """Ids of the points at which it was heard."""
    mean_dbm: float | None = None
    """Of all packets."""
    max_dbm: float | None = None
    heard_s: float = 0.0
    """Length of the recordings in which it was heard."""
    last: datetime | None = None
    """When the last recording began in which it was heard."""
    sd_db: float | None = None
    """Spread within a recording, over all of them; None while nothing is known of it."""

    @property
    def rate_hz(self) -> float | None:
        """Packets a second while it was heard; None if nobody knows how long that was."""
        return self.packets / self.heard_s if self.heard_s > 0 else None


def beacon_lines(gathered: Gathered) -> list[BeaconLine]:
    """Return all beacons of the site and all that were heard: silent ones first, then by id."""
    in_site = {beacon.id for beacon in gathered.site.beacons}
    replaced = {one.beacon: one for one in gathered.changes if one.replacement is not None}
    lines: dict[BeaconId, BeaconLine] = {
        beacon: BeaconLine(beacon, "silent") for beacon in sorted(in_site)
    }
    parts: dict[BeaconId, list[HeardStats]] = {}
    for point, visit in gathered.visits():
        for beacon, stats in visit.heard.items():
            line = lines.setdefault(beacon, BeaconLine(beacon, "unknown"))
            parts.setdefault(beacon, []).append(stats)
            line.heard_s += visit.recording.duration_s or 0.0
            line.last = max(filter(None, (line.last, visit.recording.started_utc)))
            if point is not None:
                line.points.add(point.point.id)
    for beacon, heard in parts.items():
        _sum_up(lines[beacon], heard)
    for change in gathered.changes:
        what = "moved" if change.replacement is None else f"replaced by {change.replacement}"
        line = lines.setdefault(change.beacon, BeaconLine(change.beacon, "retired"))
        line.note = f"{what} {change.since_utc:%Y-%m-%d}"
        if change.beacon in replaced and change.beacon not in in_site:
            line.state = "retired"
    order = {"silent": 0, "heard": 1, "unknown": 2, "retired": 3}
    return sorted(lines.values(), key=lambda line: (order[line.state], line.beacon))


def _sum_up(line: BeaconLine, heard: Sequence[HeardStats]) -> None:
    line.packets = sum(one.count for one in heard)
    line.mean_dbm = sum(one.sum_dbm for one in heard) / line.packets
    line.max_dbm = max(one.max_dbm for one in heard)
    line.sd_db = pooled_sd_db(heard)
    if line.state == "silent":
        line.state = "heard"


def pooled_sd_db(heard: Iterable[HeardStats]) -> float | None:
    """Return the spread within recordings, dB, over several of them.

    The square root of the mean variance, weighed by the packets less one; None if no recording has
    two packets.
    """
    several = [one for one in heard if one.count > 1]
    if not several:
        return None
    freedom = sum(one.count - 1 for one in several)
    return math.sqrt(sum((one.count - 1) * one.sd_dbm**2 for one in several) / freedom)


def short_names(beacons: Sequence[BeaconId]) -> tuple[str, dict[BeaconId, str]]:
    """Return what all ids start with, up to a colon, and the rest of each of them."""
    if not beacons:
        return "", {}
    first, last = min(beacons), max(beacons)
    same = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), 0)
    prefix = first[: first.rfind(":", 0, same) + 1]
    return prefix, {beacon: beacon[len(prefix) :] for beacon in beacons}
