"""The task at the radio: it goes on whatever phones do, and opens a source that failed again."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from localizer.clock import Clock
from localizer.errors import SourceError
from localizer.scans import Advertisement
from localizer.sources import Source, SourceStatus, Whereabouts
from localizer.sources.whereabouts import tell
from localizer.survey.tally import HeardNow, Ring

REOPEN_S: Final = (2.0, 5.0, 15.0, 60.0)
"""Seconds before a source that failed is opened again; the last one for ever. Short at first: most
often somebody plugs a cable back in. Sources that wait by themselves (``recovering``) do not fail.
"""

_log: Final = logging.getLogger(__name__)

OpenSource = Callable[[Clock | None], Source]
"""Opens the source anew, paced by the clock given: times must go on where they were."""


class SourceReader:
    """Reads a source and hands every advertisement to whoever takes them.

    Args:
        open_source: opens the source; called at once, and again after each failure.

    Raises:
        SourceError: the source cannot be opened at all.
    """

    def __init__(self, open_source: OpenSource, *, reopen_s: tuple[float, ...] = REOPEN_S) -> None:
        self._open = open_source
        self._reopen_s = reopen_s
        self._source = open_source(None)
        self.clock = self._source.clock
        """What all its times are on, before and after it was opened again."""
        self.takers: list[Callable[[Advertisement], None]] = []
        """Called with every advertisement, in the task that runs."""
        self.enders: list[Callable[[], None]] = []
        """Called when nothing will be read any more."""
        self.on_change: Callable[[], None] = lambda: None
        """Called when the source came to another state by ending or failing."""
        self._ring = Ring()
        self._failed: SourceStatus | None = None
        self._reopened = 0
        self._given = 0
        self._dropped: Counter[str] = Counter()

    @property
    def name(self) -> str:
        """The string that the source was opened with."""
        return self._source.name

    @property
    def source(self) -> Source:
        """The source as it is open now; another one after a failure."""
        return self._source

    @property
    def status(self) -> SourceStatus:
        """How the source is, with what it had counted before it was opened again."""
        now = self._failed or self._source.status
        return replace(
            now,
            restarts=now.restarts + self._reopened,
            given=now.given + self._given,
            dropped=MappingProxyType(dict(self._dropped + Counter(now.dropped))),
        )

    def be_at(self, where: Whereabouts | None) -> None:
        """Tell a receiver that is simulated where the surveyor is; None where nobody knows."""
        tell(self._source, where)

    def heard_now(self) -> list[HeardNow]:
        """Return who was heard in the last seconds, loudest first."""
        return self._ring.now(self.clock.now_ns())

    async def run(self) -> None:
        """Read until the source has ended by itself, or cancelled; then close it."""
        failures = 0
        try:
            while (error := await self._read()) is not None:
                wait_s = self._reopen_s[min(failures, len(self._reopen_s) - 1)]
                failures = failures + 1 if self._source.status.given == 0 else 0
                await self._reopen_after(wait_s, error)
        finally:
            for end in self.enders:
                end()
            await self._close()

    async def _read(self) -> SourceError | None:
        """Read until the end; return what it failed with."""
        try:
            async for advertisement in self._source:
                self._ring.add(advertisement)
                for take in self.takers:
                    take(advertisement)
        except SourceError as error:
            return error
        except Exception as error:
            _log.exception("the source failed in a way that it should have named")
            message = f"{error}" or type(error).__name__
            return SourceError(message, source=self.name, reason="unexpected_error")
        finally:
            self.on_change()
        return None

    async def _reopen_after(self, wait_s: float, error: SourceError) -> None:
        _log.warning("the source failed (%s): %s", error.reason, error)
        while True:
            now = self._source.status
            self._failed = replace(
                now,
                state="failed",
                reason=error.reason,
                detail=f"{error} (it is opened again every {wait_s:g} s)",
            )
            self.on_change()
            await self._close()
            await asyncio.sleep(wait_s)
            try:
                source = self._open(self.clock)
            except SourceError as again:
                error, wait_s = again, self._reopen_s[-1]
                continue
            self._given += now.given
            self._dropped.update(now.dropped)
            self._reopened += 1
            self._source, self._failed = source, None
            self.on_change()
            return

    async def _close(self) -> None:
        try:
            await self._source.aclose()
        except SourceError as error:
            _log.warning("the source did not close cleanly: %s", error)
