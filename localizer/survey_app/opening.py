"""From a command line's strings to a survey at work, with live positions or without."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from localizer.bundle import load_bundle
from localizer.cli_sources import RADIO_OPENERS
from localizer.clock import Clock
from localizer.live import LiveEngine
from localizer.locate import Locator
from localizer.sources import Source, open_source
from localizer.survey_app.checking import CheckWalks
from localizer.survey_app.listening import SharedSource
from localizer.survey_app.service import SurveyService


class SurveyAtWork(NamedTuple):
    """A survey, and what locates by its source."""

    service: SurveyService
    locator: Locator | None
    """None without a bundle, as `engine`."""
    engine: LiveEngine | None


def open_survey_service(path: Path, source: str, bundle: Path | None = None) -> SurveyAtWork:
    """Open the survey file that is there, its source, and a bundle to check.

    Args:
        path: the survey file.
        source: as `localizer.sources.open_source` takes it, radios too.
        bundle: folder or zip; None for a survey that nobody trained on yet.

    Raises:
        BundleError: the bundle does not match itself.
        SourceError: the source cannot be opened.
        SurveyError: the survey cannot be opened or written.
    """

    def opened(clock: Clock | None) -> Source:
        return open_source(source, openers=RADIO_OPENERS, clock=clock)

    loaded = None if bundle is None else load_bundle(bundle)
    service = SurveyService(path, opened)
    if loaded is None:
        return SurveyAtWork(service, None, None)
    locator = Locator(loaded)
    engine = LiveEngine(locator, SharedSource(service.reader))
    service.checks = CheckWalks(engine, path, service.utc_now, bundle=loaded.id)
    return SurveyAtWork(service, locator, engine)
