"""Sessions of a survey that somebody records: begun, gone on with, ended; one at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from localizer.clock import Clock
from localizer.errors import SurveyAppError
from localizer.scans import Session
from localizer.survey import Recorder, Survey


class RecordedSession:
    """The session at the radio, if there is one; its methods belong to the survey's thread.

    Args:
        path: the survey file.
        clock: the source's.
        utc_now: the wall clock.
    """

    def __init__(self, path: Path, clock: Clock, utc_now: Callable[[], datetime]) -> None:
        self.recorder: Recorder | None = None
        """None without a session. What it says of itself may be asked from any thread."""
        self._path = path
        self._clock = clock
        self._utc_now = utc_now

    @property
    def id(self) -> str | None:
        """The session's id; None without one."""
        return None if self.recorder is None else self.recorder.session.id

    @property
    def open_recording(self) -> str | None:
        """The id of the recording that goes on; None if none does."""
        current = None if self.recorder is None else self.recorder.status.recording
        return None if current is None else current.id

    def begin(self, survey: Survey, session: Session) -> Session:
        """Begin a new session; its id is made of the local date and a number.

        Raises:
            SurveyAppError: another one is recorded.
            SurveyError: a field is none that the file can hold, or it cannot be written.
        """
        self._refuse_second()
        named = replace(session, id=self._new_id(survey, session.utc_offset_s or 0))
        self.recorder = self._open(named)
        return self.recorder.session

    def resume(self, survey: Survey, session_id: str) -> Session:
        """Go on with a session, whether it was cut off or ended.

        Raises:
            SurveyAppError: another one is recorded, or there is none of that id.
            SurveyError: the file cannot be written.
        """
        self._refuse_second()
        self.recorder = self._open(find_session(survey, session_id))
        return self.recorder.session

    def end(self, session_id: str) -> None:
        """End the session that is recorded.

        Raises:
            SurveyAppError: it is not this one, or one of its recordings is open.
            SurveyError: the file cannot be written; the session can be gone on with.
        """
        recorder = self.required()
        if recorder.session.id != session_id:
            raise SurveyAppError(
                f"the session that is recorded must be ended, which is {recorder.session.id!r}, "
                f"but got {session_id!r}; load the page again",
                reason="other_session",
            )
        current = recorder.status.recording
        if current is not None:
            raise SurveyAppError(
                f"no recording must be open when a session ends, but {current.id!r} is; finish or "
                "discard it first",
                reason="recording_open",
            )
        self.recorder = None
        recorder.end_session()

    def close(self) -> None:
        """Write what is held; the session can be gone on with."""
        recorder, self.recorder = self.recorder, None
        if recorder is not None:
            recorder.close()

    def mark_interrupted(self, survey: Survey) -> None:
        """Mark recordings that a dead process left open as incomplete."""
        left = [one for one in survey.recordings.all() if one.status == "open"]
        if left:
            # Opening a recorder marks all of them.
            with self._open(survey.session(left[-1].session)):
                pass

    def required(self) -> Recorder:
        """Return the recorder of the session.

        Raises:
            SurveyAppError: there is no session.
        """
        if self.recorder is None:
            raise SurveyAppError(
                "a session must be begun before anything is recorded, but none is; begin one",
                reason="no_session",
            )
        return self.recorder

    def refuse_if_recorded(self, session_id: str, what: str) -> None:
        """Refuse to do something to the session that is recorded.

        Raises:
            SurveyAppError: it is recorded.
        """
        if self.id == session_id:
            raise SurveyAppError(
                f"a session must not be recorded when it is {what}, but {session_id!r} is; end it "
                "first",
                reason="session_open",
            )

    def _refuse_second(self) -> None:
        if self.recorder is not None:
            raise SurveyAppError(
                "one session at a time must be recorded, but "
                f"{self.recorder.session.id!r} is; end it first",
                reason="session_open",
            )

    def _open(self, session: Session) -> Recorder:
        return Recorder(self._path, session, clock=self._clock, utc_now=self._utc_now)

    def _new_id(self, survey: Survey, utc_offset_s: int) -> str:
        zone = timezone(timedelta(seconds=utc_offset_s))
        day = self._utc_now().astimezone(zone).date().isoformat()
        taken = {session.id for session in survey.sessions}
        number = 1
        while f"{day}-{number}" in taken:
            number += 1
        return f"{day}-{number}"


def find_session(survey: Survey, session_id: str) -> Session:
    """Return a session of a survey.

    Raises:
        SurveyAppError: there is none of that id.
    """
    for session in survey.sessions:
        if session.id == session_id:
            return session
    raise SurveyAppError(
        f"a session must be in the survey, but {session_id!r} is not; load the page again",
        reason="not_found",
    )
