"""Imports into a survey file, and the report that each of them gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAX_PROBLEMS: Final = 1_000
"""Damaged lines that are named one by one; beyond, they are counted, so that memory stays small."""


@dataclass(frozen=True, slots=True)
class LineProblem:
    """A line that was left out of an import."""

    path: Path
    line: int
    """1-based."""
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of an import."""

    path: Path
    """The survey file that was written."""
    sessions: int
    fingerprints: int
    problem_count: int = 0
    """Lines that were left out."""
    problems: tuple[LineProblem, ...] = ()
    """The first `MAX_PROBLEMS` of them, in the order of the files."""


class ProblemLog:
    """Collects damaged lines while an import runs."""

    def __init__(self) -> None:
        self.count = 0
        """All damaged lines so far."""
        self._first: list[LineProblem] = []

    def add(self, path: Path, line: int, reason: str) -> None:
        """Note a line that is left out."""
        self.count += 1
        if len(self._first) < MAX_PROBLEMS:
            self._first.append(LineProblem(path, line, reason))

    def report(self, survey_path: Path, *, sessions: int, fingerprints: int) -> ImportReport:
        """Return the report of the finished import."""
        return ImportReport(survey_path, sessions, fingerprints, self.count, tuple(self._first))
