"""The survey file: every scan of a survey with its place, session and role, in one SQLite file."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, get_args

from localizer.atomic import atomic_write
from localizer.beacons import BeaconId
from localizer.errors import SiteError, SurveyError
from localizer.scans import Fingerprint, Role, Session
from localizer.site import Site, site_from_toml, site_to_toml
from localizer.survey_file import (
    DISPOSABLE,
    connect,
    make_tables,
    number_beacon,
    numbered_beacons,
    open_survey_file,
    sqlite_errors,
    transaction,
)
from localizer.survey_lines import fingerprint_to_line, session_to_line
from localizer.survey_schema import (
    FINGERPRINT_COLUMNS,
    check_fingerprint,
    check_session,
    fingerprint_from_row,
    fingerprint_to_row,
    readings_to_rows,
)

ROLES: Final[tuple[Role, ...]] = get_args(Role)

DEVELOPMENT: Final[tuple[Role, ...]] = ("development",)


@dataclass(frozen=True, slots=True)
class SessionCounts:
    """How much one session holds."""

    session: Session
    fingerprints: int
    labelled: int
    """Fingerprints with a position."""
    synthetic: int
    """Fingerprints that are no measurements."""


@dataclass(frozen=True, slots=True)
class SurveyCounts:
    """How much a survey holds, sealed sessions included."""

    sessions: tuple[SessionCounts, ...]
    places: int
    """Distinct positions (x, y and floor) of the labelled fingerprints."""
    beacons: int
    """Distinct beacons heard."""

    @property
    def fingerprints(self) -> int:
        """All fingerprints."""
        return sum(one.fingerprints for one in self.sessions)

    @property
    def labelled(self) -> int:
        """All fingerprints with a position."""
        return sum(one.labelled for one in self.sessions)

    @property
    def synthetic(self) -> int:
        """All fingerprints that are no measurements."""
        return sum(one.synthetic for one in self.sessions)


class Survey:
    """An open survey file; a context manager that closes it.

    Made by `Survey.create`, `Survey.open` or `build_survey`. One object belongs to one thread.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, site: Site) -> None:
        self.path = path
        """The file."""
        self.site = site
        """Floors and beacons of the surveyed building."""
        self._connection = connection

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
    def open(cls, path: Path) -> Survey:
        """Open a survey file for reading and, where the file allows it, for writing.

        Raises:
            SurveyError: the file is missing, empty, no SQLite file, not a survey, damaged, or of a
                newer schema (the message names the one it would need).
        """
        connection = open_survey_file(path)
        try:
            return cls(path, connection, _read_site(path, connection))
        except BaseException:
            connection.close()
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
        self._connection.close()

    @property
    def sessions(self) -> list[Session]:
        """All sessions, by id."""
        with sqlite_errors(self.path):
            rows = self._connection.execute(
                "SELECT id, role, device, note FROM sessions ORDER BY id"
            ).fetchall()
        return [Session(*row) for row in rows]

    def _known(self) -> set[str]:
        return {session.id for session in self.sessions}

    def add_session(self, session: Session) -> None:
        """Add a session. Its role is set here, once.

        Raises:
            SurveyError: the id is taken or empty, or the role is unknown.
        """
        check_session(session, self._known())
        row = (session.id, session.role, session.device, session.note)
        with transaction(self.path, self._connection):
            self._connection.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", row)

    def add(self, fingerprints: Iterable[Fingerprint]) -> int:
        """Add fingerprints in one transaction, all or nothing, and return how many.

        Raises:
            SurveyError: a fingerprint's session is not in the survey, a beacon id is not
                canonical, an RSSI is not from -150 to below 0 dBm, a beacon has no RSSI, the time
                has no zone, a number is not finite; or the file cannot be written.
        """
        known = self._known()
        # Only for this transaction: a rollback takes new beacons away, and others may then get
        # their numbers.
        beacon_ids: dict[BeaconId, int] = {}
        count = 0
        with transaction(self.path, self._connection):
            for fingerprint in fingerprints:
                check_fingerprint(fingerprint, known)
                self._add_one(fingerprint, beacon_ids)
                count += 1
        return count

    def _add_one(self, fingerprint: Fingerprint, beacon_ids: dict[BeaconId, int]) -> None:
        for beacon in fingerprint.scan.readings:
            if beacon not in beacon_ids:
                beacon_ids[beacon] = number_beacon(self._connection, beacon)
        marks = ", ".join("?" * len(FINGERPRINT_COLUMNS.split(",")))
        number = self._connection.execute(
            f"INSERT INTO fingerprints ({FINGERPRINT_COLUMNS}) VALUES ({marks})",
            fingerprint_to_row(fingerprint),
        ).lastrowid
        if number is None:
            raise SurveyError("SQLite must number a row that it inserts", path=self.path)
        self._connection.executemany(
            "INSERT INTO readings VALUES (?, ?, ?, ?)",
            readings_to_rows(number, fingerprint.scan, beacon_ids),
        )

    def fingerprints(
        self,
        *,
        roles: Iterable[Role] = DEVELOPMENT,
        labelled: bool | None = None,
        sessions: Collection[str] | None = None,
    ) -> Iterator[Fingerprint]:
        """Read fingerprints one by one, oldest first, equal times in the order of insertion.

        Args:
            roles: whose sessions are opened; sealed ones only when asked for by name.
            labelled: True for those with a position, False for those without, None for both.
            sessions: ids to read, of those with one of the roles; None for all.

        Returns:
            An iterator over what the survey holds when its first fingerprint is read.

        Raises:
            SurveyError: a role or a session is unknown, or the file is damaged.
        """
        chosen = [session.id for session in self._chosen(roles, sessions)]
        marks = ", ".join("?" * len(chosen))
        place = {None: "", True: "AND x_m IS NOT NULL", False: "AND x_m IS NULL"}[labelled]
        query = (
            f"SELECT id, {FINGERPRINT_COLUMNS} FROM fingerprints "
            f"WHERE session IN ({marks}) {place} "
            "AND id <= (SELECT coalesce(max(id), 0) FROM fingerprints) ORDER BY time_utc_us, id"
        )
        return self._read(query, chosen)

    def _chosen(self, roles: Iterable[Role], sessions: Collection[str] | None) -> list[Session]:
        wanted = set(roles)
        unknown_roles = wanted - set(ROLES)
        if unknown_roles:
            raise SurveyError(f"roles must be of {ROLES}, but got {sorted(unknown_roles)}")
        known = self.sessions
        unknown = set(sessions or ()) - {session.id for session in known}
        if unknown:
            raise SurveyError(
                f"sessions must be of {[one.id for one in known]}, but got {sorted(unknown)}",
                path=self.path,
            )
        by_role = [session for session in known if session.role in wanted]
        return [one for one in by_role if sessions is None or one.id in sessions]

    def _read(self, query: str, parameters: Sequence[Any]) -> Iterator[Fingerprint]:
        readings = "SELECT beacon, rssi_dbm FROM readings WHERE fingerprint = ? ORDER BY number"
        with sqlite_errors(self.path):
            rows = self._connection.execute(query, parameters)
            # After the query has begun: no row of it can name a beacon that was added later.
            beacons = numbered_beacons(self._connection)
            for number, *row in rows:
                heard = self._connection.execute(readings, (number,))
                try:
                    yield fingerprint_from_row(row, heard, beacons)
                except (ValueError, OverflowError) as error:
                    raise SurveyError(
                        f"row {number} of {self.path} must hold a fingerprint, but {error}; "
                        "the file was changed by something else: import the survey again",
                        path=self.path,
                    ) from error

    def counts(self) -> SurveyCounts:
        """Count what the survey holds, without opening a sealed session's rows to anybody."""
        with sqlite_errors(self.path):
            rows = self._connection.execute(
                "SELECT session, count(*), count(x_m), count(synthetic) FROM fingerprints "
                "GROUP BY session"
            ).fetchall()
            (places,) = self._connection.execute(
                "SELECT count(*) FROM (SELECT DISTINCT x_m, y_m, floor FROM fingerprints "
                "WHERE x_m IS NOT NULL)"
            ).fetchone()
            (beacons,) = self._connection.execute(
                "SELECT count(DISTINCT beacon) FROM readings"
            ).fetchone()
        by_session = {session: tuple(numbers) for session, *numbers in rows}
        counts = (SessionCounts(one, *by_session.get(one.id, (0, 0, 0))) for one in self.sessions)
        return SurveyCounts(tuple(counts), places, beacons)

    def data_hash(self, *, roles: Iterable[Role] = DEVELOPMENT) -> str:
        """Return the SHA-256 of what a reader with these roles sees, as 64 hexadecimal digits.

        It covers the site, the sessions and every field of every fingerprint in reading order, as
        the lines of the JSON Lines export, and nothing of how SQLite lays out the file: a survey
        that is exported and imported keeps its hash.

        Raises:
            SurveyError: a role is unknown, or the file is damaged.
        """
        digest = hashlib.sha256(site_to_toml(self.site).encode("utf-8"))
        chosen = self._chosen(roles, None)
        for session in chosen:
            digest.update(session_to_line(session))
        ids = [session.id for session in chosen]
        for fingerprint in self.fingerprints(roles=ROLES, sessions=ids):
            digest.update(fingerprint_to_line(fingerprint))
        return digest.hexdigest()


@contextmanager
def build_survey(path: Path, site: Site) -> Iterator[Survey]:
    """Build a survey file completely, then let it replace `path`.

    Give it a new survey and fill it: when the block ends well, `path` holds the whole survey; when
    it raises, or the process is killed, `path` is as it was.

    Raises:
        SurveyError: the folder cannot be written.
    """
    try:
        with atomic_write(path) as unfinished, closing(connect(unfinished)) as connection:
            with sqlite_errors(path):
                connection.executescript(DISPOSABLE)
                make_tables(connection, site)
            survey = Survey(path, connection, site)
            with transaction(path, connection):
                yield survey
    except OSError as error:
        raise SurveyError(
            f"a survey must be writable where it is built, but {path}: {error}", path=path
        ) from error


def _read_site(path: Path, connection: sqlite3.Connection) -> Site:
    with sqlite_errors(path):
        row = connection.execute("SELECT toml FROM site").fetchone()
    if row is None:
        raise SurveyError(f"a survey must have a site, but {path} has none", path=path)
    try:
        return site_from_toml(row[0], origin=f"the site in {path}")
    except SiteError as error:
        raise SurveyError(str(error), path=path) from error
