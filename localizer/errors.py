"""One error tree: a root, and one class for every border that input crosses."""

from __future__ import annotations

import copyreg
from pathlib import Path
from typing import Any


class LocalizerError(Exception):
    """Root of every error that Localizer raises on purpose.

    A message says what must hold, what was got, and what to do.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy without the constructor: pickle would not give it its keyword-only arguments.

        Without this, an error of a worker process arrives as a BrokenProcessPool.
        """
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class SiteError(LocalizerError):
    """A site, a beacon id or a position that does not hold together."""


class PlanError(SiteError):
    """A floor plan, its scale or its geometry that cannot be used."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason
        """A machine-readable reason, lower case with underscores."""


class TableError(SiteError):
    """A CSV of points or beacons that cannot be used; nothing of it was taken."""

    def __init__(self, message: str, *, reason: str, line: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        """A machine-readable reason, lower case with underscores."""
        self.line = line
        """The first 1-based line that is wrong; None where no line alone is."""


class SurveyError(LocalizerError):
    """A survey file, or an import into one, that cannot be used."""

    def __init__(
        self,
        message: str,
        *,
        path: Path | None = None,
        line: int | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(message)
        self.path = path
        """The file that was read, where there was one."""
        self.line = line
        """The 1-based line in that file, where it is known."""
        self.reason = reason
        """Why the file cannot be used now, where waiting helps: ``disk_full``, ``locked``,
        ``read_only`` or ``io_error``."""


class WalkError(SurveyError):
    """Taps of a walk that cannot have happened so."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason
        """A machine-readable reason, lower case with underscores."""


class SurveyAppError(LocalizerError):
    """Something that the survey app cannot do now, or with a name that the survey lacks."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason
        """A machine-readable reason, lower case with underscores; ``not_found`` for a name."""


class DownloadError(LocalizerError):
    """A public data set that could not be fetched, or came with the wrong checksum."""


class FeatureError(LocalizerError):
    """A feature specification, or readings that do not fit it."""


class BundleError(LocalizerError):
    """A bundle that does not match its own manifest."""

    def __init__(self, message: str, *, field: str, expected: object, got: object) -> None:
        super().__init__(message)
        self.field = field
        """The manifest field, or the part of the bundle, that is wrong."""
        self.expected = expected
        """The value that must stand there."""
        self.got = got
        """The value that was found."""


class SourceError(LocalizerError):
    """A source of advertisements that cannot be opened or has failed."""

    def __init__(self, message: str, *, source: str, reason: str) -> None:
        super().__init__(message)
        self.source = source
        """The string that the source was opened with."""
        self.reason = reason
        """A machine-readable reason, lower case with underscores."""


class ConfigError(LocalizerError):
    """A training or service setting that is unknown, missing or out of range."""


class LeakError(LocalizerError):
    """Test rows that stand in training: figures of such a split would flatter."""

    def __init__(self, message: str, *, rows: tuple[int, ...]) -> None:
        super().__init__(message)
        self.rows = rows
        """Every such test row, by its number in the table."""
