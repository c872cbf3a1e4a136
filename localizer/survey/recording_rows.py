"""How a recording, its waypoints and its raw advertisements become rows and come back."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from localizer.beacons import BeaconId
from localizer.errors import SurveyError
from localizer.scans import Advertisement
from localizer.site import Position
from localizer.survey.checks import (
    check_aware,
    check_finite,
    check_int64,
    check_position,
    check_text,
)
from localizer.survey.file import SurveyFile, numbered_beacons
from localizer.survey.records import HeardStats, Recording, Waypoint
from localizer.survey.rows import utc_from_us, utc_to_us
from localizer.survey.transactions import sqlite_errors

RECORDING_COLUMNS: Final = (
    "id, session, kind, started_ns, started_utc_us, status, ended_ns, point, heading_deg, "
    "resumes, window_s"
)
_INSERT: Final = f"INSERT INTO recordings ({RECORDING_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)"
_ADD_HEARD: Final = (
    "INSERT INTO heard VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (recording, beacon) DO UPDATE SET "
    "count = count + excluded.count, sum_dbm = sum_dbm + excluded.sum_dbm, "
    "sum_squares = sum_squares + excluded.sum_squares, min_dbm = min(min_dbm, excluded.min_dbm), "
    "max_dbm = max(max_dbm, excluded.max_dbm)"
)
_FETCHED: Final = 1_000
"""Rows fetched at once: an hour of a crowded hall is read in little memory."""


def read_recordings(
    file: SurveyFile, where: str = "", parameters: Sequence[Any] = ()
) -> list[tuple[int, Recording]]:
    """Return recordings with their row numbers, in the order in which they were added."""
    rows = file.rows(
        f"SELECT number, {RECORDING_COLUMNS} FROM recordings {where} ORDER BY number", parameters
    )
    return [(number, _from_row(row)) for number, *row in rows]


def find_recording(file: SurveyFile, recording_id: str) -> tuple[int, Recording]:
    """Return one recording with its row number.

    Raises:
        SurveyError: there is none of that id.
    """
    found = read_recordings(file, "WHERE id = ?", (recording_id,))
    if not found:
        raise SurveyError(
            f"a recording must be in the survey, but {recording_id!r} is not in {file.path}",
            path=file.path,
        )
    return found[0]


def check_recording(recording: Recording, sessions: Collection[str]) -> None:
    """Refuse a recording that does not hold together, or whose session is not of `sessions`.

    Raises:
        SurveyError: naming the field, the value and what must hold.
    """
    one = recording
    check_text("a recording's id", one.id)
    if one.session not in sessions:
        raise SurveyError(
            f"a recording's session must be one of the survey's, but got {one.session!r}; "
            "add the session first"
        )
    if one.kind not in ("point", "walk", "unlabelled"):
        raise SurveyError(
            f"a recording must be a 'point', a 'walk' or 'unlabelled', but got {one.kind!r}"
        )
    if (one.point is not None) != (one.kind == "point"):
        raise SurveyError(
            f"a recording must name a point if it is of one, but kind {one.kind!r} came with "
            f"point {one.point!r}"
        )
    check_int64("started_ns", one.started_ns)
    check_aware("started_utc", one.started_utc)
    if one.status not in ("open", "complete", "incomplete", "discarded"):
        raise SurveyError(f"a recording's status must be a known one, but got {one.status!r}")
    for name in ("heading_deg", "window_s"):
        if getattr(one, name) is not None:
            check_finite(name, getattr(one, name))
    if one.resumes is not None:
        check_text("what a recording resumes", one.resumes)
    if one.ended_ns is not None:
        check_int64("ended_ns", one.ended_ns)
    if one.ended_ns is not None and one.ended_ns < one.started_ns:
        raise SurveyError(
            f"a recording must not end before it started, but it ends at {one.ended_ns} ns and "
            f"started at {one.started_ns} ns"
        )


def insert_recording(connection: sqlite3.Connection, recording: Recording) -> int:
    """Insert a checked recording within a transaction, and return its row number."""
    one = recording
    row = (
        *(one.id, one.session, one.kind, one.started_ns, utc_to_us(one.started_utc), one.status),
        *(one.ended_ns, one.point, None if one.heading_deg is None else float(one.heading_deg)),
        *(one.resumes, None if one.window_s is None else float(one.window_s)),
    )
    return int(connection.execute(_INSERT, row).lastrowid or 0)


def read_waypoints(file: SurveyFile, number: int) -> list[Waypoint]:
    """Return the waypoints of the recording of that row, in the order of their taps."""
    rows = file.rows(
        "SELECT time_ns, x_m, y_m, floor FROM waypoints WHERE recording = ? ORDER BY number",
        (number,),
    )
    return [Waypoint(time_ns, Position(*place)) for time_ns, *place in rows]


def check_waypoint(waypoint: Waypoint) -> None:
    """Refuse a waypoint whose time or place is none.

    Raises:
        SurveyError: naming the field, the value and what must hold.
    """
    check_int64("a waypoint's time_ns", waypoint.time_ns)
    check_position(waypoint.position)


def insert_waypoint(connection: sqlite3.Connection, number: int, waypoint: Waypoint) -> None:
    """Add a waypoint after all others of the recording of that row, within a transaction.

    Raises:
        SurveyError: its time or its place is none.
    """
    at = waypoint.position
    check_waypoint(waypoint)
    connection.execute(
        "INSERT INTO waypoints SELECT ?1, 1 + coalesce(max(number), -1), ?2, ?3, ?4, ?5 "
        "FROM waypoints WHERE recording = ?1",
        (number, waypoint.time_ns, float(at.x_m), float(at.y_m), at.floor),
    )


def read_adverts(
    file: SurveyFile, number: int, *, by_time: bool = False
) -> Iterator[Advertisement]:
    """Yield what was heard in the recording of that row, in the order it came or in that of time.

    Raises:
        SurveyError: the file is damaged.
    """
    order = "time_ns, number" if by_time else "number"
    with sqlite_errors(file.path):
        connection = file.reading()
        rows = connection.execute(
            "SELECT beacon, rssi_dbm, time_ns, measured_power_dbm, receiver FROM adverts "
            f"WHERE recording = ? ORDER BY {order}",
            (number,),
        )
        beacons = numbered_beacons(connection)
        receivers = dict(connection.execute("SELECT id, name FROM receivers"))
        while some := rows.fetchmany(_FETCHED):
            for beacon, rssi_dbm, time_ns, power_dbm, receiver in some:
                name = None if receiver is None else receivers[receiver]
                yield Advertisement(beacons[beacon], rssi_dbm, time_ns, power_dbm, name)


def add_heard(connection: sqlite3.Connection, number: int, heard: Mapping[int, HeardStats]) -> None:
    """Add to what is known of beacons (by row) in the recording of a row, within a transaction."""
    rows = [
        (number, beacon, one.count, one.sum_dbm, one.sum_squares, one.min_dbm, one.max_dbm)
        for beacon, one in heard.items()
    ]
    connection.executemany(_ADD_HEARD, rows)


def read_heard(file: SurveyFile, number: int) -> dict[BeaconId, HeardStats]:
    """Return how every beacon was heard in the recording of that row."""
    rows = file.rows(
        "SELECT canonical, count, sum_dbm, sum_squares, min_dbm, max_dbm FROM heard "
        "JOIN beacons ON beacons.id = beacon WHERE recording = ? ORDER BY beacon",
        (number,),
    )
    return {BeaconId(beacon): HeardStats(*stats) for beacon, *stats in rows}


def _from_row(row: Sequence[Any]) -> Recording:
    recording_id, session, kind, started_ns, started_us, *rest = row
    return Recording(recording_id, session, kind, started_ns, utc_from_us(started_us), *rest)
