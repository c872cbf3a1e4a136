"""What a recorder writes of its session: recordings begun and ended, waypoints, packets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from localizer.errors import SurveyError
from localizer.scans import Session, SessionState
from localizer.site import Position
from localizer.survey.advert_writer import AdvertWriter
from localizer.survey.derivation import WINDOW_S, derive
from localizer.survey.file import SurveyFile
from localizer.survey.recording_rows import (
    check_recording,
    find_recording,
    insert_recording,
    insert_waypoint,
    read_recordings,
    read_waypoints,
)
from localizer.survey.records import Recording, RecordingKind, RecordingStatus, Waypoint
from localizer.survey.sessions import Sessions
from localizer.survey.tally import Tally

_NS_PER_US: Final = 1_000


class Anchor(NamedTuple):
    """One moment on both clocks."""

    time_ns: int
    """Monotonic."""
    utc: datetime

    def utc_of(self, time_ns: int) -> datetime:
        """Return the UTC time of a moment of the monotonic clock."""
        return self.utc + timedelta(microseconds=(time_ns - self.time_ns) // _NS_PER_US)


@dataclass(slots=True)
class OpenRecording:
    """The recording that goes on."""

    recording: Recording
    number: int
    """Its row."""
    adverts: AdvertWriter
    tally: Tally
    accepting: bool = True
    """Whether what is heard still belongs to it."""


class SessionLog:
    """One session of a survey file, being recorded; belongs to one thread."""

    def __init__(
        self, file: SurveyFile, session: Session, anchor: Anchor, interrupted: tuple[Recording, ...]
    ) -> None:
        self.session = session
        self.interrupted = interrupted
        """Recordings that were found open."""
        self.open: OpenRecording | None = None
        """The open recording; may be looked at from any thread."""
        self._file = file
        self._anchor = anchor

    @classmethod
    def begin(cls, file: SurveyFile, session: Session, anchor: Anchor) -> SessionLog:
        """Add the session, or go on with it, and mark as incomplete what was left open.

        Raises:
            SurveyError: the file cannot be written, or has another session under that id.
        """
        try:
            with file.transaction():
                interrupted = _mark_interrupted(file)
                begun = _begin_session(file, session, anchor)
        except BaseException:
            file.close()
            raise
        return cls(file, begun, anchor, interrupted)

    def start(
        self,
        kind: RecordingKind,
        now_ns: int,
        *,
        point: str | None = None,
        at: Position | None = None,
        heading_deg: float | None = None,
        resumes: str | None = None,
    ) -> Recording:
        """Begin a recording; a walk at its first waypoint.

        Raises:
            SurveyError: one is open, there is no such point or recording, or the file cannot be
                written.
        """
        if self.open is not None:
            raise SurveyError(
                "one recording at a time must be open, but "
                f"{self.open.recording.id!r} is; finish or discard it first",
                path=self._file.path,
            )
        self._check_references(point, resumes)
        ((last,),) = self._file.rows("SELECT coalesce(max(number), 0) FROM recordings")
        recording = Recording(
            f"{self.session.id}/{last + 1:04d}",
            self.session.id,
            kind,
            now_ns,
            self._anchor.utc_of(now_ns),
            point=point,
            heading_deg=heading_deg,
            resumes=resumes,
        )
        check_recording(recording, {self.session.id})
        with self._file.transaction() as connection:
            number = insert_recording(connection, recording)
            if at is not None:
                insert_waypoint(connection, number, Waypoint(now_ns, at))
        self.open = OpenRecording(recording, number, AdvertWriter(number), Tally())
        return recording

    def add_waypoint(self, waypoint: Waypoint) -> None:
        """Add a waypoint to the open walk.

        Raises:
            SurveyError: no walk is open, the position is none, or the file cannot be written.
        """
        number = self._walk().number
        with self._file.transaction() as connection:
            insert_waypoint(connection, number, waypoint)

    def undo_waypoint(self) -> list[Waypoint]:
        """Take back the last waypoint of the open walk, but for the first.

        Raises:
            SurveyError: no walk is open, or the file cannot be written.
        """
        number = self._walk().number
        with self._file.transaction() as connection:
            connection.execute(
                "DELETE FROM waypoints WHERE recording = ?1 AND number > 0 AND number = "
                "(SELECT max(number) FROM waypoints WHERE recording = ?1)",
                (number,),
            )
        return read_waypoints(self._file, number)

    def commit(self) -> None:
        """Write what is held.

        Raises:
            SurveyError: the file cannot be written; its `reason` says why, if that may pass.
        """
        if self.open is not None:
            self.open.adverts.commit(self._file)

    def end(self, status: RecordingStatus, now_ns: int, *, window_s: float = WINDOW_S) -> Recording:
        """End the open recording; a complete one is cut into fingerprints.

        Raises:
            SurveyError: none is open, or the file cannot be written; then it stays open.
        """
        current = self._current()
        current.accepting = False
        try:
            current.adverts.commit(self._file)
            with self._file.transaction() as connection:
                connection.execute(
                    "UPDATE recordings SET status = ?, ended_ns = ? WHERE number = ?",
                    (status, now_ns, current.number),
                )
                if status == "complete":
                    derive(self._file, current.recording.id, window_s=window_s)
            ended = find_recording(self._file, current.recording.id)[1]
        except BaseException:
            current.accepting = True
            raise
        self.open = None
        return ended

    def leave(self, now_ns: int, *, state: SessionState) -> None:
        """Mark an open recording as incomplete, and the session as open or closed.

        Raises:
            SurveyError: the file cannot be written.
        """
        if self.open is not None:
            self.end("incomplete", now_ns)
        sessions = Sessions(self._file)
        sessions.update(replace(sessions.get(self.session.id), state=state))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _check_references(self, point: str | None, resumes: str | None) -> None:
        if point is not None and not self._file.rows("SELECT 1 FROM points WHERE id = ?", (point,)):
            raise SurveyError(
                f"a point must be in the survey to be recorded at, but {point!r} is not; add it",
                path=self._file.path,
            )
        if resumes is not None:
            find_recording(self._file, resumes)

    def _current(self) -> OpenRecording:
        if self.open is None:
            raise SurveyError(
                "a recording must be open, but none is; start one", path=self._file.path
            )
        return self.open

    def _walk(self) -> OpenRecording:
        current = self._current()
        if current.recording.kind != "walk":
            raise SurveyError(
                f"a walk must be open to note a waypoint, but {current.recording.id!r} is none",
                path=self._file.path,
            )
        return current


def _mark_interrupted(file: SurveyFile) -> tuple[Recording, ...]:
    """Mark open recordings as incomplete, as of the last thing that is known of them."""
    found = read_recordings(file, "WHERE status = 'open'")
    for number, _ in found:
        file.connection.execute(
            "UPDATE recordings SET status = 'incomplete', ended_ns = max(started_ns, "
            "coalesce((SELECT max(time_ns) FROM adverts WHERE recording = ?1), started_ns), "
            "coalesce((SELECT max(time_ns) FROM waypoints WHERE recording = ?1), started_ns)) "
            "WHERE number = ?1",
            (number,),
        )
    return tuple(find_recording(file, one.id)[1] for _, one in found)


def _begin_session(file: SurveyFile, session: Session, anchor: Anchor) -> Session:
    sessions = Sessions(file)
    known = {one.id: one for one in sessions.all()}.get(session.id)
    if known is None:
        begun = replace(session, state="open", started_utc=session.started_utc or anchor.utc)
        sessions.add(begun)
        return begun
    if (known.role, known.device) != (session.role, session.device):
        raise SurveyError(
            f"a session must be gone on with as it was begun ({known.role}, {known.device!r}), but "
            f"{session.id!r} came with {session.role}, {session.device!r}; begin a new one",
            path=file.path,
        )
    reopened = replace(known, state="open")
    sessions.update(reopened)
    return reopened
