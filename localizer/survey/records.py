"""What a survey file holds beside fingerprints: points, recordings, plans and changes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from localizer.beacons import BeaconId
from localizer.clock import NS_PER_S
from localizer.site import Position
from localizer.surveying.scale import MeasuredDistance, PlanTransform

PointSource = Literal["grid", "free", "imported"]
"""How a reference point came about."""

RecordingKind = Literal["point", "walk", "unlabelled"]
"""One stand at a reference point, one walk from waypoint to waypoint, or scans without a place."""

RecordingStatus = Literal["open", "complete", "incomplete", "discarded"]
"""``open``: being recorded. ``complete``: training reads its fingerprints. ``incomplete``: the
program died meanwhile; what was committed is kept and waits for somebody to complete or discard it.
``discarded``: kept, but read by nobody; it can be completed after all."""

MAX_PLAN_BYTES: Final = 28 * 2**20
"""Bytes of a plan at most: more than an upload may have, and in base64 it still fits into one line
of a JSON Lines export (40 MiB)."""

_NS_PER_US: Final = 1_000


@dataclass(frozen=True, slots=True)
class Point:
    """A place of a floor that is to be surveyed."""

    id: str
    """Unique within the survey."""
    position: Position
    name: str = ""
    source: PointSource = "free"


@dataclass(frozen=True, slots=True)
class Waypoint:
    """Where the surveyor was at one moment of a walk."""

    time_ns: int
    """Nanoseconds on the recording's monotonic clock."""
    position: Position


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything heard in one stretch of one monotonic clock. Its id is its fingerprints' visit."""

    id: str
    """Unique within the survey."""
    session: str
    kind: RecordingKind
    started_ns: int
    """Nanoseconds on the source's monotonic clock."""
    started_utc: datetime
    """The same moment; aware, UTC."""
    status: RecordingStatus = "open"
    ended_ns: int | None = None
    """None while it is open; of one that was cut off, when its last packet was heard."""
    point: str | None = None
    """Where the surveyor stands; for ``point`` alone."""
    heading_deg: float | None = None
    """Where the receiver faced, degrees counter-clockwise from +x."""
    resumes: str | None = None
    """The recording that was cut off and that this one goes on with."""
    window_s: float | None = None
    """Length of the scans that were cut from it, seconds; None if there are none."""

    @property
    def duration_s(self) -> float | None:
        """How long it took, seconds on the monotonic clock; None while it is open."""
        return None if self.ended_ns is None else (self.ended_ns - self.started_ns) / NS_PER_S

    @property
    def ended_utc(self) -> datetime | None:
        """When it ended, UTC: its start plus the time on the monotonic clock."""
        return None if self.ended_ns is None else self.utc_of(self.ended_ns)

    def utc_of(self, time_ns: int) -> datetime:
        """Return the UTC time of a moment of its monotonic clock, whatever the wall clock did."""
        return self.started_utc + timedelta(microseconds=(time_ns - self.started_ns) // _NS_PER_US)


@dataclass(frozen=True, slots=True)
class FloorPlan:
    """The drawing of a floor, and where it lies in the site's frame."""

    floor: str
    media_type: str
    """``image/png``, ``image/jpeg``, ``image/svg+xml`` or ``application/geo+json``."""
    size_px: tuple[int, int] | None
    """Width and height at which it is shown, pixels; None for what is drawn in metres."""
    data: bytes
    transform: PlanTransform | None = None
    """From its pixels to metres; None until somebody has measured it."""
    distances: tuple[MeasuredDistance, ...] = ()
    """What was measured for it."""


@dataclass(frozen=True, slots=True)
class BeaconChange:
    """A beacon that was replaced at its place, or that hangs elsewhere since."""

    beacon: BeaconId
    since_utc: datetime
    """From when on; aware, UTC."""
    replacement: BeaconId | None = None
    """What hangs at its place since; None if the beacon itself was moved."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class SiteEdit:
    """One change of the site that can be undone."""

    number: int
    time_utc: datetime
    what: str
    """In words, for the screen."""


@dataclass(frozen=True, slots=True)
class HeardStats:
    """How one beacon was heard in one recording."""

    count: int
    """Packets."""
    sum_dbm: float
    sum_squares: float
    """Sum of the squared RSSIs, dBm^2."""
    min_dbm: float
    max_dbm: float

    @property
    def mean_dbm(self) -> float:
        """Mean RSSI, dBm."""
        return self.sum_dbm / self.count

    @property
    def sd_dbm(self) -> float:
        """Standard deviation of the RSSIs, dB (over n - 1); 0 for a single one."""
        if self.count == 1:
            return 0.0
        spread = self.sum_squares - self.sum_dbm**2 / self.count
        return math.sqrt(max(0.0, spread) / (self.count - 1))

    def __add__(self, other: HeardStats) -> HeardStats:
        return HeardStats(
            self.count + other.count,
            self.sum_dbm + other.sum_dbm,
            self.sum_squares + other.sum_squares,
            min(self.min_dbm, other.min_dbm),
            max(self.max_dbm, other.max_dbm),
        )
