"""The sessions of a survey: added, changed, deleted for good."""

from __future__ import annotations

from typing import Final

from localizer.errors import SurveyError
from localizer.scans import Session
from localizer.survey.checks import check_session
from localizer.survey.file import SurveyFile
from localizer.survey.recording_rows import read_recordings
from localizer.survey.recordings import delete_recordings
from localizer.survey.rows import SESSION_COLUMNS, session_from_row, session_to_row

_MARKS: Final = ", ".join("?" * len(SESSION_COLUMNS.split(",")))
_INSERT: Final = f"INSERT INTO sessions ({SESSION_COLUMNS}) VALUES ({_MARKS})"
_UPDATE: Final = (
    f"UPDATE sessions SET ({SESSION_COLUMNS}) = ({_MARKS}) WHERE id = ?"  # all in their order
)


class Sessions:
    """The sessions of a survey, by id."""

    def __init__(self, file: SurveyFile) -> None:
        self._file = file

    def all(self) -> list[Session]:
        """Return all sessions."""
        rows = self._file.rows(f"SELECT {SESSION_COLUMNS} FROM sessions ORDER BY id")
        return [session_from_row(row) for row in rows]

    def get(self, session_id: str) -> Session:
        """Return one session.

        Raises:
            SurveyError: there is none of that id.
        """
        for session in self.all():
            if session.id == session_id:
                return session
        raise SurveyError(
            f"a session must be in the survey, but {session_id!r} is not in {self._file.path}",
            path=self._file.path,
        )

    def add(self, session: Session) -> None:
        """Add a session.

        Raises:
            SurveyError: the id is taken or empty, or a field is none that the file can hold.
        """
        check_session(session, {one.id for one in self.all()})
        with self._file.transaction() as connection:
            connection.execute(_INSERT, session_to_row(session))

    def update(self, session: Session) -> None:
        """Change what is known of a session: all but its role.

        Raises:
            SurveyError: there is none of that id, or it has another role.
        """
        old = self.get(session.id)
        if session.role != old.role:
            raise SurveyError(
                f"a session's role must stay what it was ({old.role!r}), or nobody could say what "
                f"was tuned on, but {session.id!r} came with {session.role!r}",
                path=self._file.path,
            )
        check_session(session, ())
        with self._file.transaction() as connection:
            connection.execute(_UPDATE, (*session_to_row(session), session.id))

    def delete(self, session_id: str) -> None:
        """Delete a session with all that was recorded in it.

        Raises:
            SurveyError: there is none of that id, or one of its recordings is open.
        """
        self.get(session_id)
        recordings = read_recordings(self._file, "WHERE session = ?", (session_id,))
        still_open = [one.id for _, one in recordings if one.status == "open"]
        if still_open:
            raise SurveyError(
                f"a session must not be recorded when it is deleted, but {still_open} is open; "
                "finish it first",
                path=self._file.path,
            )
        with self._file.transaction() as connection:
            delete_recordings(self._file, [number for number, _ in recordings])
            connection.execute("DELETE FROM fingerprints WHERE session = ?", (session_id,))
            connection.execute("DELETE FROM sessions WHERE id = ?", (session_id,))
