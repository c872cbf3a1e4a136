"""The tables of a survey file, and how a fingerprint becomes rows of them and comes back."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from localizer.beacons import BeaconId, parse_beacon_id
from localizer.errors import SiteError, SurveyError
from localizer.scans import WEAKEST_DBM, Fingerprint, Scan, Session
from localizer.site import Position

SURVEY_SCHEMA: Final = 1
"""Version of the survey file (PRAGMA user_version); raised when an older reader would misread."""

APPLICATION_ID: Final = 0x4C4F4353
"""`LOCS`, in bytes 68 to 71 of the file: tells a survey from every other SQLite file."""

# Columns of floats have no declared type on purpose: SQLite would store 3.0 in a REAL column as an
# integer and lose the sign of -0.0. The checks hold the type instead. An RSSI is below 0, so that
# REAL loses nothing there and a whole number of dBm takes 1 byte instead of 8; text sorts above
# every number, so that its check refuses text too. STRICT would keep SQLite before 3.37 from
# opening the file at all.
TABLES: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE site (one INTEGER PRIMARY KEY CHECK (one = 1), toml TEXT NOT NULL);
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('development', 'sealed')),
    device TEXT NOT NULL,
    note TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE fingerprints (
    id INTEGER PRIMARY KEY,
    session TEXT NOT NULL REFERENCES sessions (id),
    visit TEXT NOT NULL,
    device TEXT NOT NULL,
    time_utc_us INTEGER NOT NULL CHECK (typeof(time_utc_us) = 'integer'),
    local_date TEXT NOT NULL,
    start_ns INTEGER NOT NULL CHECK (typeof(start_ns) = 'integer'),
    duration_s NOT NULL CHECK (typeof(duration_s) = 'real'),
    x_m CHECK (typeof(x_m) IN ('real', 'null')),
    y_m CHECK (typeof(y_m) = typeof(x_m)),
    floor TEXT CHECK ((floor IS NULL) = (x_m IS NULL)),
    position_sd_m CHECK (typeof(position_sd_m) IN ('real', 'null')),
    heading_deg CHECK (typeof(heading_deg) IN ('real', 'null')),
    synthetic TEXT
);
CREATE INDEX fingerprints_in_time ON fingerprints (time_utc_us, id);
CREATE TABLE beacons (id INTEGER PRIMARY KEY, canonical TEXT NOT NULL UNIQUE);
CREATE TABLE readings (
    fingerprint INTEGER NOT NULL REFERENCES fingerprints (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    beacon INTEGER NOT NULL REFERENCES beacons (id),
    rssi_dbm REAL NOT NULL CHECK (rssi_dbm < 0),
    PRIMARY KEY (fingerprint, number)
) WITHOUT ROWID;
"""

