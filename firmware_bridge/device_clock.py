"""A receiver's own clock, laid on the host's monotonic one."""

from __future__ import annotations

from typing import Final

from localizer.clock import s_to_ns

SPAN_S: Final = 30.0
"""Seconds over which the fastest delivery is looked for, twice over. Crystals differ by up to
100 ppm: 6 ms within two spans, less than the time of one advertising event."""

LONGEST_DELIVERY_S: Final = 10.0
"""Seconds that a message may be behind the fastest one. More is no delay: the device has restarted,
or its clock stood still while it slept."""


class DeviceClock:
    """Turns a device's time stamps into moments of the host's clock.

    A message takes some time to arrive, never less than none: the smallest difference between
    arrival and time stamp that was seen lately is the nearest to the difference of the clocks.

    Args:
        tick_ns: length of the device's tick, nanoseconds.
        bits: width of its counter, which starts again at 0; None if it never does.
    """

    def __init__(self, tick_ns: int, *, bits: int | None = None) -> None:
        self.resets = 0
        """How often the device's clock turned out to be another one, by a restart for example."""
        self._tick_ns = tick_ns
        self._period = None if bits is None else 1 << bits
        self._ticks: int | None = None
        self._span_start_ns = 0
        self._before_ns: int | None = None
        self._smallest_ns: int | None = None

    def reset(self) -> None:
        """Forget what is known, because the device has restarted."""
        self._ticks = self._before_ns = self._smallest_ns = None

    def to_host_ns(self, ticks: int, arrived_ns: int) -> int:
        """Return when the device read `ticks`, host nanoseconds, at `arrived_ns` at the latest.

        Args:
            ticks: the device's counter when it sent the message.
            arrived_ns: when the message arrived, nanoseconds on the host's clock.
        """
        device_ns = self._unwrap(ticks) * self._tick_ns
        offset_ns = arrived_ns - device_ns
        known = self._fastest_ns()
        if known is not None and offset_ns - known > s_to_ns(LONGEST_DELIVERY_S):
            self.resets += 1
            self._before_ns = self._smallest_ns = None
        self._note(offset_ns, arrived_ns)
        fastest = self._fastest_ns()
        return device_ns + (offset_ns if fastest is None else fastest)

    def _unwrap(self, ticks: int) -> int:
        if self._period is not None and self._ticks is not None:
            ahead = (ticks - self._ticks) % self._period
            # Less than half a turn ahead is ahead, the rest is behind.
            ticks = self._ticks + (ahead if ahead < self._period // 2 else ahead - self._period)
        self._ticks = ticks
        return ticks

    def _fastest_ns(self) -> int | None:
        known = [one for one in (self._before_ns, self._smallest_ns) if one is not None]
        return min(known, default=None)

    def _note(self, offset_ns: int, arrived_ns: int) -> None:
        if self._smallest_ns is None:
            self._span_start_ns, self._smallest_ns = arrived_ns, offset_ns
        elif arrived_ns - self._span_start_ns > s_to_ns(SPAN_S):
            self._before_ns = self._smallest_ns
            self._span_start_ns, self._smallest_ns = arrived_ns, offset_ns
        else:
            self._smallest_ns = min(self._smallest_ns, offset_ns)
