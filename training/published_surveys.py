"""The published surveys by name: each is found, imported into a survey file, and introduced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from localizer.importers.download import find_tetam, find_uci, find_uji
from localizer.importers.tetam import import_tetam
from localizer.importers.uci import import_uci
from localizer.importers.uji import Zone, import_uji
from localizer.survey import Survey

TETAM_STEP_S: Final = 30
"""Of each static stay of half an hour the survey `tetam` holds one second in 30: 7,676 scans of
226,754, which open in seconds and train in minutes. All of them take over a minute to open, and say
little more: they are 1,800 consecutive seconds at each of 126 points. The walks are whole."""


def import_published(name: str, path: Path) -> tuple[str, ...]:
    """Build the survey file of a published survey.

    Args:
        name: one of `PUBLISHED_SURVEYS`.
        path: the survey file to write.

    Returns:
        What is to be said about it: where it came from, what is left out of each session and why.

    Raises:
        DownloadError: its files are neither on this machine nor reachable.
        SurveyError: a file is not the published one, or the survey cannot be written.
    """
    return PUBLISHED_SURVEYS[name](path)


def _import_uci(path: Path) -> tuple[str, ...]:
    files = find_uci()
    import_uci(files, path)
    return (f"UCI BLE RSSI survey from {files.origin}",)


def _import_uji(path: Path, *, zone: Zone) -> tuple[str, ...]:
    files = find_uji()
    import_uji(files, path, zone=zone)
    return (f"UJI BLE RSS survey, zone {zone}, from {files.origin}", *_session_notes(path))


def _import_tetam(path: Path) -> tuple[str, ...]:
    files = find_tetam()
    import_tetam(files, path, step_s=TETAM_STEP_S)
    return (f"TETAM survey from {files.origin}", *_session_notes(path))


def _session_notes(path: Path) -> tuple[str, ...]:
    """Return what the importer says about the sessions, those of one note together."""
    with Survey.open(path) as survey:
        sessions = survey.sessions
    by_note: dict[str, list[str]] = {}
    for one in sessions:
        by_note.setdefault(one.note, []).append(one.id)
    return tuple(f"{', '.join(ids)}: {note}" for note, ids in by_note.items())


PUBLISHED_SURVEYS: Final[Mapping[str, Callable[[Path], tuple[str, ...]]]] = {
    "uci": _import_uci,
    "uji-lib": partial(_import_uji, zone="lib"),
    "uji-geo": partial(_import_uji, zone="geo"),
    "tetam": _import_tetam,
}
"""Each by name, with what builds its survey file."""

SURVEY_NAMES: Final = ", ".join(f"`{name}`" for name in PUBLISHED_SURVEYS)
"""For help and errors."""
