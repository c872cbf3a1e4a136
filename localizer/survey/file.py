"""The SQLite file under a survey: how it is opened, recognised, made and written to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from localizer import __version__
from localizer.beacons import BeaconId
from localizer.errors import SurveyError
from localizer.site import Site, site_to_toml
from localizer.survey_schema import APPLICATION_ID, SURVEY_SCHEMA, TABLES

_MAGIC: Final = b"SQLite format 3\x00"
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


def open_survey_file(path: Path) -> sqlite3.Connection:
    """Open a survey file of a schema that this version reads.

    Raises:
        SurveyError: it is no such file; the message says what it is.
    """
    _refuse_no_sqlite(path)
    connection = connect(path)
    try:
        with sqlite_errors(path):
            _refuse_other_files(path, connection)
            connection.executescript(_DURABLE)
    except BaseException:
        connection.close()
        raise
    return connection


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
    """Connect to a file that exists; read-only where its permissions say so."""
    with sqlite_errors(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=_BUSY_TIMEOUT_S,
            isolation_level=None,
        )
        connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _refuse_no_sqlite(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except OSError as error:
        raise SurveyError(
            f"a survey must be a readable file, but {path}: {error.strerror}; check the path",
            path=path,
        ) from error
    if not start:
        raise SurveyError(f"a survey must not be empty, but {path} has 0 bytes", path=path)
    if start != _MAGIC:
        raise SurveyError(
            f"a survey must be a SQLite file, but {path} starts with {start!r}; "
            "import JSON Lines or CSV files first",
            path=path,
        )


def _refuse_other_files(path: Path, connection: sqlite3.Connection) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
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


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Say which file it was when SQLite fails."""
    try:
        yield
    except sqlite3.Error as error:
        raise SurveyError(
            f"a survey must be an intact, open and writable SQLite file, but {path}: {error}",
            path=path,
        ) from error


@contextmanager
def transaction(path: Path, connection: sqlite3.Connection) -> Iterator[None]:
    """Do all of the block or nothing; inside another one, a savepoint."""
    begin, commit, undo = "BEGIN IMMEDIATE", "COMMIT", ["ROLLBACK"]
    if connection.in_transaction:
        begin, commit = "SAVEPOINT part", "RELEASE part"
        undo = ["ROLLBACK TO part", "RELEASE part"]
    with sqlite_errors(path):
        connection.execute(begin)
        try:
            yield
            connection.execute(commit)
        except BaseException:
            # A full disk makes SQLite roll back by itself.
            if connection.in_transaction:
                for statement in undo:
                    connection.execute(statement)
            raise
