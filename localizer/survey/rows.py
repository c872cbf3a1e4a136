"""How sessions and fingerprints become rows of the tables and come back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from localizer.beacons import BeaconId
from localizer.scans import Fingerprint, Scan, Session
from localizer.site import Position

FINGERPRINT_COLUMNS: Final = (
    "session, visit, device, time_utc_us, local_date, start_ns, duration_s, "
    "x_m, y_m, floor, position_sd_m, heading_deg, synthetic"
)

SESSION_COLUMNS: Final = (
    "id, role, device, note, person, started_utc_us, utc_offset_s, state, expires_utc_us"
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def utc_to_us(time_utc: datetime) -> int:
    """Convert an aware time to microseconds since 1970-01-01 UTC."""
    return (time_utc - _EPOCH) // _MICROSECOND


def utc_from_us(time_us: int) -> datetime:
    """Convert microseconds since 1970-01-01 UTC to a time in UTC.

    Raises:
        OverflowError: the year is not 1 to 9999.
    """
    return _EPOCH + time_us * _MICROSECOND


def session_to_row(session: Session) -> tuple[Any, ...]:
    """Return the values of `SESSION_COLUMNS`."""
    return (
        session.id,
        session.role,
        session.device,
        session.note,
        session.person,
        None if session.started_utc is None else utc_to_us(session.started_utc),
        session.utc_offset_s,
        session.state,
        None if session.expires_utc is None else utc_to_us(session.expires_utc),
    )


def session_from_row(row: Sequence[Any]) -> Session:
    """Build a session from `SESSION_COLUMNS`.

    Raises:
        OverflowError: a time is out of range.
    """
    session_id, role, device, note, person, started_us, utc_offset_s, state, expires_us = row
    return Session(
        session_id,
        role,
        device,
        note,
        person,
        None if started_us is None else utc_from_us(started_us),
        utc_offset_s,
        state,
        None if expires_us is None else utc_from_us(expires_us),
    )


def fingerprint_to_row(fingerprint: Fingerprint) -> tuple[Any, ...]:
    """Return the values of `FINGERPRINT_COLUMNS`."""
    scan, at = fingerprint.scan, fingerprint.position
    return (
        fingerprint.session,
        fingerprint.visit,
        fingerprint.device,
        utc_to_us(fingerprint.time_utc),
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
        utc_from_us(time_us),
        date.fromisoformat(local_date),
        None if x_m is None else Position(x_m, y_m, floor),
        position_sd_m,
        heading_deg,
        synthetic,
    )


def _float_or_none(value: float | None) -> float | None:
    return None if value is None else float(value)
