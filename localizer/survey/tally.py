"""Who is heard: over the recording so far, and now."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Final

from localizer.beacons import BeaconId
from localizer.clock import NS_PER_S, s_to_ns
from localizer.scans import Advertisement
from localizer.survey.records import HeardStats

NOW_S: Final = 10.0
"""What "now" means on a screen, seconds: several packets of a beacon that sends once a second."""

KEPT_PACKETS: Final = 256
"""Packets of a beacon that are kept at most: 10 s at 25 packets a second. Of a beacon that sends
faster, "now" is shorter."""

KEPT_BEACONS: Final = 1_000
"""Beacons that are kept at most, so that made-up ids do not fill the memory. The one not heard for
the longest time goes."""


class Sums:
    """Sums over the packets of one beacon."""

    __slots__ = ("count", "max_dbm", "min_dbm", "sum_dbm", "sum_squares")

    def __init__(self) -> None:
        self.count = 0
        self.sum_dbm = 0.0
        self.sum_squares = 0.0
        self.min_dbm = 0.0
        self.max_dbm = -float("inf")

    def add(self, rssi_dbm: float) -> None:
        """Add one packet; an RSSI is below 0 dBm."""
        self.count += 1
        self.sum_dbm += rssi_dbm
        self.sum_squares += rssi_dbm * rssi_dbm
        self.min_dbm = min(self.min_dbm, rssi_dbm)
        self.max_dbm = max(self.max_dbm, rssi_dbm)

    def stats(self) -> HeardStats:
        """Return them as of now."""
        return HeardStats(self.count, self.sum_dbm, self.sum_squares, self.min_dbm, self.max_dbm)


class Tally:
    """How every beacon has been heard since the beginning."""

    def __init__(self) -> None:
        self._sums: dict[BeaconId, Sums] = {}

    def add(self, advertisement: Advertisement) -> None:
        """Count one packet."""
        sums = self._sums.get(advertisement.beacon)
        if sums is None:
            sums = self._sums[advertisement.beacon] = Sums()
        sums.add(advertisement.rssi_dbm)

    def stats(self) -> dict[BeaconId, HeardStats]:
        """Return how every beacon has been heard so far; from any thread."""
        return {beacon: sums.stats() for beacon, sums in self._sums.copy().items()}


@dataclass(frozen=True, slots=True)
class HeardNow:
    """One beacon as it is heard now."""

    beacon: BeaconId
    rssi_dbm: float
    """Of the newest packet."""
    median_dbm: float
    """Over the last `NOW_S` seconds."""
    count: int
    """Packets in that time."""
    rate_hz: float
    """Packets a second in that time."""
    last_heard_s: float
    """How long ago the newest packet was heard, seconds."""


class Ring:
    """The packets of the last `NOW_S` seconds, by beacon."""

    def __init__(self) -> None:
        self._heard: dict[BeaconId, deque[tuple[int, float]]] = {}

    def add(self, advertisement: Advertisement) -> None:
        """Take one packet."""
        heard = self._heard.pop(advertisement.beacon, None)
        if heard is None:
            heard = deque(maxlen=KEPT_PACKETS)
            if len(self._heard) >= KEPT_BEACONS:
                del self._heard[next(iter(self._heard))]
        heard.append((advertisement.time_ns, advertisement.rssi_dbm))
        # At the end of the dict: the first one is the one not heard for the longest time.
        self._heard[advertisement.beacon] = heard

    def now(self, now_ns: int) -> list[HeardNow]:
        """Return who was heard in the last `NOW_S` seconds, loudest median first.

        Args:
            now_ns: the present moment on the clock of the advertisements.
        """
        since_ns = now_ns - s_to_ns(NOW_S)
        rows = []
        for beacon, heard in self._heard.items():
            recent = [(time_ns, rssi_dbm) for time_ns, rssi_dbm in heard if time_ns >= since_ns]
            if recent:
                rows.append(_row(beacon, recent, now_ns))
        return sorted(rows, key=lambda row: -row.median_dbm)


def _row(beacon: BeaconId, recent: list[tuple[int, float]], now_ns: int) -> HeardNow:
    newest_ns, newest_dbm = recent[-1]
    span_s = NOW_S
    if len(recent) == KEPT_PACKETS:
        span_s = max((now_ns - recent[0][0]) / NS_PER_S, 1 / NS_PER_S)
    return HeardNow(
        beacon,
        newest_dbm,
        median(rssi_dbm for _, rssi_dbm in recent),
        len(recent),
        len(recent) / span_s,
        (now_ns - newest_ns) / NS_PER_S,
    )
