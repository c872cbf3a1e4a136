"""Playing advertisements at their times, in a way that can be closed and cancelled at any point."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable

from localizer.clock import Clock
from localizer.errors import SourceError
from localizer.scans import Advertisement
from localizer.sources.status import SourceStatus, StatusKeeper


class TimedStream:
    """Plays advertisements when the clock shows their time; what sources with a script share.

    Args:
        name: the string that the source was opened with, for errors.
        clock: paces the stream.
    """

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._keeper = StatusKeeper(clock)
        self._closed = asyncio.Event()
        self._playing: AsyncGenerator[Advertisement, None] | None = None
        self._waiting = False
        self._sleep: asyncio.Task[None] | None = None

    @property
    def status(self) -> SourceStatus:
        """How the stream is now."""
        return self._keeper.status

    def play(self, moments: Iterable[Advertisement | int]) -> AsyncGenerator[Advertisement, None]:
        """Return the one iterator over the advertisements of `moments`.

        Args:
            moments: advertisements, and times in nanoseconds to wait for although nothing is heard
                (an endless script that nobody hears must not keep the event loop for itself);
                in the order of time, read lazily, endless if you like.

        Raises:
            SourceError: it was asked for before.
        """
        if self._playing is not None:
            raise SourceError(
                f"a source must be iterated once, but {self._name!r} was iterated before; "
                "open it again",
                source=self._name,
                reason="iterated_twice",
            )
        self._playing = self._play(moments)
        return self._playing

    async def aclose(self) -> None:
        """End the iteration, even while it waits."""
        self._closed.set()
        self._keeper.become("ended", "closed", "the source was closed")
        if self._sleep is not None:
            self._sleep.cancel()
        # A generator that waits cannot be closed from outside; it ends when its wait does.
        if self._playing is not None and not self._waiting:
            await self._playing.aclose()

    async def _play(
        self, moments: Iterable[Advertisement | int]
    ) -> AsyncGenerator[Advertisement, None]:
        if self._closed.is_set():
            return
        self._keeper.become("running")
        try:
            for moment in moments:
                await self._wait_until(moment if isinstance(moment, int) else moment.time_ns)
                if self._closed.is_set():
                    return
                if isinstance(moment, Advertisement):
                    self._keeper.given += 1
                    yield moment
        except SourceError as error:
            self._keeper.become("failed", error.reason, str(error))
            raise
        self._keeper.become("ended", "source_ended", "the source has nothing more to give")

    async def _wait_until(self, time_ns: int) -> None:
        self._waiting = True
        try:
            if self._clock.now_ns() >= time_ns:
                await self._clock.sleep_until(time_ns)
            else:
                await self._sleep_or_close(time_ns)
        finally:
            self._waiting = False

    async def _sleep_or_close(self, time_ns: int) -> None:
        self._sleep = asyncio.ensure_future(self._clock.sleep_until(time_ns))
        try:
            await self._sleep
        except asyncio.CancelledError:
            task = asyncio.current_task()
            # The sleep was cancelled by `aclose`, unless it is the consumer that is cancelled.
            if not self._closed.is_set() or (task is not None and task.cancelling()):
                raise
        finally:
            self._sleep = None
