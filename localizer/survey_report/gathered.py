"""All that a report tells of a survey, read from sums: fast whatever was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localizer.scans import Session
from localizer.site import Site
from localizer.survey import (
    ROLES,
    BeaconChange,
    Coverage,
    PointCoverage,
    Recording,
    Survey,
    Visit,
)
from localizer.survey.file import open_survey_file
from localizer.survey_report.imported_visits import read_imported_visits
from localizer.surveying.pace import minutes_left
from localizer.surveying.progress import Progress, measure_progress


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is known of a survey."""

    name: str
    """Of the file."""
    site: Site
    sessions: tuple[Session, ...]
    """By id, expired ones too."""
    readable: frozenset[str]
    """Ids of those that have not expired; all else is of these."""
    coverage: Coverage
    """Points, and the places of scans that were imported; walks and unlabelled recordings."""
    recorded: Coverage
    """The same without what was imported, which nobody stood and recorded."""
    progress: Progress
    """Of all points; the pace is that of recordings."""
    discarded: tuple[Recording, ...]
    changes: tuple[BeaconChange, ...]
    """Replaced and moved beacons, oldest first."""

    def visits(self) -> Iterator[tuple[PointCoverage | None, Visit]]:
        """Yield every visit with its point; None for walks and unlabelled recordings."""
        for one in self.coverage.points:
            for visit in one.visits:
                yield one, visit
        for visit in self.coverage.elsewhere:
            yield None, visit


def _minutes_left(recorded: Coverage, progress: Progress) -> float | None:
    """Return how long the points take that are left, without those that were imported."""
    if not recorded.points:
        return None
    ids = {one.point.id for one in recorded.points}
    left = sum(not one.done and one.point.id in ids for one in progress.points)
    return minutes_left([v.recording for one in recorded.points for v in one.visits], left)


def gather(path: Path) -> Gathered:
    """Read what a report needs.

    Raises:
        SurveyError: the file is no survey that this version reads, or damaged.
    """
    file = open_survey_file(path)
    try:
        survey = Survey(file)
        sessions = tuple(survey.sessions)
        readable = frozenset(one.id for one in survey.readable_sessions(roles=ROLES))
        changes = tuple(survey.beacon_changes.all())
        recorded = survey.coverage()
        imported = read_imported_visits(file, readable, changes)
        coverage = Coverage(
            (*recorded.points, *imported.points), (*recorded.elsewhere, *imported.elsewhere)
        )
        progress = measure_progress(coverage)
        pace = _minutes_left(recorded, progress)
        discarded = tuple(one for one in survey.recordings.all() if one.status == "discarded")
        return Gathered(
            path.name,
            survey.site,
            sessions,
            readable,
            coverage,
            recorded,
            Progress(progress.points, pace),
            discarded,
            changes,
        )
    finally:
        file.close()
