"""A survey file that is merged, open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from localizer.survey import FloorPlan, Survey
from localizer.survey.file import SurveyFile, open_survey_file
from localizer.survey.rows import utc_from_us


@dataclass(frozen=True, slots=True)
class Opened:
    """A survey with the file under it: a merge reads rows as they are stored."""

    name: str
    """For people: the name of the file."""
    file: SurveyFile
    survey: Survey

    @property
    def plans(self) -> list[FloorPlan]:
        """The plans of all floors."""
        found = (self.survey.plans.get(floor) for floor in self.survey.plans.floors())
        return [plan for plan in found if plan is not None]

    @property
    def points_used(self) -> set[str]:
        """Ids of the points at which somebody recorded."""
        rows = self.file.rows("SELECT DISTINCT point FROM recordings WHERE point IS NOT NULL")
        return {point for (point,) in rows}

    def has_scans_beside_recordings(self, session: str) -> bool:
        """Return whether a session has fingerprints that were cut from no recording."""
        rows = self.file.rows(
            "SELECT 1 FROM fingerprints WHERE session = ? AND recording IS NULL LIMIT 1", (session,)
        )
        return bool(rows)

    def last_activity(self) -> datetime | None:
        """Return when something was recorded or edited last, UTC; None if never."""
        times = [edit.time_utc for edit in self.survey.site_edits()]
        times += [one.ended_utc or one.started_utc for one in self.survey.recordings.all()]
        rows = self.file.rows("SELECT max(time_utc_us) FROM fingerprints")
        times += [utc_from_us(newest) for (newest,) in rows if newest is not None]
        return max(times, default=None)


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Open a survey file to be merged.

    Raises:
        SurveyError: it is none that this version reads.
    """
    file = open_survey_file(path)
    try:
        yield Opened(path.name, file, Survey(file))
    finally:
        file.close()
