"""Fingerprints in a survey file: written, and read one by one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from localizer.beacons import BeaconId
from localizer.errors import SurveyError
from localizer.scans import Fingerprint
from localizer.survey.file import SurveyFile, number_beacon, numbered_beacons
from localizer.survey.rows import (
    FINGERPRINT_COLUMNS,
    fingerprint_from_row,
    fingerprint_to_row,
    readings_to_rows,
)
from localizer.survey.transactions import sqlite_errors

_MARKS: Final = ", ".join("?" * (len(FINGERPRINT_COLUMNS.split(",")) + 1))
_INSERT: Final = f"INSERT INTO fingerprints ({FINGERPRINT_COLUMNS}, recording) VALUES ({_MARKS})"
_READINGS: Final = "SELECT beacon, rssi_dbm FROM readings WHERE fingerprint = ? ORDER BY number"


class FingerprintWriter:
    """Inserts checked fingerprints within one transaction.

    Only for this transaction: a rollback takes new beacons away, and others may then get their
    numbers.
    """

    def __init__(self, file: SurveyFile, connection: sqlite3.Connection) -> None:
        self._file = file
        self._connection = connection
        self._beacon_ids: dict[BeaconId, int] = {}

    def add(self, fingerprint: Fingerprint, recording: int | None = None) -> None:
        """Insert one, cut from the recording of that number, or from none."""
        for beacon in fingerprint.scan.readings:
            if beacon not in self._beacon_ids:
                self._beacon_ids[beacon] = number_beacon(self._connection, beacon)
        values = (*fingerprint_to_row(fingerprint), recording)
        number = self._connection.execute(_INSERT, values).lastrowid
        if number is None:
            raise SurveyError("SQLite must number a row that it inserts", path=self._file.path)
        self._connection.executemany(
            "INSERT INTO readings VALUES (?, ?, ?, ?)",
            readings_to_rows(number, fingerprint.scan, self._beacon_ids),
        )


def read_fingerprints(
    file: SurveyFile, sessions: Sequence[str], *, labelled: bool | None = None
) -> Iterator[tuple[Fingerprint, int | None]]:
    """Yield the fingerprints of sessions as they are stored, with their recording's number.

    Oldest first, equal times in the order of insertion; those that the file held at the first one.

    Raises:
        SurveyError: the file is damaged.
    """
    marks = ", ".join("?" * len(sessions))
    place = {None: "", True: "AND x_m IS NOT NULL", False: "AND x_m IS NULL"}[labelled]
    query = (
        f"SELECT id, recording, {FINGERPRINT_COLUMNS} FROM fingerprints "
        f"WHERE session IN ({marks}) {place} "
        "AND id <= (SELECT coalesce(max(id), 0) FROM fingerprints) ORDER BY time_utc_us, id"
    )
    with sqlite_errors(file.path):
        connection = file.reading()
        rows = connection.execute(query, sessions)
        # After the query has begun: no row of it can name a beacon that was added later.
        beacons = numbered_beacons(connection)
        for number, recording, *row in rows:
            heard = connection.execute(_READINGS, (number,))
            yield _fingerprint(file, number, row, heard, beacons), recording


def _fingerprint(
    file: SurveyFile,
    number: int,
    row: Sequence[Any],
    heard: Iterable[tuple[int, float]],
    beacons: dict[int, BeaconId],
) -> Fingerprint:
    try:
        return fingerprint_from_row(row, heard, beacons)
    except (ValueError, OverflowError) as error:
        raise SurveyError(
            f"row {number} of {file.path} must hold a fingerprint, but {error}; "
            "the file was changed by something else: import the survey again",
            path=file.path,
        ) from error
