"""CSV for a spreadsheet: one row a fingerprint, one column a beacon, an empty cell where not heard.

UTF-8, a header, commas between columns and points in numbers. A text that a spreadsheet would take
for a formula stands behind an apostrophe.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import Final, get_args

from localizer.beacons import BeaconId, parse_beacon_id
from localizer.errors import SiteError
from localizer.interchange.made_site import site_around
from localizer.interchange.scanned import Reading, Scanned
from localizer.interchange.text_tables import (
    TableRow,
    guarded,
    number_to_text,
    table_rows,
    unguarded,
    write_table,
)
from localizer.scans import Fingerprint, Role, Scan, Session
from localizer.site import Position

COLUMNS: Final = (
    *("session", "role", "visit", "device", "time_utc", "local_date", "x_m", "y_m", "floor"),
    *("position_sd_m", "heading_deg", "duration_s", "start_ns", "synthetic"),
)
"""Before those of the beacons, whose names have a colon."""

REQUIRED: Final = ("time_utc", "x_m", "y_m", "floor")
"""What a table made by hand must have; a missing session is called ``imported``."""

MEAN_DECIMALS: Final = 2
"""Of the mean of several RSSIs of one scan, dB: far below what a radio resolves (1 dB)."""

IMPORTED: Final = "imported"

_NS_PER_US: Final = 1_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Spreadsheet:
    """One CSV; see the module."""

    name = "csv"
    suffix = ".csv"

    def write(self, scanned: Scanned, path: Path) -> tuple[Reading, Sequence[Fingerprint]]:
        """Write it; several RSSIs of a beacon in one scan become their mean."""
        known = {beacon.id for beacon in scanned.site.beacons}
        heard = {beacon for one in scanned.fingerprints for beacon in one.scan.readings}
        beacons = sorted(known | heard)
        roles = {session.id: session.role for session in scanned.sessions}
        rows = (_row(one, roles[one.session], beacons) for one in scanned.fingerprints)
        write_table(path, [*COLUMNS, *beacons], rows)
        return Reading(scanned.site), scanned.fingerprints

    def read(self, path: Path, reading: Reading) -> Scanned:
        """Read it; columns may be in any order, and all but `REQUIRED` may be missing.

        Tables that semicolons or tabs part have commas in their numbers, or points.
        """
        sessions: dict[str, Session] = {}
        fingerprints = []
        with table_rows(path, REQUIRED, delimiters=",;\t") as (header, rows):
            beacons = _beacon_columns(path, header)
            for row in rows:
                fingerprint = _fingerprint(row, beacons, reading)
                _note_session(sessions, row, fingerprint)
                fingerprints.append(fingerprint)
        places = [one.position for one in fingerprints if one.position is not None]
        site = reading.site or site_around(path.stem, places, list(beacons.values()))
        chosen = tuple(sessions[name] for name in sorted(sessions))
        return Scanned(site, chosen, tuple(fingerprints))


def _row(one: Fingerprint, role: Role, beacons: Sequence[BeaconId]) -> list[str]:
    at, scan = one.position, one.scan
    return [
        *(guarded(one.session), role, guarded(one.visit), guarded(one.device)),
        *(one.time_utc.isoformat(), one.local_date.isoformat()),
        *(("", "", "") if at is None else _place(at)),
        *(number_to_text(one.position_sd_m), number_to_text(one.heading_deg)),
        *(number_to_text(scan.duration_s), str(scan.start_ns), guarded(one.synthetic or "")),
        *(_level(scan.readings.get(beacon)) for beacon in beacons),
    ]


def _place(at: Position) -> tuple[str, str, str]:
    return number_to_text(at.x_m), number_to_text(at.y_m), guarded(at.floor)


def _level(rssi_dbm: tuple[float, ...] | None) -> str:
    if rssi_dbm is None:
        return ""
    mean = rssi_dbm[0] if len(rssi_dbm) == 1 else round(fmean(rssi_dbm), MEAN_DECIMALS)
    return number_to_text(mean)


def _beacon_columns(path: Path, header: Sequence[str]) -> dict[str, BeaconId]:
    """Return the beacon of every column whose name is one."""
    beacons: dict[str, BeaconId] = {}
    for name in header:
        if ":" not in name:
            if name not in COLUMNS:
                TableRow(path, 1, {}).refuse(
                    f"a column must be one of {', '.join(COLUMNS)} or a beacon's id, but got "
                    f"{name!r}; rename it, or delete it"
                )
            continue
        try:
            beacon = parse_beacon_id(name)
        except SiteError as error:
            TableRow(path, 1, {}).refuse(str(error))
        if beacon in beacons.values():
            TableRow(path, 1, {}).refuse(f"each beacon must have one column, but {beacon} has two")
        beacons[name] = beacon
    return beacons


def _fingerprint(row: TableRow, beacons: dict[str, BeaconId], reading: Reading) -> Fingerprint:
    time_utc = _time(row)
    local = (time_utc + timedelta(seconds=reading.utc_offset_s)).date()
    since_epoch_us = (time_utc - _EPOCH) // timedelta(microseconds=1)
    start_ns = since_epoch_us * _NS_PER_US if row.is_empty("start_ns") else row.whole("start_ns")
    readings = {
        beacon: (row.number(name),) for name, beacon in beacons.items() if row.values[name].strip()
    }
    session = unguarded(row.values.get("session", "")) or IMPORTED
    return Fingerprint(
        Scan(start_ns, row.number_or_none("duration_s") or 0.0, readings),
        session,
        unguarded(row.values.get("visit", "")) or f"{session}/{row.line}",
        unguarded(row.values.get("device", "")) or reading.device,
        time_utc,
        local if row.is_empty("local_date") else _date(row),
        _position(row),
        row.number_or_none("position_sd_m"),
        row.number_or_none("heading_deg"),
        unguarded(row.values.get("synthetic", "")) or None,
    )


def _time(row: TableRow) -> datetime:
    text = row.values["time_utc"].strip()
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        row.refuse(f"time_utc must be like 2026-03-01T12:00:00+00:00, but got {text!r}")
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _date(row: TableRow) -> date:
    try:
        return date.fromisoformat(row.values["local_date"].strip())
    except ValueError:
        row.refuse(f"local_date must be like 2026-03-01, but got {row.values['local_date']!r}")


def _position(row: TableRow) -> Position | None:
    x_m, y_m = row.number_or_none("x_m"), row.number_or_none("y_m")
    if x_m is None and y_m is None:
        return None
    if x_m is None or y_m is None:
        row.refuse("x_m and y_m must both be there, or neither")
    return Position(x_m, y_m, unguarded(row.values["floor"]))


def _note_session(sessions: dict[str, Session], row: TableRow, one: Fingerprint) -> None:
    role = row.values.get("role", "").strip() or "development"
    if role not in get_args(Role):
        row.refuse(f"a role must be one of {get_args(Role)}, but got {role!r}")
    known = sessions.setdefault(one.session, Session(one.session, role, one.device))  # type: ignore[arg-type]
    if known.role != role:
        row.refuse(
            f"a session must have one role, but {one.session!r} is {known.role} above and {role} "
            "here"
        )
