"""What is in the air now: every beacon with its level and how often it is heard."""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import Final, NamedTuple

from localizer.beacons import BeaconId
from localizer.clock import NS_PER_S, s_to_ns
from localizer.scans import Advertisement

WINDOW_S: Final = 10.0
"""How far back level and rate look, seconds: long enough for a beacon of one packet a second,
short enough to follow who walks."""

FORGOTTEN_S: Final = 600.0
"""Silence after which a beacon is no longer listed, seconds: passers-by carry beacons too."""


class Heard(NamedTuple):
    """One beacon as one receiver hears it."""

    beacon: BeaconId
    receiver: str | None
    """Which receiver, where there are several."""
    rssi_dbm: float
    """The newest level, dBm."""
    median_dbm: float | None
    """Median over `WINDOW_S`, dBm; None if it was not heard for so long."""
    rate_hz: float
    """Packets a second over `WINDOW_S`, or since the start."""
    age_s: float
    """Since the newest packet, seconds."""
    packets: int
    """Packets since the start."""


class Hearing:
    """Remembers what was heard lately.

    Args:
        start_ns: when listening began, nanoseconds on the clock of the advertisements.
    """

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._by_beacon: dict[tuple[BeaconId, str | None], _Recent] = {}

    def hear(self, one: Advertisement) -> None:
        """Take one packet."""
        key = (one.beacon, one.receiver)
        recent = self._by_beacon.get(key)
        if recent is None:
            recent = self._by_beacon[key] = _Recent()
        recent.count += 1
        recent.packets.append((one.time_ns, one.rssi_dbm))
        recent.forget_before(one.time_ns - s_to_ns(WINDOW_S))

    def rows(self, now_ns: int) -> list[Heard]:
        """Return every beacon, the loudest first and the silent last."""
        for key, recent in list(self._by_beacon.items()):
            if now_ns - recent.packets[-1][0] > s_to_ns(FORGOTTEN_S):
                del self._by_beacon[key]
        rows = [self._row(key, recent, now_ns) for key, recent in self._by_beacon.items()]
        silent = float("-inf")
        return sorted(
            rows,
            key=lambda row: (
                -(silent if row.median_dbm is None else round(row.median_dbm)),
                row.beacon,
                row.receiver or "",
            ),
        )

    def _row(self, key: tuple[BeaconId, str | None], recent: _Recent, now_ns: int) -> Heard:
        newest_ns, newest_dbm = recent.packets[-1]
        recent.forget_before(now_ns - s_to_ns(WINDOW_S))
        lately = [rssi for at, rssi in recent.packets if at >= now_ns - s_to_ns(WINDOW_S)]
        listened_s = min(WINDOW_S, (now_ns - self._start_ns) / NS_PER_S)
        return Heard(
            *key,
            rssi_dbm=newest_dbm,
            median_dbm=median(lately) if lately else None,
            rate_hz=len(lately) / listened_s if listened_s > 0 else 0.0,
            age_s=(now_ns - newest_ns) / NS_PER_S,
            packets=recent.count,
        )


class _Recent:
    __slots__ = ("count", "packets")

    def __init__(self) -> None:
        self.count = 0
        self.packets: deque[tuple[int, float]] = deque()

    def forget_before(self, time_ns: int) -> None:
        """Forget what is older, but for the newest packet."""
        while len(self.packets) > 1 and self.packets[0][0] < time_ns:
            self.packets.popleft()
