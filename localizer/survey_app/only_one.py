"""One survey app a survey file: a second one would cut off what the first records."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localizer.errors import ConfigError, SurveyError


@contextmanager
def only_one(survey: Path) -> Iterator[None]:
    """Hold a survey file for this process, however the process ends.

    A file of its own is locked, beside the survey: SQLite's locks on the survey itself come and go.
    Where the system has no such locks (Windows), nothing is held.

    Raises:
        ConfigError: another process holds it.
        SurveyError: the folder cannot be written.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    path = survey.with_name(f".{survey.name}.lock")
    lock = _opened(path, survey)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever held it may have deleted the file between the opening and the lock.
        held = path.exists() and path.stat().st_ino == os.fstat(lock).st_ino
    except BlockingIOError:
        held = False
    if not held:
        os.close(lock)
        raise ConfigError(
            f"one survey app at a time must have {survey} open, but another one has; use that, or "
            "end it first"
        )
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(lock)


def _opened(path: Path, survey: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SurveyError(
            f"the folder of a survey must be writable, but {path}: {error.strerror}", path=survey
        ) from error
