"""What comes in when it likes: held until it is asked for, bounded, in the order of time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Final

from firmware_bridge.payloads import why_unusable
from localizer.clock import Clock
from localizer.errors import SourceError
from localizer.scans import Advertisement
from localizer.sources.status import SourceStatus, StatusKeeper

MAX_HELD: Final = 20_000
"""Advertisements held for a consumer that is behind, about 3 MB: seconds of a crowded hall. The
oldest go first, counted as ``overflow``: positions need the newest."""

_BREATH: Final = 32
"""Advertisements given on in a row before other tasks have a turn."""


class LiveStream:
    """Runs a listener while it is iterated, and gives on what that hears.

    Args:
        name: the string that the source was opened with, without secrets.
        clock: the source's clock.
        listen: hears until it is cancelled; returns when there is no more, raises SourceError when
            it has failed for good.
    """

    def __init__(self, name: str, clock: Clock, listen: Callable[[], Awaitable[None]]) -> None:
        self.keeper = StatusKeeper(clock)
        """Where the listener says how it is and what it dropped."""
        self._name = name
        self._clock = clock
        self._listen = listen
        self._held: deque[Advertisement] = deque()
        self._news = asyncio.Event()
        self._iterated = False
        self._over = False
        self._error: SourceError | None = None
        self._task: asyncio.Task[None] | None = None
        self._last_ns = 0
        self._in_a_row = 0

    @property
    def status(self) -> SourceStatus:
        """How it is now."""
        return self.keeper.status

    def start(self) -> AsyncIterator[Advertisement]:
        """Start listening and return the one iterator.

        Raises:
            SourceError: it was started before (reason ``iterated_twice``).
        """
        if self._iterated:
            raise SourceError(
                f"a source must be iterated once, but {self._name!r} was iterated before; "
                "open it again",
                source=self._name,
                reason="iterated_twice",
            )
        self._iterated = True
        if not self._over:
            # Nothing was heard before: an age that says otherwise is of another source's time.
            self._last_ns = self._clock.now_ns()
            self._task = asyncio.create_task(self._work())
        return _Iterator(self)

    def hear(self, advertisement: Advertisement) -> None:
        """Take what was heard; its time is moved into what has passed and was not given yet."""
        if self._over:
            return  # what was under way when it was closed would be given on after the end
        unusable = why_unusable(advertisement.rssi_dbm)
        if unusable is not None:
            self.keeper.drop(unusable)
            return
        self._last_ns = max(self._last_ns, min(advertisement.time_ns, self._clock.now_ns()))
        if advertisement.time_ns != self._last_ns:
            advertisement = replace(advertisement, time_ns=self._last_ns)
        self._held.append(advertisement)
        if len(self._held) > MAX_HELD:
            self._held.popleft()
            self.keeper.drop("overflow")
        self._news.set()

    async def next(self) -> Advertisement:
        """Return the oldest advertisement held, as soon as there is one.

        Raises:
            StopAsyncIteration: it was closed, or there is no more.
            SourceError: the listener has failed.
        """
        self._in_a_row += 1
        if self._in_a_row >= _BREATH:
            self._in_a_row = 0
            await asyncio.sleep(0)
        while not self._held:
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            if self._over:
                raise StopAsyncIteration
            self._in_a_row = 0
            self._news.clear()
            await self._news.wait()
        self.keeper.given += 1
        return self._held.popleft()

    async def aclose(self) -> None:
        """Stop listening and end the iteration, even while it waits."""
        self._over = True
        self.keeper.become("ended", "closed", "the source was closed")
        self._held.clear()
        self._news.set()
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _work(self) -> None:
        try:
            await self._listen()
            self.keeper.become("ended", "source_ended", "the source has nothing more to give")
        except SourceError as error:
            self.keeper.become("failed", error.reason, str(error))
            self._error = error
        except Exception as error:
            # A defect of ours must reach the consumer, which would wait for ever otherwise.
            self.keeper.become("failed", "defect", repr(error))
            self._error = SourceError(
                f"the source {self._name!r} must listen on, but stopped with {error!r}; "
                "report this as a defect",
                source=self._name,
                reason="defect",
            )
            self._error.__cause__ = error
        finally:
            self._over = True
            self._news.set()


class _Iterator:
    def __init__(self, stream: LiveStream) -> None:
        self._stream = stream

    def __aiter__(self) -> AsyncIterator[Advertisement]:
        return self

    async def __anext__(self) -> Advertisement:
        return await self._stream.next()
