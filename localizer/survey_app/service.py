"""The survey at work: its file, its recorder and its source, for as many phones as look at it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from localizer.errors import SurveyError
from localizer.sources import SourceStatus
from localizer.survey import WINDOW_S, HeardNow, RecorderStatus, Survey, Waypoint
from localizer.survey.survey import utc_now
from localizer.survey_app.checking import CheckWalks
from localizer.survey_app.guide import Guide
from localizer.survey_app.reading import OpenSource, SourceReader
from localizer.survey_app.recording import Recordings
from localizer.survey_app.sessions import RecordedSession
from localizer.survey_app.shared import SharedSurvey
from localizer.surveying.findings import Finding
from localizer.surveying.quality import judge_recording

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Now:
    """How the survey is at one moment, for the screen."""

    version: int
    source: SourceStatus
    recorder: RecorderStatus | None
    """None without a session."""
    waypoints: tuple[Waypoint, ...]
    """Of the open walk."""
    elapsed_s: float
    """Since the open recording began, seconds on the source's clock; 0 if there is none."""
    heard: tuple[HeardNow, ...]
    quality: tuple[Finding, ...] | None
    """What speaks against leaving the point; None if nobody stands at one."""


class SurveyService:
    """Owns the survey, the recorder and the task that reads the source.

    Made before there is an event loop, then run by one; a phone that goes away ends nothing.

    Args:
        path: the survey file, which is there.
        open_source: opens the source, and opens it again after a failure.
        utc_now: the wall clock.

    Raises:
        SourceError: the source cannot be opened.
        SurveyError: the file cannot be opened or written.
    """

    def __init__(
        self,
        path: Path,
        open_source: OpenSource,
        *,
        utc_now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.path = path
        self.utc_now = utc_now
        self.reader = SourceReader(open_source)
        clock = self.reader.clock
        self.shared = SharedSurvey(lambda: Survey.open(path, utc_now=utc_now))
        self.session = RecordedSession(path, clock, utc_now)
        self.recordings = Recordings(self.session, clock, self.reader.be_at)
        self.guide = Guide()
        self._reading_walks = False
        self.checks: CheckWalks | None = None
        """Check walks with a bundle; None without one."""
        self.reader.takers.append(self.recordings.take)
        self.reader.on_change = self.shared.announce
        try:
            self.shared.worker.do_now(self.session.mark_interrupted)
        except BaseException:
            self.shared.worker.close()
            raise

    async def run(self) -> None:
        """Read the source until it ends, or cancelled."""
        if self.checks is None:
            await self.reader.run()
        else:
            await asyncio.gather(self.reader.run(), self.checks.run())

    async def aclose(self) -> None:
        """Write what is held; an open recording is incomplete then, and can be gone on with."""
        self.shared.close_streams()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        try:
            self.shared.worker.do_now(lambda _: self.session.close())
        except SurveyError as error:
            _log.error("what was heard last could not be written: %s", error)
        finally:
            self.shared.worker.close()

    async def read_walks_on(self) -> None:
        """Read the walks that the coverage left out, and tell everybody when all are in it."""
        if self._reading_walks:
            return
        self._reading_walks = True
        try:
            while await self.shared.read(self.guide.read_on):
                pass  # between two pieces, others have their turn
            await self.shared.change(lambda _: None)
        finally:
            self._reading_walks = False

    def now(self) -> Now:
        """Return how everything is."""
        recorder = self.session.recorder
        return Now(
            self.shared.version,
            self.reader.status,
            None if recorder is None else recorder.status,
            self.recordings.waypoints,
            self.recordings.elapsed_s(),
            tuple(self.reader.heard_now()),
            self.judge(),
        )

    def beacons_so_far(self) -> int:
        """Return how many beacons were heard in the open recording."""
        recorder = self.session.recorder
        return 0 if recorder is None else len(recorder.heard())

    def scans_so_far(self) -> int:
        """Return how many whole scans the open recording has; at a point, those that heard."""
        standing = self.recordings.standing
        if standing is None:
            return int(self.recordings.elapsed_s() / WINDOW_S)
        return standing.so_far(self.reader.clock.now_ns()).scans

    def judge(self) -> tuple[Finding, ...] | None:
        """Return what speaks against leaving the point now; None if nobody stands at one."""
        standing = self.recordings.standing
        if standing is None:
            return None
        return judge_recording(
            standing.so_far(self.reader.clock.now_ns()),
            standing.neighbours,
            retired=standing.retired,
            status=self.reader.status,
        )
