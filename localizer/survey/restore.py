"""Records of one survey file put into another, empty one."""

from __future__ import annotations

from localizer.errors import SurveyError
from localizer.scans import Fingerprint, Session
from localizer.survey.advert_writer import KnownRows, write_adverts
from localizer.survey.changes import check_change, insert_change
from localizer.survey.checks import (
    check_advertisement,
    check_aware,
    check_beacon,
    check_fingerprint,
    check_session,
    check_text,
)
from localizer.survey.dump import (
    CutFingerprint,
    NumberedChange,
    Record,
    RecordedAdverts,
    RecordedWaypoint,
    StoredEdit,
)
from localizer.survey.file import SurveyFile
from localizer.survey.fingerprints import FingerprintWriter
from localizer.survey.plans import Plans
from localizer.survey.points import Points
from localizer.survey.recording_rows import (
    check_recording,
    check_waypoint,
    insert_recording,
    insert_waypoint,
)
from localizer.survey.records import FloorPlan, Point, Recording
from localizer.survey.rows import utc_to_us
from localizer.survey.sessions import Sessions
from localizer.survey.site_journal import SiteJournal


class Restorer:
    """Puts records into an empty survey file, all within one transaction of the caller's."""

    def __init__(self, file: SurveyFile, journal: SiteJournal) -> None:
        self.sessions: set[str] = set()
        """Ids of the sessions so far."""
        self._file = file
        self._points = Points(file, journal)
        self._plans = Plans(file, journal)
        self._known_points: set[str] = set()
        self._changes: dict[int, int] = {}
        self._recordings: dict[str, int] = {}
        self._adverts: dict[str, int] = {}
        self._rows = KnownRows()
        self._writer = FingerprintWriter(file, file.connection)

    def check(self, record: Record) -> None:
        """Refuse a record that is none, or does not fit what was restored before it.

        Raises:
            SurveyError: naming what must hold.
        """
        match record:
            case Session():
                check_session(record, self.sessions)
            case Fingerprint():
                check_fingerprint(record, self.sessions)
            case CutFingerprint(fingerprint, recording):
                check_fingerprint(fingerprint, self.sessions)
                self._check_recording(recording)
            case Recording():
                self._check_new_recording(record)
            case RecordedWaypoint(recording, waypoint):
                self._check_recording(recording)
                check_waypoint(waypoint)
            case RecordedAdverts(recording, adverts):
                self._check_recording(recording)
                for one in adverts:
                    check_advertisement(one)
                    check_beacon(one.beacon)
            case _:
                self._check_upkeep(record)

    def _check_upkeep(self, record: Point | FloorPlan | NumberedChange | StoredEdit) -> None:
        match record:
            case Point():
                self._points.check(record)
                if record.id in self._known_points:
                    raise SurveyError(f"a point id must stand once, but {record.id!r} came twice")
            case FloorPlan():
                self._plans.check(record)
            case NumberedChange(_, change):
                check_change(change)
            case StoredEdit():
                self._check_edit(record)

    def add(self, record: Record) -> None:
        """Add a record that is checked.

        Raises:
            SurveyError: the file cannot be written; nothing can be restored into it any more.
        """
        with self._file.transaction():
            match record:
                case Session():
                    Sessions(self._file).add(record)
                    self.sessions.add(record.id)
                case Fingerprint():
                    self._writer.add(record)
                case CutFingerprint(fingerprint, recording):
                    self._writer.add(fingerprint, self._recordings[recording])
                case Recording() | RecordedWaypoint() | RecordedAdverts():
                    self._add_recorded(record)
                case _:
                    self._add_upkeep(record)

    def _add_recorded(self, record: Recording | RecordedWaypoint | RecordedAdverts) -> None:
        connection = self._file.connection
        match record:
            case Recording():
                self._recordings[record.id] = insert_recording(connection, record)
            case RecordedWaypoint(recording, waypoint):
                insert_waypoint(connection, self._recordings[recording], waypoint)
            case RecordedAdverts(recording, adverts):
                first = self._adverts.get(recording, 0)
                at = (self._recordings[recording], first)
                write_adverts(connection, adverts, at, self._rows)
                self._adverts[recording] = first + len(adverts)

    def _add_upkeep(self, record: Point | FloorPlan | NumberedChange | StoredEdit) -> None:
        match record:
            case Point():
                self._points.put([record])
                self._known_points.add(record.id)
            case FloorPlan():
                self._plans.put(record)
            case NumberedChange(number, change):
                self._changes[number] = insert_change(self._file, change)
            case StoredEdit():
                self._add_edit(record)

    def _add_edit(self, edit: StoredEdit) -> None:
        change = None if edit.beacon_change is None else self._changes[edit.beacon_change]
        self._file.connection.execute(
            "INSERT INTO site_edits (time_utc_us, what, toml_before, beacon_change) "
            "VALUES (?, ?, ?, ?)",
            (utc_to_us(edit.time_utc), edit.what, edit.site_before, change),
        )

    def _check_recording(self, recording: str) -> None:
        if recording not in self._recordings:
            raise SurveyError(f"a recording must come before what it holds, but got {recording!r}")

    def _check_new_recording(self, recording: Recording) -> None:
        check_recording(recording, self.sessions)
        if recording.id in self._recordings:
            raise SurveyError(f"a recording id must stand once, but {recording.id!r} came twice")
        if recording.point is not None and recording.point not in self._known_points:
            raise SurveyError(f"a recording must be at a known point, but got {recording.point!r}")

    def _check_edit(self, edit: StoredEdit) -> None:
        check_aware("time_utc", edit.time_utc)
        check_text("what was edited", edit.what, empty=True)
        check_text("the site before an edit", edit.site_before)
        if edit.beacon_change is not None and edit.beacon_change not in self._changes:
            raise SurveyError(
                f"a beacon change must come before its edit, but got number {edit.beacon_change}"
            )
