"""The SQLite file under a survey: how it is opened, recognised, made, migrated and written to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from localizer import __version__
from localizer.beacons import BeaconId
from localizer.errors import SurveyError
from localizer.site import Site, site_to_toml
from localizer.survey.schema import (
    APPLICATION_ID,
    HIDE_SCHEMA_2,
    SCHEMA_2,
    SHOW_AS_SCHEMA_2,
    SURVEY_SCHEMA,
    TABLES,
)
from localizer.survey.transactions import sqlite_errors, transaction

_START_BYTES: Final = 16
"""How much of a file that is none of SQLite's a message quotes."""
_BUSY_TIMEOUT_S: Final = 10.0
"""How long a second writer waits for the first; after it, "database is locked"."""

# A survey is one file that people copy, mail and carry on a stick. A write-ahead log would keep the
# newest scans in a second file that a copy leaves behind, and does not work on network drives; a
# rollback journal lives only during a write. EXTRA is FULL (the journal is on the disk before the
# file changes, so a crash never damages it) and also syncs the folder, so that a scan once
# recorded is not rolled back by a power cut.
_DURABLE: Final = "PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA;"
# A file that is being built is thrown away if anything fails, and synced once at the end.
DISPOSABLE: Final = "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;"


class SurveyFile:
    """An open connection to a survey file: what all parts of a survey read and write through.

    One object belongs to one thread. A file of schema 1 is shown as one of schema 2, and becomes
    one with the first transaction.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, *, migrate: bool) -> None:
        self.path = path
        self.connection = connection
        self._is_schema_1 = migrate

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Return all rows of a query.

        Raises:
            SurveyError: the file is damaged, locked for long, or closed.
        """
        with sqlite_errors(self.path):
            return self.reading().execute(query, parameters).fetchall()

    def reading(self) -> sqlite3.Connection:
        """Return the connection, ready to read what is in the file now."""
        # Another connection may have migrated the file meanwhile.
        if self._is_schema_1 and _schema(self.connection) != 1:
            self._show_as_it_is()
        return self.connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do all of the block or nothing; inside another transaction, a part of that.

        Raises:
            SurveyError: the file cannot be written; its `reason` says why.
        """
        if self._is_schema_1:
            self._migrate()
        with transaction(self.path, self.connection):
            yield self.connection

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self.connection.close()

    def _migrate(self) -> None:
        with sqlite_errors(self.path):
            self._show_as_it_is()
            try:
                with transaction(self.path, self.connection):
                    # Nobody else can have migrated it after this question was answered.
                    if _schema(self.connection) == 1:
                        for statement in SCHEMA_2:
                            self.connection.execute(statement)
                        self.connection.execute(f"PRAGMA user_version = {SURVEY_SCHEMA}")
            except BaseException:
                _show_as_schema_2(self.connection)
                self._is_schema_1 = True
                raise

    def _show_as_it_is(self) -> None:
        for statement in HIDE_SCHEMA_2:
            self.connection.execute(statement)
        self._is_schema_1 = False


def open_survey_file(path: Path) -> SurveyFile:
    """Open a survey file of a schema that this version reads.

    Raises:
        SurveyError: it is no such file; the message says what it is.
    """
    connection = connect(path)
    try:
        with sqlite_errors(path):
            schema = _refuse_other_files(path, connection)
            connection.executescript(_DURABLE)
            if schema == 1:
                _show_as_schema_2(connection)
    except BaseException:
        connection.close()
        raise
    return SurveyFile(path, connection, migrate=schema == 1)


def make_tables(connection: sqlite3.Connection, site: Site) -> None:
    """Turn an empty file into an empty survey."""
    connection.executescript(
        f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SURVEY_SCHEMA};{TABLES}"
    )
    connection.execute("INSERT INTO meta VALUES ('created_by', ?)", (f"localizer {__version__}",))
    connection.execute("INSERT INTO site VALUES (1, ?)", (site_to_toml(site),))


def number_beacon(connection: sqlite3.Connection, beacon: BeaconId) -> int:
    """Return the row of a beacon in table `beacons`, after adding it if it is new."""
    connection.execute(
        "INSERT INTO beacons (canonical) VALUES (?) ON CONFLICT DO NOTHING", (beacon,)
    )
    (number,) = connection.execute(
        "SELECT id FROM beacons WHERE canonical = ?", (beacon,)
    ).fetchone()
    return int(number)


def numbered_beacons(connection: sqlite3.Connection) -> dict[int, BeaconId]:
    """Return table `beacons`: every beacon ever added, by its row."""
    rows = connection.execute("SELECT id, canonical FROM beacons")
    return {number: BeaconId(canonical) for number, canonical in rows}


def connect(path: Path) -> sqlite3.Connection:
    """Connect to a file that exists; read-only where its permissions say so.

    Raises:
        SurveyError: the file is missing, a folder, or cannot be opened.
    """
    _refuse_unreadable(path)
    with sqlite_errors(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=_BUSY_TIMEOUT_S,
            isolation_level=None,
        )
        # What somebody deletes is overwritten, not merely left out of the tables.
        connection.executescript("PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;")
    return connection


def _show_as_schema_2(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA temp_store = MEMORY")
    for statement in SHOW_AS_SCHEMA_2:
        connection.execute(statement)


def _schema(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _refuse_unreadable(path: Path) -> None:
    # Never by opening it: closing any handle of a file gives up all locks that this process has on
    # it (POSIX), those of a recording in another thread included.
    reason = "Is a directory" if path.is_dir() else None
    try:
        path.stat()
    except OSError as error:
        reason = error.strerror
    if reason is not None:
        raise SurveyError(
            f"a survey must be a readable file, but {path}: {reason}; check the path", path=path
        )


def _refuse_other_files(path: Path, connection: sqlite3.Connection) -> int:
    """Return the schema of a survey file."""
    if not path.stat().st_size:
        raise SurveyError(f"a survey must not be empty, but {path} has 0 bytes", path=path)
    application = application_id(connection)
    if application is None:
        raise _no_sqlite(path)
    schema = _schema(connection)
    if application != APPLICATION_ID:
        raise SurveyError(
            f"a survey must have application_id {APPLICATION_ID:#x}, but {path} has "
            f"{application:#x}; it is another program's SQLite file",
            path=path,
        )
    if not 1 <= schema <= SURVEY_SCHEMA:
        raise SurveyError(
            f"{path} needs a Localizer that reads survey schema {schema}, but this one "
            f"({__version__}) reads 1 to {SURVEY_SCHEMA}; install a newer version",
            path=path,
        )
    return schema


def application_id(connection: sqlite3.Connection) -> int | None:
    """Return whose file it is by its own words; None for one that is not SQLite's."""
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            return None
        raise
    return int(application)


def _no_sqlite(path: Path) -> SurveyError:
    with path.open("rb") as file:  # no SQLite file, so nobody holds a lock on it
        start = file.read(_START_BYTES)
    return SurveyError(
        f"a survey must be a SQLite file, but {path} starts with {start!r}; "
        "import JSON Lines or CSV files first",
        path=path,
    )
