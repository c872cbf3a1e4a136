from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localizer.clock import (
    NS_PER_S,
    Clock,
    JumpingClock,
    ManualClock,
    MonotonicClock,
    ScaledClock,
    s_to_ns,
)
from localizer.errors import ConfigError


def test_seconds_become_whole_nanoseconds() -> None:
    assert s_to_ns(1.5) == 1_500_000_000
    assert s_to_ns(0.1) == 100_000_000


def test_the_monotonic_clock_is_the_machines() -> None:
    before = time.monotonic_ns()
    now = MonotonicClock().now_ns()
    assert before <= now <= time.monotonic_ns()


@pytest.mark.parametrize("clock", [MonotonicClock(), ScaledClock(speed=20.0), ScaledClock(5)])
def test_sleep_never_ends_early(clock: Clock) -> None:
    async def check() -> None:
        for seconds in (0.0, 0.003, 0.01):
            until_ns = clock.now_ns() + s_to_ns(seconds)
            await clock.sleep_until(until_ns)
            assert clock.now_ns() >= until_ns

    asyncio.run(check())


@pytest.mark.parametrize("clock", [MonotonicClock(), ScaledClock(), ManualClock(), JumpingClock()])
def test_a_sleep_that_is_over_lets_others_run(clock: Clock) -> None:
    async def check() -> list[str]:
        order: list[str] = []

        async def other() -> None:
            order.append("other")

        task = asyncio.create_task(other())
        await clock.sleep_until(clock.now_ns() - 1)
        order.append("sleeper")
        await task
        return order

    assert asyncio.run(check()) == ["other", "sleeper"]


@pytest.mark.parametrize("make", [MonotonicClock, lambda: ScaledClock(0, 4.0)])
def test_a_timer_that_fires_early_is_set_again(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], Clock]
) -> None:
    real_ns = 0

    async def sleep_too_short(seconds: float) -> None:
        nonlocal real_ns
        real_ns += max(1, round(seconds * NS_PER_S * 0.75))

    monkeypatch.setattr("localizer.clock.time.monotonic_ns", lambda: real_ns)
    monkeypatch.setattr("localizer.clock.asyncio.sleep", sleep_too_short)
    clock = make()
    asyncio.run(clock.sleep_until(NS_PER_S))
    assert NS_PER_S <= clock.now_ns() < 1.001 * NS_PER_S


def test_a_scaled_clock_stands_until_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    real_ns = 500
    monkeypatch.setattr("localizer.clock.time.monotonic_ns", lambda: real_ns)
    clock = ScaledClock(1_000, speed=5.0)
    real_ns = 900
    assert clock.now_ns() == 1_000
    real_ns = 1_000
    assert clock.now_ns() == 1_500


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_a_speed_must_be_above_0(speed: float) -> None:
    with pytest.raises(ConfigError, match="speed > 0"):
        ScaledClock(0, speed)


def test_a_scaled_sleep_is_shorter_than_the_streams_time() -> None:
    clock = ScaledClock(0, speed=1_000.0)
    started = time.monotonic_ns()
    asyncio.run(clock.sleep_until(30 * NS_PER_S))
    assert 0.029 <= (time.monotonic_ns() - started) / NS_PER_S < 10


@given(st.lists(st.integers(0, 100), min_size=1, max_size=12), st.integers(0, 100))
def test_sleepers_wake_in_order_when_time_has_come(times: list[int], now: int) -> None:
    async def check() -> list[int]:
        clock, woken = ManualClock(), list[int]()

        async def sleeper(until: int) -> None:
            await clock.sleep_until(until)
            woken.append(until)

        tasks = [asyncio.create_task(sleeper(until)) for until in times]
        for _ in range(3):
            await asyncio.sleep(0)
        clock.advance_to(now)
        for _ in range(3):
            await asyncio.sleep(0)
        assert clock.next_sleeper_ns == min((one for one in times if one > now), default=None)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return woken

    assert asyncio.run(check()) == sorted(one for one in times if one <= now)


def test_a_cancelled_sleeper_is_forgotten() -> None:
    async def check() -> None:
        clock = ManualClock()
        task = asyncio.create_task(clock.sleep_until(5))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert clock.next_sleeper_ns is None
        clock.advance_to(9)

    asyncio.run(check())


def test_a_manual_clock_goes_forward_only() -> None:
    clock = ManualClock(10)
    clock.advance(2.0)
    assert clock.now_ns() == 2 * NS_PER_S + 10
    with pytest.raises(ConfigError, match="must not go back"):
        clock.advance_to(9)


def test_a_jumping_clock_jumps_to_its_sleeper() -> None:
    clock = JumpingClock(3)
    asyncio.run(clock.sleep_until(10**15))
    assert clock.now_ns() == 10**15
    asyncio.run(clock.sleep_until(5))
    assert clock.now_ns() == 10**15
