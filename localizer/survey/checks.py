"""What a survey file refuses: what it would not give back unchanged, or is no measurement."""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import datetime
from typing import Final

from localizer.beacons import BeaconId, parse_beacon_id
from localizer.errors import SiteError, SurveyError
from localizer.scans import WEAKEST_DBM, Advertisement, Fingerprint, Scan, Session
from localizer.site import Position

_MAX_QUOTE: Final = 80
"""Characters of a wrong value that a message repeats."""

_INT64: Final = range(-(2**63), 2**63)
"""What an INTEGER of SQLite holds."""

_MAX_UTC_OFFSET_S: Final = 24 * 3600
"""No clock is a day ahead of UTC."""


def check_session(session: Session, known: Collection[str]) -> None:
    """Refuse a session that the file cannot hold beside the `known` ids.

    Raises:
        SurveyError: an empty id or one that is there, an unknown role, or text that is not Unicode.
    """
    for name in ("id", "role", "device", "note"):
        check_text(f"a session's {name}", getattr(session, name), empty=name in ("device", "note"))
    if session.person is not None:
        check_text("a session's person", session.person)
    check_aware("started_utc", session.started_utc)
    check_aware("expires_utc", session.expires_utc)
    if session.state not in ("open", "closed"):
        raise SurveyError(f"a session must be 'open' or 'closed', but got {session.state!r}")
    if session.utc_offset_s is not None and abs(session.utc_offset_s) > _MAX_UTC_OFFSET_S:
        raise SurveyError(
            f"utc_offset_s must be at most {_MAX_UTC_OFFSET_S} s either way, but got "
            f"{session.utc_offset_s}"
        )
    if session.role not in ("development", "sealed"):
        raise SurveyError(f"a role must be 'development' or 'sealed', but got {session.role!r}")
    if session.id in known:
        raise SurveyError(
            f"a session id must stand once in a survey, but {session.id!r} is there already"
        )


def check_fingerprint(fingerprint: Fingerprint, known: Collection[str]) -> None:
    """Refuse a fingerprint that is no measurement or that the file would not give back unchanged.

    Args:
        fingerprint: what is to be added.
        known: the ids of the survey's sessions.

    Raises:
        SurveyError: naming the field, the value and what must hold.
    """
    if fingerprint.session not in known:
        raise SurveyError(
            f"a fingerprint's session must be one of the survey's, but got "
            f"{_quote(fingerprint.session)}; add the session first"
        )
    for name in ("session", "visit", "device"):
        check_text(name, getattr(fingerprint, name), empty=name == "device")
    if fingerprint.synthetic is not None:
        check_text("synthetic", fingerprint.synthetic)
    check_aware("time_utc", fingerprint.time_utc)
    if isinstance(fingerprint.local_date, datetime):
        raise SurveyError(f"local_date must be a date alone, but got {fingerprint.local_date!r}")
    _check_place(fingerprint)
    _check_scan(fingerprint.scan)


def _check_place(fingerprint: Fingerprint) -> None:
    if fingerprint.position is not None:
        check_position(fingerprint.position)
    if fingerprint.heading_deg is not None:
        check_finite("heading_deg", fingerprint.heading_deg)
    sd = fingerprint.position_sd_m
    if sd is not None:
        check_finite("position_sd_m", sd)
        if sd < 0:
            raise SurveyError(f"position_sd_m must be 0 or more, but got {sd}")


def _check_scan(scan: Scan) -> None:
    check_int64("start_ns", scan.start_ns)
    check_finite("duration_s", scan.duration_s)
    if scan.duration_s < 0:
        raise SurveyError(f"duration_s must be 0 or more, but got {scan.duration_s}")
    for beacon, values in scan.readings.items():
        check_beacon(beacon)
        if not values:
            raise SurveyError(
                f"{beacon} must have at least one RSSI, but got none; leave out the beacon"
            )
        for rssi in values:
            check_rssi(rssi)


def check_advertisement(one: Advertisement) -> None:
    """Refuse an advertisement that the file would not give back unchanged; but for its beacon id.

    Raises:
        SurveyError: naming the field, the value and what must hold.
    """
    check_rssi(one.rssi_dbm)
    check_int64("time_ns", one.time_ns)
    if one.measured_power_dbm is not None:
        check_finite("measured_power_dbm", one.measured_power_dbm)
    if one.receiver is not None:
        check_text("a receiver", one.receiver)


def check_int64(what: str, value: int) -> None:
    """Refuse what is no integer of 64 bits."""
    if type(value) is not int or value not in _INT64:
        raise SurveyError(f"{what} must be an integer of 64 bits, but got {value!r}")


def check_rssi(rssi_dbm: float) -> None:
    """Refuse what no radio hears."""
    if not WEAKEST_DBM <= rssi_dbm < 0:
        raise SurveyError(
            f"an RSSI must be {WEAKEST_DBM:g} or more and below 0 dBm, but got {rssi_dbm}; "
            "leave out what was not heard"
        )


def check_beacon(beacon: BeaconId) -> None:
    """Refuse what is no canonical beacon id."""
    try:
        canonical = parse_beacon_id(beacon)
    except SiteError as error:
        raise SurveyError(f"{_quote(beacon)} is no beacon id: {str(error)[:400]}") from error
    if canonical != beacon:
        raise SurveyError(f"a beacon id must be canonical ({canonical!r}), but got {beacon!r}")


def check_aware(what: str, time: datetime | None) -> None:
    """Refuse a time without a zone."""
    if time is not None and time.utcoffset() is None:
        raise SurveyError(
            f"{what} must carry a time zone, but got {time.isoformat()}; convert it to UTC"
        )


def check_position(position: Position) -> None:
    """Refuse a position that is no place."""
    check_finite("x_m", position.x_m)
    check_finite("y_m", position.y_m)
    check_text("floor", position.floor, empty=True)


def check_text(what: str, text: str, *, empty: bool = False) -> None:
    """Refuse text that the file would not give back unchanged, and empty text unless allowed."""
    if not text and not empty:
        raise SurveyError(f"{what} must not be empty")
    # SQLite and NumPy end a text at NUL, and a lone surrogate has no UTF-8.
    if any(mark == "\0" or "\ud800" <= mark <= "\udfff" for mark in text):
        raise SurveyError(f"{what} must be Unicode text without NUL, but got {_quote(text)}")


def _quote(text: str) -> str:
    return repr(text if len(text) <= _MAX_QUOTE else f"{text[:_MAX_QUOTE]}…")


def check_finite(what: str, value: float) -> None:
    """Refuse NaN and infinity."""
    if not math.isfinite(value):
        raise SurveyError(f"{what} must be a finite number, but got {value}")
