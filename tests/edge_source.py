"""A source that a test drives by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from localizer.beacons import parse_beacon_id
from localizer.clock import ManualClock, s_to_ns
from localizer.live import LiveEngine
from localizer.scans import Advertisement
from localizer.site import Position
from localizer.sources import SourceStatus
from localizer.sources.status import StatusKeeper


class HandSource:
    """Yields what `hear` is given; ends or fails when told to."""

    name = "by hand"

    def __init__(self, truth: Position | None = None) -> None:
        self.clock = ManualClock(s_to_ns(1000))
        self.keeper = StatusKeeper(self.clock)
        self.truth = truth
        self.closed = False
        self.slow = False
        """Whether every packet takes a turn of the event loop, as in the sources of the product."""
        self._items: asyncio.Queue[Advertisement | Exception | None] = asyncio.Queue()

    def hear(self, beacon: str, rssi_dbm: float = -50.0) -> None:
        beacon_id = parse_beacon_id(beacon)
        self._items.put_nowait(Advertisement(beacon_id, rssi_dbm, self.clock.now_ns()))

    def end(self) -> None:
        self._items.put_nowait(None)

    def fail(self, error: Exception) -> None:
        self._items.put_nowait(error)

    @property
    def status(self) -> SourceStatus:
        return self.keeper.status

    async def __aiter__(self) -> AsyncIterator[Advertisement]:
        while (item := await self._items.get()) is not None:
            if self.slow:
                await asyncio.sleep(0)
            if isinstance(item, Exception):
                raise item
            yield item

    def truth_at(self, time_ns: int) -> Position | None:
        return self.truth

    async def aclose(self) -> None:
        self.closed = True


async def settle(turns: int = 20) -> None:
    """Let every task run until all of them wait."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def pass_time(source: HandSource, seconds: float, *, heard: str | None = None) -> None:
    """Move the clock on in small steps, with a packet every 0.2 s if a beacon is `heard`."""
    for _ in range(round(seconds / 0.1)):
        if heard is not None:
            source.hear(heard)
        source.clock.advance(0.1)
        await settle()


def engine_of(engine: LiveEngine) -> asyncio.Task[None]:
    """Return the running task of an engine."""
    return asyncio.create_task(engine.run())
