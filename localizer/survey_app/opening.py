"""From a command line's strings to a survey at work."""

from __future__ import annotations

from pathlib import Path

from localizer.cli_sources import RADIO_OPENERS
from localizer.clock import Clock
from localizer.sources import Source, open_source
from localizer.survey_app.service import SurveyService


def open_survey_service(path: Path, source: str) -> SurveyService:
    """Return the service of a survey file that is there.

    Args:
        path: the survey file.
        source: as `localizer.sources.open_source` takes it, radios too.

    Raises:
        SourceError: the source cannot be opened.
        SurveyError: the survey cannot be opened or written.
    """

    def opened(clock: Clock | None) -> Source:
        return open_source(source, openers=RADIO_OPENERS, clock=clock)

    return SurveyService(path, opened)
