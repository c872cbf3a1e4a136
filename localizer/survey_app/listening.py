"""The survey's source, heard by the live engine too: one process owns the radio."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from localizer.clock import Clock
from localizer.scans import Advertisement
from localizer.site import Position
from localizer.sources import SourceStatus, Whereabouts
from localizer.survey_app.reading import SourceReader

MAX_WAITING: Final = 20_000
"""Advertisements that wait for the engine at most: some seconds of 5,000 a second. An engine that
lies further behind gets the newest; the survey's recording loses nothing by it."""


class SharedSource:
    """A `localizer.sources.Source` that yields what a `SourceReader` reads.

    It goes on when the reader's source is opened again, and ends with the reader.
    """

    def __init__(self, reader: SourceReader) -> None:
        self._reader = reader
        self._waiting: deque[Advertisement] = deque(maxlen=MAX_WAITING)
        self._more = asyncio.Event()
        self._closed = False
        reader.takers.append(self._take)
        reader.enders.append(self.end)

    @property
    def name(self) -> str:
        """The string that the reader's source was opened with."""
        return self._reader.name

    @property
    def clock(self) -> Clock:
        """The reader's clock."""
        return self._reader.clock

    @property
    def status(self) -> SourceStatus:
        """How the reader's source is."""
        return self._reader.status

    async def __aiter__(self) -> AsyncIterator[Advertisement]:
        """Yield what is read from now on."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self._closed:
                return
            self._more.clear()
            await self._more.wait()

    def truth_at(self, time_ns: int) -> Position | None:
        """Return where the receiver really was; None if the reader's source does not know."""
        return self._reader.source.truth_at(time_ns)

    def be_at(self, where: Whereabouts | None) -> None:
        """Tell the reader's source where the surveyor is."""
        self._reader.be_at(where)

    def end(self) -> None:
        """End the iteration after what waits."""
        self._closed = True
        self._more.set()

    async def aclose(self) -> None:
        """End the iteration; the reader's source stays open."""
        self.end()

    def _take(self, advertisement: Advertisement) -> None:
        self._waiting.append(advertisement)
        self._more.set()
