"""What every source must do: `SourceContract`. What plays at the pace of a clock that it is given,
as replays and simulations do, must do what `PacedSourceContract` says as well.

A new source subclasses one of them and says how it is made.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import pytest

from localizer.beacons import parse_beacon_id
from localizer.clock import Clock, JumpingClock, ManualClock, MonotonicClock
from localizer.errors import SourceError
from localizer.scans import Advertisement
from localizer.sources import Source, SourceStatus

DEADLINE_S = 10.0
"""A source that takes longer hangs: on the event loop, or (five seconds later) beside it."""

T = TypeVar("T")
MakeSource = Callable[[Clock], Source]
MakeWaiting = Callable[[], Source]


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a test's coroutine, for so long and no longer."""

    async def within_deadline() -> T:
        async with asyncio.timeout(DEADLINE_S):
            return await work

    with _alarm_after(DEADLINE_S + 5.0):
        return asyncio.run(within_deadline())


@contextmanager
def _alarm_after(seconds: float) -> Iterator[None]:
    """Raise in the main thread, also out of a loop that never gives up the event loop."""

    def ring(number: int, frame: object) -> NoReturn:
        raise TimeoutError(f"still busy after {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


async def take(source: Source, count: int | None = None) -> list[Advertisement]:
    """Return the first advertisements of a source, or all, and close it."""
    result: list[Advertisement] = []
    async for advertisement in source:
        result.append(advertisement)
        if len(result) == count:
            break
    await source.aclose()
    return result


async def let_others_run() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class SourceContract:
    """Tests of `localizer.sources.Source`; at least three packets must come."""

    @pytest.fixture
    def make_source(self) -> MakeSource:
        """Make sources that soon have something to give."""
        raise NotImplementedError

    @pytest.fixture
    def make_waiting(self) -> MakeWaiting:
        """Make sources that have nothing to give for as long as the test takes."""
        raise NotImplementedError

    @pytest.fixture
    def clock(self) -> Clock:
        """What shows the time of the packets."""
        return MonotonicClock()

    def test_advertisements_are_canonical_and_below_0_dbm(
        self, make_source: MakeSource, clock: Clock
    ) -> None:
        for one in run(take(make_source(clock), 50)):
            assert parse_beacon_id(one.beacon) == one.beacon
            assert one.rssi_dbm < 0
            assert isinstance(one.time_ns, int)

    def test_times_are_those_of_its_clock_since_the_start(
        self, make_source: MakeSource, clock: Clock
    ) -> None:
        async def check() -> None:
            source, start_ns = make_source(clock), clock.now_ns()
            heard = await take(source, 20)
            assert all(start_ns <= one.time_ns <= clock.now_ns() for one in heard)

        run(check())

    def test_times_do_not_decrease(self, make_source: MakeSource, clock: Clock) -> None:
        times = [one.time_ns for one in run(take(make_source(clock), 200))]
        assert times == sorted(times)

    def test_its_clock_is_the_one_given(self, make_source: MakeSource) -> None:
        clock = ManualClock()
        source = make_source(clock)
        assert source.clock is clock
        assert source.name

    def test_close_in_the_middle_ends_the_iteration(
        self, make_source: MakeSource, clock: Clock
    ) -> None:
        async def check() -> None:
            source = make_source(clock)
            iterator = aiter(source)
            await anext(iterator)
            await source.aclose()
            with pytest.raises(StopAsyncIteration):
                await anext(iterator)

        run(check())

    def test_close_ends_an_iteration_that_waits(self, make_waiting: MakeWaiting) -> None:
        async def check() -> None:
            source = make_waiting()
            waiting = asyncio.create_task(take(source))
            await let_others_run()
            assert not waiting.done()
            await source.aclose()
            await waiting

        run(check())

    def test_close_before_and_after_and_twice(self, make_source: MakeSource, clock: Clock) -> None:
        async def check() -> list[Advertisement]:
            source = make_source(clock)
            await source.aclose()
            heard = await take(source)
            await source.aclose()
            return heard

        assert run(check()) == []

    def test_can_be_cancelled(self, make_waiting: MakeWaiting) -> None:
        async def check() -> None:
            source = make_waiting()
            waiting = asyncio.create_task(take(source))
            await let_others_run()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await source.aclose()

        run(check())

    def test_close_does_not_hide_a_cancellation(self, make_waiting: MakeWaiting) -> None:
        async def check() -> None:
            source = make_waiting()
            waiting = asyncio.create_task(take(source))
            await let_others_run()
            waiting.cancel()
            await source.aclose()
            with pytest.raises(asyncio.CancelledError):
                await waiting

        run(check())

    def test_other_tasks_run_while_it_plays(self, make_source: MakeSource, clock: Clock) -> None:
        async def check() -> int:
            turns = 0

            async def other() -> None:
                nonlocal turns
                while True:
                    turns += 1
                    await asyncio.sleep(0)

            task = asyncio.create_task(other())
            await take(make_source(clock), 20)
            task.cancel()
            return turns

        assert run(check()) >= 3

    def test_is_iterated_once(self, make_source: MakeSource, clock: Clock) -> None:
        async def check() -> None:
            source = make_source(clock)
            await take(source, 1)
            with pytest.raises(SourceError, match="open it again") as caught:
                aiter(source)
            assert caught.value.reason == "iterated_twice"

        run(check())

    def test_nobody_was_anywhere_before_the_start(self, make_source: MakeSource) -> None:
        assert make_source(ManualClock()).truth_at(0) is None

    def test_its_status_goes_with_it(self, make_source: MakeSource, clock: Clock) -> None:
        async def check() -> list[SourceStatus]:
            source = make_source(clock)
            seen = [source.status]
            async for _ in source:
                seen.append(source.status)
                if len(seen) == 3:
                    break
            await source.aclose()
            return [*seen, source.status]

        before, *during, after = run(check())
        assert (before.state, before.given) == ("opening", 0)
        assert [(one.state, one.given) for one in during] == [("running", 1), ("running", 2)]
        assert (after.state, after.given, after.restarts) == ("ended", 2, 0)
        assert after.reason


class PacedSourceContract(SourceContract):
    """Tests of sources that play when the clock says so; their third packet is not at 0."""

    @pytest.fixture
    def clock(self) -> Clock:
        return JumpingClock()

    @pytest.fixture
    def make_waiting(self, make_source: MakeSource) -> MakeWaiting:
        return lambda: make_source(ManualClock())

    def test_nothing_comes_before_its_time(self, make_source: MakeSource) -> None:
        clock = JumpingClock(7_000_000_000)

        async def check() -> int:
            seen = 0
            source = make_source(clock)
            async for one in source:
                assert 7_000_000_000 <= one.time_ns <= clock.now_ns()
                seen += 1
                if seen == 100:
                    break
            await source.aclose()
            return seen

        assert run(check()) >= 3