FINGERPRINT_COLUMNS: Final = (
    "session, visit, device, time_utc_us, local_date, start_ns, duration_s, "
    "x_m, y_m, floor, position_sd_m, heading_deg, synthetic"
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MAX_QUOTE: Final = 80
"""Characters of a wrong value that a message repeats."""

_INT64: Final = range(-(2**63), 2**63)
"""What an INTEGER of SQLite holds."""


def fingerprint_to_row(fingerprint: Fingerprint) -> tuple[Any, ...]:
    """Return the values of `FINGERPRINT_COLUMNS`."""
    scan, at = fingerprint.scan, fingerprint.position
    return (
        fingerprint.session,
        fingerprint.visit,
        fingerprint.device,
        (fingerprint.time_utc - _EPOCH) // _MICROSECOND,
        fingerprint.local_date.isoformat(),
        scan.start_ns,
        float(scan.duration_s),
        None if at is None else float(at.x_m),
        None if at is None else float(at.y_m),
        None if at is None else at.floor,
        _float_or_none(fingerprint.position_sd_m),
        _float_or_none(fingerprint.heading_deg),
        fingerprint.synthetic,
    )


def readings_to_rows(
    number: int, scan: Scan, beacon_ids: Mapping[BeaconId, int]
) -> list[tuple[int, int, int, float]]:
    """Return one row of table `readings` for every RSSI, in the order of the scan.

    Args:
        number: the fingerprint's row.
        scan: what was heard.
        beacon_ids: the rows of its beacons in table `beacons`.
    """
    heard = [
        (beacon_ids[beacon], rssi) for beacon, rssis in scan.readings.items() for rssi in rssis
    ]
    return [(number, at, beacon_id, float(rssi)) for at, (beacon_id, rssi) in enumerate(heard)]


def fingerprint_from_row(
    row: Sequence[Any], readings: Iterable[tuple[int, float]], beacons: Mapping[int, BeaconId]
) -> Fingerprint:
    """Build a fingerprint from `FINGERPRINT_COLUMNS` and its readings (row of beacon, RSSI in dBm).

    Raises:
        ValueError: a reading's beacon is not in `beacons`, or a date is none.
        OverflowError: the time is out of range.
    """
    session, visit, device, time_us, local_date, start_ns, duration_s = row[:7]
    x_m, y_m, floor, position_sd_m, heading_deg, synthetic = row[7:]
    heard: dict[BeaconId, list[float]] = {}
    try:
        for beacon_id, rssi in readings:
            heard.setdefault(beacons[beacon_id], []).append(rssi)
    except KeyError as error:
        raise ValueError(f"table beacons has no row {error}, which its readings name") from error
    by_beacon = {beacon: tuple(values) for beacon, values in heard.items()}
    return Fingerprint(
        Scan(start_ns, duration_s, by_beacon),
        session,
        visit,
        device,
        _EPOCH + time_us * _MICROSECOND,
        date.fromisoformat(local_date),
        None if x_m is None else Position(x_m, y_m, floor),
        position_sd_m,
        heading_deg,
        synthetic,
    )


def check_session(session: Session, known: Collection[str]) -> None:
    """Refuse a session that the file cannot hold beside the `known` ids.

    Raises:
        SurveyError: an empty id or one that is there, an unknown role, or text that is not Unicode.
    """
    for name in ("id", "role", "device", "note"):
        _check_text(f"a session's {name}", getattr(session, name), empty=name in ("device", "note"))
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
        _check_text(name, getattr(fingerprint, name), empty=name == "device")
    if fingerprint.synthetic is not None:
        _check_text("synthetic", fingerprint.synthetic)
    if fingerprint.time_utc.utcoffset() is None:
        raise SurveyError(
            f"time_utc must carry a time zone, but got {fingerprint.time_utc.isoformat()}; "
            "convert it to UTC"
        )
    if isinstance(fingerprint.local_date, datetime):
        raise SurveyError(f"local_date must be a date alone, but got {fingerprint.local_date!r}")
    _check_place(fingerprint)
    _check_scan(fingerprint.scan)


def _check_place(fingerprint: Fingerprint) -> None:
    at = fingerprint.position
    if at is not None:
        _check_finite("x_m", at.x_m)
        _check_finite("y_m", at.y_m)
        _check_text("floor", at.floor, empty=True)
    if fingerprint.heading_deg is not None:
        _check_finite("heading_deg", fingerprint.heading_deg)
    sd = fingerprint.position_sd_m
    if sd is not None:
        _check_finite("position_sd_m", sd)
        if sd < 0:
            raise SurveyError(f"position_sd_m must be 0 or more, but got {sd}")


def _check_scan(scan: Scan) -> None:
    if type(scan.start_ns) is not int or scan.start_ns not in _INT64:
        raise SurveyError(f"start_ns must be an integer of 64 bits, but got {scan.start_ns!r}")
    _check_finite("duration_s", scan.duration_s)
    if scan.duration_s < 0:
        raise SurveyError(f"duration_s must be 0 or more, but got {scan.duration_s}")
    for beacon, values in scan.readings.items():
        _check_beacon(beacon)
        if not values:
            raise SurveyError(
                f"{beacon} must have at least one RSSI, but got none; leave out the beacon"
            )
        for rssi in values:
            if not WEAKEST_DBM <= rssi < 0:
                raise SurveyError(
                    f"an RSSI must be {WEAKEST_DBM:g} or more and below 0 dBm, but got {rssi}; "
                    "leave out what was not heard"
                )


def _check_beacon(beacon: BeaconId) -> None:
    try:
        canonical = parse_beacon_id(beacon)
    except SiteError as error:
        raise SurveyError(f"{_quote(beacon)} is no beacon id: {str(error)[:400]}") from error
    if canonical != beacon:
        raise SurveyError(f"a beacon id must be canonical ({canonical!r}), but got {beacon!r}")


def _check_text(what: str, text: str, *, empty: bool = False) -> None:
    if not text and not empty:
        raise SurveyError(f"{what} must not be empty")
    # SQLite and NumPy end a text at NUL, and a lone surrogate has no UTF-8.
    if any(mark == "\0" or "\ud800" <= mark <= "\udfff" for mark in text):
        raise SurveyError(f"{what} must be Unicode text without NUL, but got {_quote(text)}")


def _quote(text: str) -> str:
    return repr(text if len(text) <= _MAX_QUOTE else f"{text[:_MAX_QUOTE]}…")


def _check_finite(what: str, value: float) -> None:
    if not math.isfinite(value):
        raise SurveyError(f"{what} must be a finite number, but got {value}")


def _float_or_none(value: float | None) -> float | None:
    return None if value is None else float(value)
