"""The one thread in which a survey is open: everything asked of it waits its turn there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from localizer.survey import Survey

_T = TypeVar("_T")


class SurveyWorker:
    """Runs functions of a survey one after another, so that two phones never meet in one.

    Args:
        open_survey: opens the survey, in the thread.

    Raises:
        SurveyError: what `open_survey` raises.
    """

    def __init__(self, open_survey: Callable[[], Survey]) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="survey")
        try:
            self._survey = self._pool.submit(open_survey).result()
        except BaseException:
            self._pool.shutdown()
            raise

    def do_now(self, work: Callable[[Survey], _T]) -> _T:
        """Run `work` in the thread and wait for it; blocks, so never on an event loop."""
        return self._pool.submit(work, self._survey).result()

    async def do(self, work: Callable[[Survey], _T]) -> _T:
        """Run `work` in the thread; it runs to its end even if nobody waits for it any more."""
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._pool, work, self._survey))

    def close(self) -> None:
        """Close the survey and end the thread."""
        self._pool.submit(self._survey.close).result()
        self._pool.shutdown()
