"""The published files of a data set: which they are, and that they are the published ones."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localizer.errors import SurveyError


@dataclass(frozen=True, slots=True)
class DataSet:
    """The files of a published survey, and where they may be found."""

    name: str
    """For a person, as in "the UCI survey"."""
    folder: str
    """Of that name in LOCALIZER_DATA."""
    cache: str
    """Of that name in the cache."""
    sha256: Mapping[str, str]
    """Checksum of each file that an import needs, by its path below the folder."""

    def lies_in(self, folder: Path) -> bool:
        """Return whether every file lies in a folder, as it was published."""
        return not self.missing(folder) and all(
            hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
            for name, digest in self.sha256.items()
        )

    def missing(self, folder: Path) -> list[str]:
        """Return the files that a folder lacks, whatever stands in those that it has."""
        return [name for name in self.sha256 if not (folder / name).is_file()]


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The folder that holds the files of a data set, and where they came from."""

    folder: Path
    origin: str
    """For a person: "LOCALIZER_DATA", "cache" or the address of the download."""


def read_source(path: Path, survey: str, *, sha256: str | None) -> bytes:
    """Read a file of a published survey.

    Args:
        path: the file.
        survey: the survey's name for a person, as in "the UCI survey".
        sha256: the checksum that must hold; None to take the file as it is.

    Raises:
        SurveyError: it cannot be read, or is not the published file (with both checksums).
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SurveyError(
            f"a file of the {survey} survey must be readable, but {path}: {error.strerror}",
            path=path,
        ) from error
    got = hashlib.sha256(content).hexdigest()
    if sha256 is not None and got != sha256:
        raise SurveyError(
            f"{path.name} must have sha256 {sha256}, but {path} has {got}; "
            "delete the file and fetch it again",
            path=path,
        )
    return content
