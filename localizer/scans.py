"""What was heard: one packet, one window of packets, and one window with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from localizer.beacons import BeaconId
from localizer.site import Position

WEAKEST_DBM: Final = -150.0
"""Below is no reading but a sentinel for "not heard", such as -200: the thermal noise of a BLE
channel (1 MHz) alone is -114 dBm, and radios report -127 dBm at the least."""

Role = Literal["development", "sealed"]
"""Who may read a session: fit and cross-validation (development), or the final evaluation alone."""

SessionState = Literal["open", "closed"]
"""Whether a session is still being recorded."""


@dataclass(frozen=True, slots=True)
class Advertisement:
    """One packet heard; the only thing that a source yields."""

    beacon: BeaconId
    rssi_dbm: float
    """Received signal strength, dBm; always below 0."""
    time_ns: int
    """When it was heard, nanoseconds on the source's monotonic clock."""
    measured_power_dbm: float | None = None
    """RSSI at 1 m that the beacon itself announces, dBm."""
    receiver: str | None = None
    """Which receiver heard it, where there are several."""


@dataclass(frozen=True, slots=True)
class Scan:
    """All packets of one window. A beacon that was not heard is a missing key."""

    start_ns: int
    """Start of the window, nanoseconds on a monotonic clock."""
    duration_s: float
    """Length of the window, seconds."""
    readings: Mapping[BeaconId, tuple[float, ...]]
    """Every RSSI heard, dBm, by beacon; no tuple is empty."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One scan, with the place where it was taken if somebody stood there and said so."""

    scan: Scan
    session: str
    """One uninterrupted campaign of the survey."""
    visit: str
    """The consecutive scans at one place; unique within the survey."""
    device: str
    """The receiver's model, never its address."""
    time_utc: datetime
    """When the scan was taken; aware, UTC."""
    local_date: date
    """The date on the surveyor's own calendar."""
    position: Position | None = None
    """Where the scan was taken; None if unlabelled."""
    position_sd_m: float | None = None
    """Standard deviation of that position, metres."""
    heading_deg: float | None = None
    """Where the receiver faced, degrees counter-clockwise from +x."""
    synthetic: str | None = None
    """Why this row is no measurement (a copy, a generated row); None for a genuine one."""


@dataclass(frozen=True, slots=True)
class Session:
    """One uninterrupted campaign of a survey, with the role that decides who may read it."""

    id: str
    role: Role
    device: str
    note: str = ""
    person: str | None = None
    """Who surveyed, for those who wish to say so; can be erased."""
    started_utc: datetime | None = None
    """When it began; aware, UTC. None for imports that do not say."""
    utc_offset_s: int | None = None
    """Seconds that the surveyor's clock was ahead of UTC, for local dates. An offset, not the name
    of a zone: it stays right when a zone changes its rules, and needs no zone database."""
    state: SessionState = "closed"
    """Whether recordings can still be added."""
    expires_utc: datetime | None = None
    """From when on nobody reads it; aware, UTC. None: never."""
