"""How long to wait before what was lost is tried again."""

from __future__ import annotations

from typing import Final

from localizer.clock import Clock, s_to_ns

FIRST_WAIT_S: Final = 0.25
"""Seconds before the first new try: a broker or a board that restarts is back within one or two."""

LONGEST_WAIT_S: Final = 4.0
"""Seconds between tries at most. What comes back is heard again well within 10 s, and a try costs
next to nothing."""


class Backoff:
    """Waits twice as long each time, up to `LONGEST_WAIT_S`; short again after a time of quiet.

    Args:
        clock: the source's clock, on which the waits are spent.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wait_s = FIRST_WAIT_S
        self._up_since_ns: int | None = None

    def came_up(self) -> None:
        """Note that a try succeeded."""
        self._up_since_ns = self._clock.now_ns()

    async def wait(self) -> None:
        """Wait before the next try."""
        # Who lets us in and throws us out at once must not be asked four times a second.
        lasted_ns = 0 if self._up_since_ns is None else self._clock.now_ns() - self._up_since_ns
        if lasted_ns > s_to_ns(LONGEST_WAIT_S):
            self._wait_s = FIRST_WAIT_S
        self._up_since_ns = None
        wait_s, self._wait_s = self._wait_s, min(2 * self._wait_s, LONGEST_WAIT_S)
        await self._clock.sleep_until(self._clock.now_ns() + s_to_ns(wait_s))
