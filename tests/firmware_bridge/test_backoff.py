import asyncio

from firmware_bridge.backoff import FIRST_WAIT_S, LONGEST_WAIT_S, Backoff
from localizer.clock import NS_PER_S, JumpingClock


def waits(backoff: Backoff, clock: JumpingClock, times: int) -> list[float]:
    async def measure() -> list[float]:
        found = []
        for _ in range(times):
            before_ns = clock.now_ns()
            await backoff.wait()
            found.append((clock.now_ns() - before_ns) / NS_PER_S)
        return found

    return asyncio.run(measure())


def test_it_waits_longer_and_longer_up_to_a_bound() -> None:
    clock = JumpingClock()
    found = waits(Backoff(clock), clock, 8)
    assert found[0] == FIRST_WAIT_S
    assert found[1] == 2 * FIRST_WAIT_S
    assert found[-1] == found[-2] == LONGEST_WAIT_S
    assert found == sorted(found)


def test_it_starts_again_after_a_time_of_quiet() -> None:
    clock = JumpingClock()
    backoff = Backoff(clock)
    waits(backoff, clock, 8)
    backoff.came_up()
    clock.advance(LONGEST_WAIT_S + 0.1)
    assert waits(backoff, clock, 1) == [FIRST_WAIT_S]


def test_who_is_thrown_out_at_once_waits_on() -> None:
    clock = JumpingClock()
    backoff = Backoff(clock)
    waits(backoff, clock, 8)
    backoff.came_up()
    assert waits(backoff, clock, 1) == [LONGEST_WAIT_S]
