"""A survey file, open: who walked when and what was heard, for the app and for training."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from localizer.atomic import atomic_write
from localizer.errors import SurveyError
from localizer.scans import Fingerprint, Role, Session
from localizer.site import Site
from localizer.survey.changes import BeaconChanges
from localizer.survey.checks import check_fingerprint
from localizer.survey.counts import SurveyCounts, count
from localizer.survey.coverage import Coverage, cover
from localizer.survey.dump import Record, dump
from localizer.survey.file import DISPOSABLE, SurveyFile, connect, make_tables, open_survey_file
from localizer.survey.fingerprints import FingerprintWriter
from localizer.survey.keeping import refuse_loss
from localizer.survey.plans import Plans
from localizer.survey.points import Points
from localizer.survey.reader import DEVELOPMENT, ROLES, Reader
from localizer.survey.recordings import Recordings
from localizer.survey.records import SiteEdit
from localizer.survey.restore import Restorer
from localizer.survey.sessions import Sessions
from localizer.survey.site_journal import SiteJournal
from localizer.survey.transactions import sqlite_errors, transaction


def utc_now() -> datetime:
    """Return the present moment, UTC."""
    return datetime.now(UTC)


class Survey:
    """An open survey file; a context manager that closes it.

    Made by `Survey.create`, `Survey.open` or `build_survey`. One object belongs to one thread; a
    `Recorder` beside it has a connection and a thread of its own.
    """

    def __init__(self, file: SurveyFile, *, utc_now: Callable[[], datetime] = utc_now) -> None:
        self._file = file
        self._utc_now = utc_now
        self._journal = SiteJournal(file, utc_now)
        self._sessions = Sessions(file)
        self._reader = Reader(file, utc_now)
        self.points = Points(file, self._journal)
        """The reference points."""
        self.plans = Plans(file, self._journal)
        """The plans of the floors."""
        self.recordings = Recordings(file)
        """Stands, walks and unlabelled recordings with their raw advertisements."""
        self.beacon_changes = BeaconChanges(file, self._journal)
        """Beacons that were replaced or moved."""

    @classmethod
    def create(cls, path: Path, site: Site) -> Survey:
        """Make an empty survey file and open it; the file appears with all its tables or not.

        Raises:
            SurveyError: there is a file already, or the folder cannot be written.
        """
        if path.exists():
            raise SurveyError(
                f"a new survey must not replace a file, but {path} exists; open it or delete it",
                path=path,
            )
        with build_survey(path, site):
            pass
        return cls.open(path)

    @classmethod
    def open(cls, path: Path, *, utc_now: Callable[[], datetime] = utc_now) -> Survey:
        """Open a survey file for reading and, where the file allows it, for writing.

        A file of an older schema is read as it is and becomes one of this schema, in one
        transaction, with the first thing that is written to it.

        Args:
            path: the file.
            utc_now: the clock by which sessions expire and edits are dated.

        Raises:
            SurveyError: the file is missing, empty, no SQLite file, not a survey, damaged, or of a
                newer schema (the message names the one it would need).
        """
        file = open_survey_file(path)
        try:
            return cls(file, utc_now=utc_now)
        except BaseException:
            file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._file.close()

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    # The site

    @property
    def site(self) -> Site:
        """Floors and beacons of the surveyed building, as of the opening or this object's edits."""
        return self._journal.site

    def save_site(self, site: Site, *, what: str) -> None:
        """Save an edited site; the one before is kept for `undo_site`.

        Args:
            site: the whole site.
            what: what was done, in words, for the screen.

        Raises:
            SurveyError: a floor is missing on which points or plans are, or the file cannot be
                written.
        """
        self._journal.save(site, what=what)

    def undo_site(self) -> SiteEdit | None:
        """Take back the last edit of the site and return it; None if there is none left.

        Raises:
            SurveyError: points or plans are on a floor that the edit added, or the file cannot be
                written.
        """
        return self._journal.undo()

    def site_edits(self) -> list[SiteEdit]:
        """Return what can be undone, oldest first."""
        return self._journal.edits

    # Sessions

    @property
    def sessions(self) -> list[Session]:
        """All sessions, by id; expired ones too."""
        return self._sessions.all()

    def session(self, session_id: str) -> Session:
        """Return one session.

        Raises:
            SurveyError: there is none of that id.
        """
        return self._sessions.get(session_id)

    def readable_sessions(self, *, roles: Iterable[Role] = DEVELOPMENT) -> list[Session]:
        """Return the sessions with one of these roles that have not expired.

        Raises:
            SurveyError: a role is unknown.
        """
        return self._reader.sessions(roles)

    def add_session(self, session: Session) -> None:
        """Add a session. Its role is set here, once.

        Raises:
            SurveyError: the id is taken or empty, or a field is none that the file can hold.
        """
        self._sessions.add(session)

    def update_session(self, session: Session) -> None:
        """Change what is known of a session, by its id: all but its role.

        Raises:
            SurveyError: there is none of that id, or it has another role.
        """
        self._sessions.update(session)

    def erase_person(self, person: str) -> int:
        """Forget a person in all sessions, and return in how many.

        The bytes of the name are overwritten; `compact` before a copy is given away.
        """
        named = [one for one in self.sessions if one.person == person]
        with self._file.transaction():
            for session in named:
                self._sessions.update(replace(session, person=None))
        return len(named)

    def delete_session(self, session_id: str) -> None:
        """Delete a session with its recordings, advertisements and fingerprints, for good.

        Raises:
            SurveyError: there is none of that id, or one of its recordings is open.
        """
        self._sessions.delete(session_id)

    def delete_expired(self) -> list[str]:
        """Delete the sessions that have expired, and return their ids.

        Raises:
            SurveyError: one of their recordings is open, or the file cannot be written.
        """
        expired = [one.id for one in self.sessions if self._reader.has_expired(one)]
        for session_id in expired:
            self._sessions.delete(session_id)
        return expired

    def compact(self) -> None:
        """Make the file as small as what it holds; needs as much room again while it works.

        Raises:
            SurveyError: there is no room, or somebody else has the file open and uses it.
        """
        with sqlite_errors(self.path):
            self._file.reading().execute("VACUUM")

    def copy_to(self, path: Path) -> None:
        """Write a copy as of now, also while a recording goes on.

        Opening the file by other means and closing it again would, on POSIX, give up the locks
        that protect the recording; so a server that hands out a survey gives such a copy.

        Raises:
            SurveyError: the folder cannot be written.
        """
        try:
            with (
                atomic_write(path) as unfinished,
                closing(connect(unfinished)) as target,
                sqlite_errors(path),
            ):
                target.executescript(DISPOSABLE)
                self._file.connection.backup(target)
        except OSError as error:
            raise _unwritable(path, error) from error

    # Fingerprints

    def add(self, fingerprints: Iterable[Fingerprint]) -> int:
        """Add fingerprints in one transaction, all or nothing, and return how many.

        Raises:
            SurveyError: a fingerprint's session is not in the survey, a beacon id is not
                canonical, an RSSI is not from -150 to below 0 dBm, a beacon has no RSSI, the time
                has no zone, a number is not finite; or the file cannot be written.
        """
        known = {session.id for session in self.sessions}
        added = 0
        with self._file.transaction() as connection:
            writer = FingerprintWriter(self._file, connection)
            for fingerprint in fingerprints:
                check_fingerprint(fingerprint, known)
                writer.add(fingerprint)
                added += 1
        return added

    def fingerprints(
        self,
        *,
        roles: Iterable[Role] = DEVELOPMENT,
        labelled: bool | None = None,
        sessions: Collection[str] | None = None,
    ) -> Iterator[Fingerprint]:
        """Read fingerprints one by one, oldest first, equal times in the order of insertion.

        Sessions that have expired are left out. Readings of beacons that were replaced come under
        the id of today; those of a beacon from before it was moved are left out.

        Args:
            roles: whose sessions are opened; sealed ones only when asked for by name.
            labelled: True for those with a position, False for those without, None for both.
            sessions: ids to read, of those with one of the roles; None for all.

        Returns:
            An iterator over what the survey holds when its first fingerprint is read.

        Raises:
            SurveyError: a role or a session is unknown, or the file is damaged.
        """
        return self._reader.fingerprints(roles, sessions, labelled=labelled)

    def dump(self) -> Iterator[Record]:
        """Yield all that the file holds but the site, as it is stored; for exports and copies.

        Raises:
            SurveyError: the file is damaged.
        """
        return dump(self._file, self._journal)

    def restorer(self) -> Restorer:
        """Return what puts the records of another survey's `dump` into this empty one."""
        return Restorer(self._file, self._journal)

    def counts(self) -> SurveyCounts:
        """Count what the survey holds, without opening a sealed session's rows to anybody."""
        return count(self._file, self.sessions)

    def coverage(self, *, roles: Iterable[Role] = ROLES) -> Coverage:
        """Return what has been surveyed where, from sums: fast whatever was recorded.

        Raises:
            SurveyError: a role is unknown, or the file is damaged.
        """
        chosen = [session.id for session in self._reader.sessions(roles)]
        return cover(self._file, self.points.all(), chosen)

    def data_hash(self, *, roles: Iterable[Role] = DEVELOPMENT) -> str:
        """Return the SHA-256 of what a reader with these roles sees, as 64 hexadecimal digits.

        It covers the site, the sessions and every field of every fingerprint in reading order, as
        the lines of the JSON Lines export, and nothing of how SQLite lays out the file: a survey
        that is exported and imported keeps its hash.

        Raises:
            SurveyError: a role is unknown, or the file is damaged.
        """
        return self._reader.data_hash(self.site, roles)


@contextmanager
def build_survey(path: Path, site: Site) -> Iterator[Survey]:
    """Build a survey file completely, then let it replace `path`.

    Give it a new survey and fill it: when the block ends well, `path` holds the whole survey; when
    it raises, or the process is killed, `path` is as it was.

    Raises:
        SurveyError: the folder cannot be written, or `path` is a survey that somebody worked
            on, or a file that is none.
    """
    refuse_loss(path)
    try:
        with atomic_write(path) as unfinished, closing(connect(unfinished)) as connection:
            with sqlite_errors(path):
                connection.executescript(DISPOSABLE)
                make_tables(connection, site)
            survey = Survey(SurveyFile(path, connection, migrate=False))
            with transaction(path, connection):
                yield survey
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> SurveyError:
    return SurveyError(
        f"a survey must be writable where it is built, but {path}: {error}", path=path
    )
