"""The chosen scans of a survey file, read one at a time."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from localizer.beacons import BeaconId
from localizer.errors import SurveyError
from localizer.scans import Fingerprint
from localizer.survey.changes import present_readings, read_changes
from localizer.survey.file import SurveyFile, numbered_beacons, open_survey_file
from localizer.survey.records import BeaconChange
from localizer.survey.rows import FINGERPRINT_COLUMNS, fingerprint_from_row
from localizer.survey.transactions import sqlite_errors

_ROW: Final = f"SELECT {FINGERPRINT_COLUMNS} FROM fingerprints WHERE id = ?"
_READINGS: Final = "SELECT beacon, rssi_dbm FROM readings WHERE fingerprint = ? ORDER BY number"


class SurveyScans:
    """The genuine scans of some sessions, oldest first; equal times in the order of insertion.

    Every iteration yields the scans that the survey held when the first one began. Between two
    scans nothing is locked, however long a replay waits: an unfinished query would keep everybody
    from writing to the survey.

    Args:
        path: the survey file; opened by the first iteration, in whose thread all others belong.
        sessions: ids of the sessions to read.
        unlabelled: also read scans without a position.
    """

    def __init__(self, path: Path, sessions: Sequence[str], *, unlabelled: bool) -> None:
        self._path = path
        self._sessions = sessions
        self._unlabelled = unlabelled
        self._file: SurveyFile | None = None
        self._numbers = array("q")
        self._beacons: dict[int, BeaconId] = {}
        self._changes: list[BeaconChange] = []

    def __iter__(self) -> Iterator[Fingerprint]:
        """Read the scans.

        Raises:
            SurveyError: the file is no survey, damaged, or was changed meanwhile.
        """
        if self._file is None:
            self._file = open_survey_file(self._path)
            self._look_up(self._file)
        for number in self._numbers:
            yield self._read(self._file, number)

    def close(self) -> None:
        """Close the file; an iteration afterwards opens it anew."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _look_up(self, file: SurveyFile) -> None:
        marks = ", ".join("?" * len(self._sessions))
        place = "" if self._unlabelled else "AND x_m IS NOT NULL"
        with sqlite_errors(self._path):
            connection = file.reading()
            rows = connection.execute(
                f"SELECT id FROM fingerprints WHERE session IN ({marks}) {place} "
                "AND synthetic IS NULL ORDER BY time_utc_us, id",
                self._sessions,
            )
            self._numbers = array("q", (number for (number,) in rows))
            self._beacons = numbered_beacons(connection)
        self._changes = read_changes(file)

    def _read(self, file: SurveyFile, number: int) -> Fingerprint:
        row = next(iter(file.rows(_ROW, (number,))), None)
        heard = file.rows(_READINGS, (number,))
        try:
            if row is None:
                raise ValueError("it is gone")
            return self._today(fingerprint_from_row(row, heard, self._beacons))
        except (ValueError, OverflowError) as error:
            raise SurveyError(
                f"row {number} of {self._path} must hold a fingerprint, but {error}; "
                "the file was changed by something else: import the survey again",
                path=self._path,
            ) from error

    def _today(self, row: Fingerprint) -> Fingerprint:
        readings = present_readings(row.scan.readings, row.time_utc, self._changes)
        return replace(row, scan=replace(row.scan, readings=readings))
