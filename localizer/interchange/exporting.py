"""A survey written in another format, with what that format loses told before it is lost."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from localizer.atomic import atomic_write
from localizer.errors import SurveyError
from localizer.interchange.formats import (
    BEACONS,
    LOSSY_BY_NATURE,
    SCAN_FORMATS,
)
from localizer.interchange.places import write_beacons, write_points
from localizer.interchange.scanned import (
    Loss,
    Reading,
    ScanFormat,
    losses_beside_scans,
    losses_of_scans,
    scanned_of,
)
from localizer.site import site_to_toml
from localizer.survey import Survey, refuse_survey
from localizer.survey_jsonl import export_jsonl


@dataclass(frozen=True, slots=True)
class Exported:
    """What came of an export."""

    path: Path
    count: int
    """Fingerprints, beacons or points."""
    what: str
    losses: tuple[Loss, ...] = ()
    """What the file does not hold; found by reading it back."""
    written: bool = True
    """False if something would have been lost: then nothing was written."""
    reading: Reading | None = None
    """How it must be read to get back what it holds."""


def export_survey(survey: Survey, path: Path, format_name: str, *, lossy: bool = False) -> Exported:
    """Write a survey in a format; an existing file is replaced once the new one is complete.

    What is written is read back before it takes its place: what does not come back is a loss.

    Args:
        survey: what to write.
        path: a file, or for ``uci`` and ``comford`` a folder.
        format_name: one of `localizer.interchange.formats.EXPORTS`.
        lossy: whether to write what loses something, too.

    Raises:
        SurveyError: the survey is damaged, the format can hold nothing of it, or the file cannot
            be written, or is a survey.
    """
    refuse_survey(path)
    try:
        match format_name:
            case "jsonl":
                return Exported(path, export_jsonl(survey, path), "fingerprints")
            case "site":
                with atomic_write(path) as file:
                    file.write_text(site_to_toml(survey.site), encoding="utf-8")
                return Exported(path, len(survey.site.floors), "floors")
            case "beacons" | "points":
                write = write_beacons if format_name == BEACONS else write_points
                with atomic_write(path) as file:
                    return Exported(path, write(survey, file), format_name)
            case _:
                goes_on = lossy or format_name in LOSSY_BY_NATURE
                return _export_scans(survey, path, SCAN_FORMATS[format_name], lossy=goes_on)
    except OSError as error:
        raise SurveyError(
            f"an export must be writable at {path}, but {error}", path=path
        ) from error


def _export_scans(survey: Survey, path: Path, chosen: ScanFormat, *, lossy: bool) -> Exported:
    scanned = scanned_of(survey)
    with _unfinished(path, folder=not chosen.suffix) as unfinished:
        reading, held = chosen.write(scanned, unfinished.path)
        losses = [
            *losses_beside_scans(survey),
            *losses_of_scans(scanned, held, chosen.read(unfinished.path, reading)),
        ]
        unfinished.keep = lossy or not losses
    kept = unfinished.keep
    return Exported(path, len(held), "fingerprints", tuple(losses), kept, reading)


@dataclass(slots=True)
class _Unfinished:
    path: Path
    keep: bool = False


@contextmanager
def _unfinished(path: Path, *, folder: bool) -> Iterator[_Unfinished]:
    """Give a place beside `path`; what is to be kept there becomes `path` at the end."""
    path = path.resolve()
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as beside:
        made = _Unfinished(Path(beside) / path.name)
        if folder:
            made.path.mkdir()
        yield made
        if not made.keep:
            return
        if folder:
            path.mkdir(exist_ok=True)
        for file in sorted(made.path.iterdir()) if folder else [made.path]:
            target = path / file.name if folder else path
            with atomic_write(target) as unfinished:
                shutil.copyfile(file, unfinished)
