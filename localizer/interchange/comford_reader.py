"""COMFORD's three tables, read: those that Localizer wrote, and those of published sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from localizer.beacons import BeaconId, parse_beacon_id
from localizer.errors import SiteError, SurveyError
from localizer.interchange.comford_tables import (
    ACCESS_POINTS,
    EPOCH,
    RSSI,
    SAMPLES,
    US_PER_S,
    Settings,
)
from localizer.interchange.made_site import site_around, site_id_of
from localizer.interchange.scanned import Reading, Scanned
from localizer.interchange.text_tables import TableRow, table_rows
from localizer.scans import Fingerprint, Role, Scan, Session
from localizer.site import Position

SEALED_SETS: Final = frozenset({"test", "testing"})
"""Samples of these are sealed; the package keeps them for the last evaluation, too."""

SETS: Final = frozenset({"train", "training", "validation", "val"}) | SEALED_SETS

IMPORTED: Final = "imported"

_SET_COLUMNS: Final = ("set", "test/train/val")
_CONFIG_COLUMNS: Final = ("config", "configurations")
_NS_PER_US: Final = 1_000


@dataclass(slots=True)
class _Tables:
    """What has been read of them so far."""

    site_id: str
    beacons: dict[str, BeaconId] = field(default_factory=dict)
    """By the id in the tables."""
    beacons_at: dict[BeaconId, tuple[float, float]] = field(default_factory=dict)
    heard: dict[str, dict[BeaconId, list[float]]] = field(default_factory=dict)
    """By sample."""
    heard_line: dict[str, TableRow] = field(default_factory=dict)
    """The first line of each sample that is not used yet."""
    sessions: dict[str, Session] = field(default_factory=dict)
    buildings: dict[str, int] = field(default_factory=dict)
    visits: int = 0


def read_comford(folder: Path, reading: Reading) -> Scanned:
    """Read the three tables of a folder.

    Args:
        folder: which.
        reading: the site; without one, it is made of the places in the tables, and the ids of
            access points that are no beacon ids become names of it.

    Raises:
        SurveyError: a table is missing or damaged, a sample or an access point is missing from its
            table or stands there twice, or there are several buildings; with file and line.
        SiteError: no site can be made of what has a place.
    """
    site_id = reading.site.id if reading.site else site_id_of(folder.name)
    tables = _Tables(site_id)
    with _opened(folder, ACCESS_POINTS, ("ap_id",)) as rows:
        _read_access_points(rows, tables)
    with _opened(folder, RSSI, ("sample_id", "ap_id", "rssi")) as rows:
        _read_levels(rows, tables)
    with _opened(folder, SAMPLES, ("sample_id", "x", "y")) as rows:
        fingerprints = tuple(_read_samples(rows, tables, reading))
    for row in tables.heard_line.values():
        row.refuse(f"a sample must stand in {SAMPLES[0]}, but {row.values['sample_id']!r} does not")
    sessions = tuple(tables.sessions[name] for name in sorted(tables.sessions))
    site = reading.site
    if site is None:
        places = [one.position for one in fingerprints if one.position is not None]
        floors = {place.floor for place in places}
        only = floors.pop() if len(floors) == 1 else None
        at = {} if only is None else {b: Position(*xy, only) for b, xy in tables.beacons_at.items()}
        site = site_around(folder.name, places, list(tables.beacons.values()), beacons_at=at)
    return Scanned(site, sessions, fingerprints)


@contextmanager
def _opened(
    folder: Path, names: Sequence[str], columns: Sequence[str]
) -> Iterator[Iterator[TableRow]]:
    paths = [folder / name for name in names if (folder / name).is_file()]
    if not paths:
        raise SurveyError(
            f"COMFORD's tables must lie in one folder, but {folder} has no {' or '.join(names)}",
            path=folder,
        )
    with table_rows(paths[0], columns, delimiters=";,") as (_, rows):
        # Decimal commas are no part of this format, whatever parts its columns.
        yield (row._replace(decimal_comma=False) for row in rows)


def _read_access_points(rows: Iterator[TableRow], tables: _Tables) -> None:
    for row in rows:
        name = row.values["ap_id"]
        beacon = _beacon_id(row, name, tables.site_id)
        if name in tables.beacons or beacon in tables.beacons.values():
            row.refuse(f"each access point must stand once, but {name!r} stands twice")
        tables.beacons[name] = beacon
        x_m, y_m = row.number_or_none("x"), row.number_or_none("y")
        if x_m is not None and y_m is not None:
            tables.beacons_at[beacon] = (x_m, y_m)


def _beacon_id(row: TableRow, name: str, site_id: str) -> BeaconId:
    for text in (name, f"name:{site_id}:{name}"):
        try:
            return parse_beacon_id(text)
        except SiteError:
            continue
    row.refuse(
        f"an access point must have the id of a beacon or a name of letters, digits, points and "
        f"dashes, but got {name!r}; addresses are not stored: give it a name"
    )


def _read_levels(rows: Iterator[TableRow], tables: _Tables) -> None:
    for row in rows:
        beacon = tables.beacons.get(row.values["ap_id"])
        if beacon is None:
            row.refuse(
                f"an access point must stand in {ACCESS_POINTS[0]}, but {row.values['ap_id']!r} "
                "does not"
            )
        sample = row.values["sample_id"]
        tables.heard_line.setdefault(sample, row)
        heard = tables.heard.setdefault(sample, {})
        heard.setdefault(beacon, []).append(row.number("rssi"))


def _read_samples(
    rows: Iterator[TableRow], tables: _Tables, reading: Reading
) -> Iterator[Fingerprint]:
    seen: set[str] = set()
    before: Fingerprint | None = None
    for row in rows:
        sample = row.values["sample_id"]
        if sample in seen:
            row.refuse(f"each sample must stand once, but {sample!r} stands twice")
        seen.add(sample)
        tables.heard_line.pop(sample, None)
        _refuse_second_building(row, tables)
        one = _fingerprint(row, tables, reading, before)
        _note_session(row, tables, one)
        yield one
        before = one


def _refuse_second_building(row: TableRow, tables: _Tables) -> None:
    if not row.is_empty("building"):
        tables.buildings.setdefault(row.values["building"], row.line)
    if len(tables.buildings) > 1:
        row.refuse(
            f"a survey must be of one building, but the samples are of {list(tables.buildings)}; "
            "make a folder of tables for each"
        )


def _fingerprint(
    row: TableRow, tables: _Tables, reading: Reading, before: Fingerprint | None
) -> Fingerprint:
    heard = tables.heard.get(row.values["sample_id"], {})
    readings = {beacon: tuple(rssis_dbm) for beacon, rssis_dbm in heard.items()}
    position = Position(row.number("x"), row.number("y"), _floor(row, reading))
    time_utc = _time(row)
    device = reading.device if row.is_empty("device") else row.values["device"]
    settings = _settings(row)
    if settings is None:
        session = _set_of(row) or IMPORTED
        if before is None or (before.position, before.session) != (position, session):
            tables.visits += 1
        start_ns = (time_utc - EPOCH) // timedelta(microseconds=1) * _NS_PER_US
        local = (time_utc + timedelta(seconds=reading.utc_offset_s)).date()
        visit = f"{session}/{tables.visits:05d}"
        scan = Scan(start_ns, 0.0, readings)
        return Fingerprint(scan, session, visit, device, time_utc, local, position)
    return Fingerprint(
        Scan(settings.start_ns, settings.duration_s, readings),
        settings.session,
        settings.visit,
        device,
        time_utc,
        _date(row, settings.local_date),
        position,
        settings.position_sd_m,
        row.number_or_none("orientation"),
        settings.synthetic,
    )


def _floor(row: TableRow, reading: Reading) -> str:
    if not row.is_empty("floor"):
        return row.values["floor"]
    if reading.site is not None and len(reading.site.floors) == 1:
        return reading.site.floors[0].id
    return "0"


def _time(row: TableRow) -> datetime:
    """Return the time of a sample; 1970 for one that has none."""
    if row.is_empty("timestamp"):
        return EPOCH
    text = row.values["timestamp"]
    try:
        return EPOCH + timedelta(microseconds=int(Decimal(text) * US_PER_S))
    except (InvalidOperation, OverflowError, ValueError):
        row.refuse(f"a timestamp must be seconds since 1970 (UNIX time), but got {text!r}")


def _date(row: TableRow, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        row.refuse(f"local_date must be like 2026-03-01, but got {text!r}")


def _settings(row: TableRow) -> Settings | None:
    """Return what Localizer wrote into ``config``; None for what others did."""
    text = next((row.values[name] for name in _CONFIG_COLUMNS if name in row.values), "")
    if not text.startswith("{"):
        return None
    try:
        return Settings.model_validate_json(text)
    except ValidationError:
        return None


def _set_of(row: TableRow) -> str:
    name = next((name for name in _SET_COLUMNS if name in row.values), None)
    if name is None or row.is_empty(name):
        return ""
    value = row.values[name].strip().lower()
    if value not in SETS:
        row.refuse(f"a sample's set must be one of {sorted(SETS)}, but got {value!r}")
    return value


def _note_session(row: TableRow, tables: _Tables, one: Fingerprint) -> None:
    role: Role = "sealed" if _set_of(row) in SEALED_SETS else "development"
    person = None if row.is_empty("user") else row.values["user"]
    new = Session(one.session, role, one.device, person=person)
    if tables.sessions.setdefault(one.session, new).role != role:
        row.refuse(
            f"a session must be for training or for testing, but {one.session!r} is in both sets"
        )
