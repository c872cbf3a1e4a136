"""JSON Lines: a survey as text that any tool reads, without loss in either direction."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import BinaryIO, Final

from localizer import __version__
from localizer.atomic import atomic_write
from localizer.errors import SiteError, SurveyError
from localizer.importers import ImportReport, ProblemLog
from localizer.scans import Fingerprint
from localizer.site import Site, site_from_toml, site_to_toml
from localizer.survey import SURVEY_SCHEMA, Survey, build_survey
from localizer.survey.dump import CutFingerprint
from localizer.survey_lines import (
    header_from_line,
    header_to_line,
    record_from_line,
    record_to_line,
)

MAX_LINE_BYTES: Final = 40 * 2**20
"""A longer line is damaged and is not read into memory. The longest are floor plans in base64; a
fingerprint has about 300 bytes."""


def export_jsonl(survey: Survey, path: Path) -> int:
    """Write a whole survey, sealed sessions included, and return the number of fingerprints.

    An existing file is replaced once the new one is complete. Sealed rows are written because an
    export is a copy, roles and all, not an evaluation.

    Raises:
        SurveyError: the survey is damaged, or the file cannot be written.
    """
    written = 0
    try:
        with atomic_write(path) as unfinished, unfinished.open("wb") as file:
            file.write(header_to_line(SURVEY_SCHEMA, site_to_toml(survey.site)))
            for record in survey.dump():
                file.write(record_to_line(record))
                written += isinstance(record, Fingerprint | CutFingerprint)
    except OSError as error:
        raise SurveyError(
            f"an export must be writable at {path}, but {error}", path=path
        ) from error
    return written


def import_jsonl(path: Path, survey_path: Path) -> ImportReport:
    """Build a survey file from an export; an existing one is replaced at the end.

    A damaged line is left out and named in the report, and every other line is kept. When a
    session's line is damaged, its recordings and fingerprints are left out too: nobody can guess
    whether they were sealed.

    Raises:
        SurveyError: the file cannot be read, its first line is no header or of a newer schema, or
            the survey file cannot be written.
    """
    log = ProblemLog()
    fingerprints = 0
    with _open(path) as file, build_survey(survey_path, _read_site(path, file)) as survey:
        restorer = survey.restorer()
        for number, line in _lines(file):
            # What the survey would refuse is the line's fault; what fails later is not.
            try:
                record = record_from_line(line)
                restorer.check(record)
            except SurveyError as error:
                log.add(path, number, str(error))
                continue
            restorer.add(record)
            fingerprints += isinstance(record, Fingerprint | CutFingerprint)
    return log.report(survey_path, sessions=len(restorer.sessions), fingerprints=fingerprints)


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise SurveyError(
            f"an import must be a readable file, but {path}: {error.strerror}; check the path",
            path=path,
        ) from error


def _read_site(path: Path, file: BinaryIO) -> Site:
    line = file.readline(MAX_LINE_BYTES).removeprefix(codecs.BOM_UTF8)
    try:
        header = header_from_line(line)
    except SurveyError as error:
        raise SurveyError(
            f"the first line of {path} must be the header of an export, but {error}; "
            "without it there is no site to place the fingerprints in",
            path=path,
            line=1,
        ) from error
    if not 1 <= header.schema_version <= SURVEY_SCHEMA:
        raise SurveyError(
            f"{path} needs a Localizer that reads survey schema {header.schema_version}, but this "
            f"one ({__version__}) reads 1 to {SURVEY_SCHEMA}; install a newer version",
            path=path,
            line=1,
        )
    try:
        return site_from_toml(header.site, origin=f"the site in line 1 of {path}")
    except SiteError as error:
        raise SurveyError(str(error), path=path, line=1) from error


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the bytes of every line after the first, but of blank ones.

    A line that is too long comes cut, so that it is read as damaged.
    """
    for number in count(start=2):
        line = file.readline(MAX_LINE_BYTES)
        if not line:
            return
        rest = line
        while len(rest) == MAX_LINE_BYTES and not rest.endswith(b"\n"):
            rest = file.readline(MAX_LINE_BYTES)
        if line.strip():
            yield number, line
