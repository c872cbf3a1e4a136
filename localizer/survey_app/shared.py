"""One survey for many phones: asked and changed in one thread, and everybody told of changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, TypeVar

from localizer.survey import Survey
from localizer.survey_app.undoing import Undoable, Undoing
from localizer.survey_app.worker import SurveyWorker

_NS_PER_MS: Final = 1_000_000

_T = TypeVar("_T")


class SharedSurvey:
    """An open survey, its version, and who waits for the next one.

    `read`, `change`, `edit` and `undo` run in the survey's thread, one after another; all else
    belongs to the event loop.

    Args:
        open_survey: opens the survey, in its thread.

    Raises:
        SurveyError: what `open_survey` raises.
    """

    def __init__(self, open_survey: Callable[[], Survey]) -> None:
        self.worker = SurveyWorker(open_survey)
        self.undoing = Undoing()
        # Milliseconds to begin with: a service that is started again shows no number twice.
        self.version = time.time_ns() // _NS_PER_MS
        """Grows with every change of what `read` finds, also over restarts."""
        self.closing = False
        """Whether streams must end."""
        self._news = asyncio.Event()
        self._changing: set[asyncio.Task[object]] = set()

    async def read(self, work: Callable[[Survey], _T]) -> _T:
        """Return what `work` finds in the survey."""
        return await self.worker.do(work)

    async def change(self, work: Callable[[Survey], _T]) -> _T:
        """Run `work`, which changes the survey, and tell everybody, even if its caller has gone."""

        async def to_its_end() -> _T:
            result = await self.worker.do(work)
            self.version += 1
            self.announce()
            return result

        task = asyncio.create_task(to_its_end())
        self._changing.add(task)
        task.add_done_callback(self._changing.discard)
        return await asyncio.shield(task)

    async def edit(self, work: Callable[[Survey], Undoable]) -> str:
        """Run `work`, which changes the survey, keep its way back, and return what was done."""

        def kept(survey: Survey) -> str:
            done = work(survey)
            self.undoing.push(done)
            return done.what

        return await self.change(kept)

    async def undo(self) -> str | None:
        """Take back the last edit and return what it was; None if there is none.

        Raises:
            SurveyError: what was built on it since keeps it from being taken back.
        """
        return await self.change(self.undoing.undo)

    def announce(self) -> None:
        """Wake who waits for news; there may be some although the survey is as it was."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def wait_for_news(self, timeout_s: float) -> None:
        """Return at the next news, or when the time is over."""
        try:
            await asyncio.wait_for(self._news.wait(), timeout_s)
        except TimeoutError:
            return

    def close_streams(self) -> None:
        """Tell whoever waits for news to go."""
        self.closing = True
        self.announce()
