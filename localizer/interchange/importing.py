"""A file of any known format taken into a survey file: a new one, or one that is there."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from localizer.errors import SurveyError
from localizer.importers import ImportReport
from localizer.interchange.formats import BEACONS, JSONL, POINTS, SCAN_FORMATS, import_format
from localizer.interchange.places import add_beacons, add_points
from localizer.interchange.scanned import Reading, Scanned
from localizer.interchange.uci_layout import PUBLISHED_HEADER, UciLayout, header_of
from localizer.interchange.uci_rules import PUBLISHED
from localizer.sites import built_in_site
from localizer.survey import Survey, build_survey
from localizer.survey_jsonl import import_jsonl
from localizer.survey_merge import MergeReport, add_survey


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import."""

    path: Path
    """The survey file."""
    count: int
    """Fingerprints, beacons or points that were read."""
    what: str
    report: ImportReport | None = None
    """Damaged lines that were left out, where the format allows that."""
    merge: MergeReport | None = None
    """What differs from the survey that was added to; nothing was added if it has conflicts."""


def import_survey(
    path: Path, target: Path, format_name: str | None = None, *, reading: Reading | None = None
) -> Imported:
    """Build a survey file from a file of another format; an existing one is replaced at the end.

    Args:
        path: a file, or for ``uci`` and ``comford`` a folder.
        target: the survey file.
        format_name: one of `localizer.interchange.formats.IMPORTS`; None: by what is in it.
        reading: what the file does not say.

    Raises:
        SurveyError: the file cannot be read or is damaged (with its line), or `target` cannot be
            written. Of JSON Lines, damaged lines are left out and named instead.
        SiteError: there is no site, or it does not hold together.
    """
    chosen = format_name or import_format(path)
    if chosen == JSONL:
        report = import_jsonl(path, target)
        return Imported(target, report.fingerprints, "fingerprints", report)
    if chosen in (BEACONS, POINTS):
        raise SurveyError(
            f"{chosen} must be taken into a survey that is there, but no such survey was given; "
            "give --into SURVEY",
            path=path,
        )
    scanned = SCAN_FORMATS[chosen].read(path, _known(chosen, path, reading or Reading()))
    _build(scanned, target)
    return Imported(target, len(scanned.fingerprints), "fingerprints")


def import_into(
    path: Path, survey_path: Path, format_name: str | None = None, *, reading: Reading | None = None
) -> Imported:
    """Add a file of another format to a survey file, all of it or nothing.

    What is there stays as it is, and what is there already is taken once. Where the file says
    something else, nothing is added and the report has the conflicts.

    Args:
        path: a file, or for ``uci`` and ``comford`` a folder.
        survey_path: the survey file.
        format_name: as for `import_survey`.
        reading: what the file does not say; its site is the survey's.

    Raises:
        SurveyError: the file cannot be read or is damaged (with its line), or the survey cannot
            be written.
        TableError: it is a table of points or beacons with a wrong line.
    """
    chosen = format_name or import_format(path)
    with Survey.open(survey_path) as survey:
        if chosen in (BEACONS, POINTS):
            add = add_beacons if chosen == BEACONS else add_points
            return Imported(survey_path, add(survey, path), chosen)
        site = survey.site
    with tempfile.TemporaryDirectory(dir=survey_path.resolve().parent, prefix=".import.") as folder:
        between = Path(folder) / "imported.survey"
        told = reading or Reading()
        made = import_survey(
            path, between, chosen, reading=Reading(site, told.device, told.utc_offset_s)
        )
        if made.report is not None and made.report.problem_count:
            first = made.report.problems[0]
            raise SurveyError(
                f"what is added must be whole, but {made.report.problem_count} lines of {path} "
                f"are damaged, first {first}; correct them, or import the file on its own",
                path=path,
                line=first.line,
            )
        merge = add_survey(survey_path, between, name=path.name)
    return Imported(survey_path, made.count, made.what, made.report, merge)


def _known(chosen: str, path: Path, reading: Reading) -> Reading:
    """Return what is known of a file: the published survey's site needs not be named."""
    if reading.site is None and chosen == UciLayout.name and header_of(path) == PUBLISHED_HEADER:
        return Reading(built_in_site(PUBLISHED), reading.device, reading.utc_offset_s)
    return reading


def _build(scanned: Scanned, target: Path) -> None:
    with build_survey(target, scanned.site) as survey:
        for session in scanned.sessions:
            survey.add_session(session)
        survey.add(scanned.fingerprints)
