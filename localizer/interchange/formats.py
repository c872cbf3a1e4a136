"""Which formats there are, and which of them a file has."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from localizer.errors import SurveyError
from localizer.importers.uci import LABELLED_NAME, UNLABELLED_NAME
from localizer.interchange.comford import Comford
from localizer.interchange.comford_tables import SAMPLES
from localizer.interchange.scanned import ScanFormat
from localizer.interchange.spreadsheet import Spreadsheet
from localizer.interchange.uci_layout import PLACE, TIME, UciLayout
from localizer.surveying.csv_rows import DEGREE_NAMES

JSONL: Final = "jsonl"
BEACONS: Final = "beacons"
POINTS: Final = "points"
SITE: Final = "site"

SCAN_FORMATS: Final[dict[str, ScanFormat]] = {
    one.name: one for one in (UciLayout(), Comford(), Spreadsheet())
}
"""Tables of scans; each says what it cannot hold."""

IMPORTS: Final = (JSONL, *SCAN_FORMATS, BEACONS, POINTS)
EXPORTS: Final = (*IMPORTS, SITE)

LOSSY_BY_NATURE: Final = frozenset({Spreadsheet.name})
"""Formats that somebody asks for to look at a survey: what they lack is told, and no refusal."""

_LOOKED_AT: Final = 4_096
"""Bytes of a file by which its format is recognised."""


def export_format(path: Path) -> str:
    """Return the format that a file to be written has by its name.

    Raises:
        SurveyError: its suffix says nothing.
    """
    by_suffix = {".jsonl": JSONL, ".csv": Spreadsheet.name, ".toml": SITE}
    try:
        return by_suffix[path.suffix.lower()]
    except KeyError:
        raise SurveyError(
            f"an export must end with one of {', '.join(by_suffix)}, or its format must be given, "
            f"but got {path.name!r}; give --format, one of {', '.join(EXPORTS)}",
            path=path,
        ) from None


def import_format(path: Path) -> str:
    """Return the format of a file or a folder by what is in it.

    Raises:
        SurveyError: it cannot be read, or is of no known format.
    """
    if path.is_dir():
        names = {one.name for one in path.iterdir()}
        if names & {LABELLED_NAME, UNLABELLED_NAME}:
            return UciLayout.name
        if names & set(SAMPLES):
            return Comford.name
        raise _unknown(path, "the folder has neither COMFORD's tables nor those of UCI")
    start = _start_of(path)
    if not start:
        raise SurveyError(f"an import must not be empty, but {path} has 0 bytes", path=path)
    if start.startswith(b"SQLite format 3"):
        raise _unknown(path, "it is a SQLite file; a survey file needs `localizer data merge`")
    text = start.decode("utf-8", errors="replace").removeprefix("\ufeff").lstrip()
    if text.startswith("{") or path.suffix.lower() == ".jsonl":
        return JSONL
    return _table_format(path, text.partition("\n")[0])


def _table_format(path: Path, header: str) -> str:
    delimiter = max(",;\t", key=header.count)
    names = [name.strip().lower().strip('"') for name in header.split(delimiter)]
    if names[:2] == [PLACE, TIME]:
        return UciLayout.name
    if "time_utc" in names:
        return Spreadsheet.name
    # Places in degrees are no format: their reader says what to do.
    if {"x_m", "y_m"} <= set(names) or DEGREE_NAMES & set(names):
        return POINTS if "name" in names else BEACONS
    raise _unknown(path, f"it starts with {header[:80]!r}")


def _start_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LOOKED_AT)
    except OSError as error:
        raise SurveyError(
            f"an import must be a readable file, but {path}: {error.strerror}; check the path",
            path=path,
        ) from error


def _unknown(path: Path, why: str) -> SurveyError:
    return SurveyError(
        f"an import must be of a known format, but {path} is none of {', '.join(IMPORTS)}: {why}; "
        "give --format if it is one all the same",
        path=path,
    )
