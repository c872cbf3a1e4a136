"""What SQLite does for a survey file: all or nothing, and errors that say what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from localizer.errors import SurveyError

_REASONS: Final = {
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_CANTOPEN: "io_error",
    sqlite3.SQLITE_IOERR: "io_error",
}
_ADVICE: Final = {
    "disk_full": "make room on the disk; nothing that was written before is lost",
    "locked": "another program writes to it: close that, or wait",
    "read_only": "allow writing to the file and its folder",
    "io_error": "check the disk and what else limits files; nothing written before is lost",
}
_PRIMARY_CODE: Final = 0xFF
"""The lower byte of an extended result code of SQLite is the code itself."""


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Say which file it was when SQLite fails, and what to do where something helps."""
    try:
        yield
    except sqlite3.Error as error:
        # Errors of the sqlite3 module itself, such as for a closed connection, have no code.
        code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
        reason = _REASONS.get(code)
        raise SurveyError(
            f"a survey must be an intact, open and writable SQLite file, but {path}: {error}"
            f"{f'; {_ADVICE[reason]}' if reason else ''}",
            path=path,
            reason=reason,
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
