from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from firmware_bridge.live_stream import MAX_HELD, LiveStream
from localizer.beacons import BeaconId
from localizer.clock import ManualClock, s_to_ns
from localizer.errors import SourceError
from localizer.scans import Advertisement
from tests.sources.contract import run

BEACON = BeaconId("name:a:b")


def heard(time_ns: int, rssi_dbm: float = -50.0) -> Advertisement:
    return Advertisement(BEACON, rssi_dbm, time_ns)


async def for_ever() -> None:
    await asyncio.Event().wait()


def stream_at(seconds: float) -> tuple[LiveStream, AsyncIterator[Advertisement]]:
    stream = LiveStream("by hand", ManualClock(s_to_ns(seconds)), for_ever)
    return stream, stream.start()


def test_times_are_kept_between_the_start_and_now() -> None:
    async def check() -> list[int]:
        stream, iterator = stream_at(10)
        for seconds in (9, 10, 12):
            stream.hear(heard(s_to_ns(seconds)))
        times = [(await anext(iterator)).time_ns for _ in range(3)]
        await stream.aclose()
        return times

    assert run(check()) == [s_to_ns(10)] * 3


def test_times_do_not_go_back() -> None:
    async def check() -> list[int]:
        clock = ManualClock()
        stream = LiveStream("by hand", clock, for_ever)
        iterator = stream.start()
        clock.advance(5)
        for seconds in (1, 3, 2, 4):
            stream.hear(heard(s_to_ns(seconds)))
        times = [(await anext(iterator)).time_ns for _ in range(4)]
        await stream.aclose()
        return times

    assert run(check()) == [s_to_ns(seconds) for seconds in (1, 3, 3, 4)]


def test_the_oldest_go_when_nobody_asks() -> None:
    async def check() -> None:
        stream, iterator = stream_at(0)
        for number in range(MAX_HELD + 5):
            stream.hear(heard(0, -1.0 - number / MAX_HELD))
        assert (await anext(iterator)).rssi_dbm == -1.0 - 5 / MAX_HELD
        assert stream.status.dropped == {"overflow": 5}
        await stream.aclose()

    run(check())


@pytest.mark.parametrize(
    ("rssi_dbm", "reason"),
    [(-127.0, "not_heard"), (-200.0, "not_heard"), (0.0, "positive_rssi"), (20.0, "positive_rssi")],
)
def test_what_is_no_reading_is_counted(rssi_dbm: float, reason: str) -> None:
    async def check() -> None:
        stream, _ = stream_at(0)
        stream.hear(heard(0, rssi_dbm))
        assert stream.status.dropped == {reason: 1}
        await stream.aclose()

    run(check())


def test_a_listener_that_fails_fails_the_iteration() -> None:
    async def check() -> None:
        async def fail() -> None:
            raise SourceError("it must work, but does not", source="by hand", reason="broken")

        stream = LiveStream("by hand", ManualClock(), fail)
        with pytest.raises(SourceError, match="must work"):
            await anext(stream.start())
        assert (stream.status.state, stream.status.reason) == ("failed", "broken")
        await stream.aclose()
        assert stream.status.state == "failed"

    run(check())


def test_a_defect_of_a_listener_is_not_waited_for() -> None:
    async def check() -> None:
        async def fail() -> None:
            raise ZeroDivisionError

        stream = LiveStream("by hand", ManualClock(), fail)
        with pytest.raises(SourceError, match="ZeroDivisionError") as caught:
            await anext(stream.start())
        assert caught.value.reason == "defect"
        assert isinstance(caught.value.__cause__, ZeroDivisionError)

    run(check())


def test_a_listener_that_has_no_more_ends_the_iteration() -> None:
    async def check() -> list[Advertisement]:
        async def hear_one() -> None:
            stream.hear(heard(0))

        stream = LiveStream("by hand", ManualClock(), hear_one)
        found = [one async for one in stream.start()]
        assert (stream.status.state, stream.status.reason) == ("ended", "source_ended")
        return found

    assert run(check()) == [heard(0)]
