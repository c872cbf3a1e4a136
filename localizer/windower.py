"""From advertisements to scans: windows of fixed length that end at fixed steps."""

from __future__ import annotations

from bisect import bisect_left, insort
from math import isfinite
from typing import Final

from localizer.beacons import BeaconId
from localizer.clock import NS_PER_S, s_to_ns
from localizer.errors import ConfigError
from localizer.scans import Advertisement, Scan

FUTURE_S: Final = 60.0
"""Seconds that an advertisement may lie ahead of the last `advance`. A consumer that is busy for
that long is broken; a time further ahead comes from another clock, and would be held for ever."""

MAX_PENDING: Final = 100_000
"""Advertisements held at most, about 20 MB: minutes of a crowded hall. The oldest go first."""

MAX_CATCH_UP: Final = 32
"""Windows due at once up to which empty ones are emitted too. More means that the machine slept:
nobody wants hours of empty scans, so those are skipped up to the latest."""


class Windower:
    """Groups advertisements into scans.

    A window ends at ``start_ns + k * step_s``, holds what was heard in ``[end - window_s, end)``,
    and never begins before `start_ns`. Memory is bounded by `FUTURE_S` and `MAX_PENDING`.

    Raises:
        ConfigError: ``window_s >= step_s > 0`` does not hold.
    """

    def __init__(self, window_s: float, step_s: float, start_ns: int) -> None:
        finite = isfinite(window_s) and isfinite(step_s)
        if not (finite and window_s >= step_s and s_to_ns(step_s) > 0):
            raise ConfigError(
                "`window_s >= step_s > 0` must hold, so that no advertisement falls between two "
                f"windows, but got window_s={window_s!r} and step_s={step_s!r}; "
                "lengthen the window or shorten the step"
            )
        self.late = 0
        """Advertisements dropped because every window that covers them had been emitted."""
        self.future = 0
        """Advertisements dropped because they lay more than `FUTURE_S` ahead."""
        self.overflowed = 0
        """Advertisements dropped because more than `MAX_PENDING` were held."""
        self.skipped = 0
        """Empty windows left out after a long silence."""
        self._window_ns = s_to_ns(window_s)
        self._step_ns = s_to_ns(step_s)
        self._start_ns = start_ns
        self._now_ns = start_ns
        self._next_k = -(-self._window_ns // self._step_ns)
        self._pending: list[Advertisement] = []

    def push(self, advertisement: Advertisement) -> None:
        """Take one advertisement; the order of pushes does not matter."""
        if advertisement.time_ns < self._window_start_ns(self._next_k):
            self.late += 1
        elif advertisement.time_ns > self._now_ns + s_to_ns(FUTURE_S):
            self.future += 1
        else:
            insort(self._pending, advertisement, key=_time_ns)
            if len(self._pending) > MAX_PENDING:
                del self._pending[0]
                self.overflowed += 1

    def advance(self, now_ns: int) -> list[Scan]:
        """Return the scans of all windows that ended up to `now_ns`, in order, empty ones too.

        Args:
            now_ns: the present moment on the clock of the advertisements; a moment before that of
                an earlier call returns nothing.
        """
        self._now_ns = max(self._now_ns, now_ns)
        last_k = (self._now_ns - self._start_ns) // self._step_ns
        scans = []
        while self._next_k <= last_k:
            self._skip_silence(last_k)
            scans.append(self._scan(self._next_k))
            self._next_k += 1
            self._forget_before(self._window_start_ns(self._next_k))
        return scans

    def _window_start_ns(self, k: int) -> int:
        return self._start_ns + k * self._step_ns - self._window_ns

    def _skip_silence(self, last_k: int) -> None:
        if last_k - self._next_k < MAX_CATCH_UP:
            return
        heard_k = last_k
        if self._pending:
            since_start_ns = self._pending[0].time_ns - self._start_ns
            heard_k = min(last_k, since_start_ns // self._step_ns + 1)
        if heard_k > self._next_k:
            self.skipped += heard_k - self._next_k
            self._next_k = heard_k

    def _scan(self, k: int) -> Scan:
        start_ns = self._window_start_ns(k)
        end_ns = start_ns + self._window_ns
        heard: dict[BeaconId, list[float]] = {}
        for one in self._pending[: bisect_left(self._pending, end_ns, key=_time_ns)]:
            if one.time_ns >= start_ns:
                heard.setdefault(one.beacon, []).append(one.rssi_dbm)
        readings = {beacon: tuple(rssis_dbm) for beacon, rssis_dbm in heard.items()}
        return Scan(start_ns, self._window_ns / NS_PER_S, readings)

    def _forget_before(self, time_ns: int) -> None:
        del self._pending[: bisect_left(self._pending, time_ns, key=_time_ns)]


def _time_ns(advertisement: Advertisement) -> int:
    return advertisement.time_ns
