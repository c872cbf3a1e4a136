"""What the product says about one moment: a position, or why there is none."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from localizer.beacons import BeaconId
from localizer.bundle import Bundle
from localizer.features import scan_to_vector
from localizer.locate import PositionEstimate
from localizer.scans import Scan
from localizer.site import Position

Status = Literal["ok", "no_signal", "stale", "out_of_area"]
"""`ok` alone has a position."""

Cause = Literal[
    "starting",
    "nothing_heard",
    "no_known_beacon",
    "too_few_beacons",
    "outside_floor",
    "not_a_number",
    "source_silent",
    "source_ended",
    "source_failed",
]
"""Why a fix has no position; machine-readable, and never renamed."""

OUTSIDE_MARGIN_M: Final = 3.0
"""Metres beyond the floor's bounds up to which a position stands: the usual error of a BLE fix, so
that somebody at a wall is not lost. What lies further out is not on this floor."""


to_json: Final = json.JSONEncoder(
    separators=(",", ":"), allow_nan=False, ensure_ascii=False, check_circular=False
).encode
"""Values to JSON text in one line; raises ValueError instead of sending a NaN."""


class Heard(NamedTuple):
    """One beacon of the bundle with the level that went into the model."""

    beacon: BeaconId
    rssi_dbm: float


class Verdict(NamedTuple):
    """An estimate, judged: what may be told to a user."""

    status: Status
    cause: Cause | None
    position: Position | None
    """There if and only if the status is `ok`."""


@dataclass(frozen=True, slots=True)
class Fix:
    """What the API sends for one window."""

    seq: int
    """Counts from 1 without gaps from the start of the service; 0 before the first window."""
    time_utc: datetime
    """Capture: the end of the window, aware, UTC."""
    published_utc: datetime
    """When the fix was made, aware, UTC."""
    x_m: float | None
    """Metres in the site's frame; a number only if the status is `ok`."""
    y_m: float | None
    """Metres in the site's frame; a number only if the status is `ok`."""
    floor: str
    """The floor that the bundle locates on."""
    status: Status
    cause: Cause | None
    """Why there is no position; None for `ok`."""
    heard: tuple[Heard, ...]
    """Beacons of the bundle that the window heard, loudest first."""
    bundle: str
    """Id of the bundle that computed this."""
    truth: tuple[float, float] | None = None
    """Where the receiver really was (x, y), metres, if the source knows it."""
    error_m: float | None = None
    """Distance from position to truth, metres, where there are both."""
    r68_m: float | None = None
    """Radius about the position that holds the receiver with 68 % probability, metres; None
    without a position, or from a bundle whose model gives no distribution."""
    r95_m: float | None = None


class Judge:
    """Decides which estimates of one bundle are positions."""

    def __init__(self, bundle: Bundle, *, margin_m: float = OUTSIDE_MARGIN_M) -> None:
        """Take the bounds of the bundle's floor.

        Args:
            bundle: whose estimates come.
            margin_m: how far outside the floor's bounds a position still stands, metres.
        """
        self.floor = bundle.manifest.floor
        x_min, y_min, x_max, y_max = bundle.site.bounds_m(self.floor)
        self._low = (x_min - margin_m, y_min - margin_m)
        self._high = (x_max + margin_m, y_max + margin_m)

    def judge(self, estimate: PositionEstimate, *, heard_other: bool) -> Verdict:
        """Return what may be told of an estimate.

        Args:
            estimate: what the locator gave.
            heard_other: whether beacons were heard that are not of the bundle.
        """
        if estimate.position is not None:
            return self.judge_xy(estimate.position.x_m, estimate.position.y_m)
        return Verdict("no_signal", cause_of_silence(estimate.heard, heard_other), None)

    def judge_xy(self, x_m: float, y_m: float) -> Verdict:
        """Return what may be told of a computed position, metres."""
        if not (math.isfinite(x_m) and math.isfinite(y_m)):
            return Verdict("out_of_area", "not_a_number", None)
        inside_x = self._low[0] <= x_m <= self._high[0]
        if not (inside_x and self._low[1] <= y_m <= self._high[1]):
            return Verdict("out_of_area", "outside_floor", None)
        return Verdict("ok", None, Position(x_m, y_m, self.floor))


def cause_of_silence(heard: int, heard_other: bool) -> Cause:
    """Return why a scan that heard `heard` beacons of the bundle has no position."""
    if heard:
        return "too_few_beacons"
    return "no_known_beacon" if heard_other else "nothing_heard"


def heard_in(scan: Scan, bundle: Bundle) -> tuple[Heard, ...]:
    """Return the bundle's beacons that a scan heard, aggregated as its spec says, loudest first."""
    spec, scan = bundle.spec, bundle.known(scan)
    if all(len(rssis) == 1 for rssis in scan.readings.values()):
        known = _set_of(spec.beacons)
        found = [Heard(b, round(r[0], 1)) for b, r in scan.readings.items() if b in known]
    else:
        rssi, mask = scan_to_vector(scan, spec.beacons, spec.aggregation)
        found = [Heard(spec.beacons[i], round(float(rssi[i]), 1)) for i in np.flatnonzero(mask)]
    return tuple(sorted(found, key=_loudest_first))


@lru_cache(maxsize=32)
def _set_of(beacons: tuple[BeaconId, ...]) -> frozenset[BeaconId]:
    return frozenset(beacons)


def _loudest_first(one: Heard) -> tuple[float, BeaconId]:
    return -one.rssi_dbm, one.beacon


def error_m(position: Position | None, truth: Position | None) -> float | None:
    """Return the distance of a position from the truth in the plane, metres, or None."""
    if position is None or truth is None:
        return None
    return math.hypot(position.x_m - truth.x_m, position.y_m - truth.y_m)


def utc_text(moment: datetime) -> str:
    """Return an aware UTC moment as ISO 8601 with milliseconds and Z."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fix_to_json(fix: Fix) -> str:
    """Return a fix as the JSON text that every way out sends; one line."""
    return to_json(fix_to_dict(fix))


def fix_to_dict(fix: Fix) -> dict[str, Any]:
    """Return a fix as JSON-ready values; metres to the millimetre."""
    truth = fix.truth
    return {
        "seq": fix.seq,
        "time_utc": utc_text(fix.time_utc),
        "published_utc": utc_text(fix.published_utc),
        "x_m": to_mm(fix.x_m),
        "y_m": to_mm(fix.y_m),
        "floor": fix.floor,
        "status": fix.status,
        "cause": fix.cause,
        "heard": heard_to_json(fix.heard),
        "bundle": fix.bundle,
        "truth": None if truth is None else {"x_m": to_mm(truth[0]), "y_m": to_mm(truth[1])},
        "error_m": to_mm(fix.error_m),
        "r68_m": to_mm(fix.r68_m),
        "r95_m": to_mm(fix.r95_m),
    }


def heard_to_json(heard: Sequence[Heard]) -> list[dict[str, Any]]:
    """Return what was heard as JSON-ready values."""
    return [{"beacon": one.beacon, "rssi_dbm": one.rssi_dbm} for one in heard]


def to_mm(metres: float | None) -> float | None:
    """Return metres rounded to the millimetre, None as None."""
    return None if metres is None else round(metres, 3)
