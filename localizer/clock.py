"""The time of a stream: real, scaled for replays, or moved by hand in tests and batches."""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from itertools import count
from typing import Final, Protocol

from localizer.errors import ConfigError

NS_PER_S: Final = 1_000_000_000
"""Nanoseconds in a second."""


def s_to_ns(seconds: float) -> int:
    """Convert seconds to whole nanoseconds."""
    return round(seconds * NS_PER_S)


class Clock(Protocol):
    """Monotonic time in the time base of one stream."""

    def now_ns(self) -> int:
        """Return the present moment, nanoseconds; never less than before."""
        ...

    async def sleep_until(self, time_ns: int) -> None:
        """Return when the clock shows `time_ns` or later, having let other tasks run once."""
        ...


class MonotonicClock:
    """The machine's own monotonic clock."""

    def now_ns(self) -> int:
        """Return `time.monotonic_ns()`."""
        return time.monotonic_ns()

    async def sleep_until(self, time_ns: int) -> None:
        """Sleep until the machine's clock shows `time_ns`."""
        await _sleep_until(self, time_ns, speed=1.0)


class ScaledClock:
    """A clock that runs `speed` times as fast as real time.

    It stands at `start_ns` until it is first asked, and runs from then on.

    Raises:
        ConfigError: the speed is not a finite number above 0.
    """

    def __init__(self, start_ns: int = 0, speed: float = 1.0) -> None:
        if not (math.isfinite(speed) and speed > 0):
            raise ConfigError(f"`speed > 0` must hold, but got {speed!r}; 1 is real time")
        self.speed = speed
        """Seconds of the stream in a second of real time."""
        self._start_ns = start_ns
        self._real_start_ns: int | None = None

    def now_ns(self) -> int:
        """Return the stream's time, nanoseconds."""
        real_ns = time.monotonic_ns()
        if self._real_start_ns is None:
            self._real_start_ns = real_ns
        return self._start_ns + round((real_ns - self._real_start_ns) * self.speed)

    async def sleep_until(self, time_ns: int) -> None:
        """Sleep until the stream's time is `time_ns`."""
        await _sleep_until(self, time_ns, speed=self.speed)


async def _sleep_until(clock: Clock, time_ns: int, *, speed: float) -> None:
    # Timers may fire a little early, and a past moment must still let other tasks run.
    await asyncio.sleep(max(0.0, (time_ns - clock.now_ns()) / NS_PER_S / speed))
    while (left_ns := time_ns - clock.now_ns()) > 0:
        await asyncio.sleep(left_ns / NS_PER_S / speed)


class ManualClock:
    """A clock that moves only when it is told to. Sleepers wake in the order of their times."""

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns
        self._order = count()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def now_ns(self) -> int:
        """Return the moment that the clock was last moved to."""
        return self._now_ns

    @property
    def next_sleeper_ns(self) -> int | None:
        """When the next sleeper wants to wake, nanoseconds; None if nobody sleeps."""
        self._forget_cancelled()
        return self._sleepers[0][0] if self._sleepers else None

    def advance_to(self, time_ns: int) -> None:
        """Move to `time_ns` and wake who slept until then.

        Raises:
            ConfigError: the moment has passed already.
        """
        if time_ns < self._now_ns:
            raise ConfigError(
                f"a clock must not go back: it shows {self._now_ns} ns, but got {time_ns} ns"
            )
        self._now_ns = time_ns
        while (due_ns := self.next_sleeper_ns) is not None and due_ns <= time_ns:
            heapq.heappop(self._sleepers)[2].set_result(None)

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`."""
        self.advance_to(self._now_ns + s_to_ns(seconds))

    async def sleep_until(self, time_ns: int) -> None:
        """Wait until somebody moves the clock to `time_ns`."""
        if time_ns <= self._now_ns:
            await asyncio.sleep(0)
            return
        waker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (time_ns, next(self._order), waker))
        await waker

    def _forget_cancelled(self) -> None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)


class JumpingClock(ManualClock):
    """A clock for batches: it jumps to whatever moment its one sleeper waits for."""

    async def sleep_until(self, time_ns: int) -> None:
        """Move to `time_ns` at once, and let other tasks run."""
        self.advance_to(max(time_ns, self._now_ns))
        await asyncio.sleep(0)
