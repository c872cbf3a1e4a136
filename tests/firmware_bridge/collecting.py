"""Reading a live source beside a test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from localizer.scans import Advertisement
from localizer.sources import Source


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop turn until a condition holds; the test's deadline ends it otherwise."""
    while not condition():
        await asyncio.sleep(0.005)


class Collector:
    """Iterates a source and collects what it gives."""

    def __init__(self, source: Source) -> None:
        self.heard: list[Advertisement] = []
        self._source = source
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for one in self._source:
            self.heard.append(one)

    async def wait_for(self, count: int) -> list[Advertisement]:
        """Wait until so many were heard, and return them."""
        await until(lambda: len(self.heard) >= count or self._task.done())
        return self.heard

    async def close(self) -> None:
        """Close the source; its iteration must end."""
        await self._source.aclose()
        await self._task
