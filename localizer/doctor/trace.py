"""Whether a stream of advertisements is fit to make fingerprints of."""

from __future__ import annotations

from typing import Final

from localizer.beacons import BeaconId
from localizer.clock import NS_PER_S
from localizer.doctor.finding import Finding
from localizer.scans import Advertisement

THRESHOLD_DB: Final = 8.0
"""BlueZ tells of an RSSI that moved by less only where somebody scans actively with a filter, dB.
Fingerprints from a stream without the small differences are wrong by as much."""

MIN_DIFFERENCES: Final = 20
"""Consecutive differences that a verdict needs: beacons that stand still differ by 1 to 7 dB more
often than not, so that 20 without one such do not happen by chance."""

SLOW_HZ: Final = 0.5
"""Packets a second below which a window of 3 s often has none of that beacon."""

LOUD_DBM: Final = -80.0
"""Mean level above which a beacon is near enough for nearly all of its packets to arrive, dBm."""

SHOWN: Final = 12
"""Beacons whose rate is told one by one."""


class TraceExam:
    """Examines a stream of advertisements, in memory that does not grow with its length."""

    def __init__(self) -> None:
        self.packets = 0
        """Advertisements taken."""
        self._levels: dict[tuple[BeaconId, str | None], _Level] = {}
        self._differences = self._small = 0
        self._first_ns = self._last_ns = 0

    def hear(self, one: Advertisement) -> None:
        """Take one advertisement."""
        if not self.packets:
            self._first_ns = one.time_ns
        self._last_ns = one.time_ns
        self.packets += 1
        level = self._levels.setdefault((one.beacon, one.receiver), _Level())
        if level.packets:
            self._differences += 1
            self._small += 0 < abs(one.rssi_dbm - level.newest_dbm) < THRESHOLD_DB
        level.packets += 1
        level.sum_dbm += one.rssi_dbm
        level.newest_dbm = one.rssi_dbm

    def findings(self) -> list[Finding]:
        """Return what the stream is like."""
        return [self._rates(), self._threshold()] if self.packets else [_NOTHING]

    def _rates(self) -> Finding:
        # Of two packets at one moment no rate is known; a microsecond keeps it finite.
        span_s = max((self._last_ns - self._first_ns) / NS_PER_S, 1e-6)
        rates = sorted((one.packets / span_s, key) for key, one in self._levels.items())
        told = [f"{_name(*key)} {rate:.1f}" for rate, key in rates[:SHOWN]]
        more = f" and {len(rates) - SHOWN} that are heard more often" * (len(rates) > SHOWN)
        said = f"{len(rates)} heard in {span_s:.1f} s, packets a second: {', '.join(told)}{more}"
        rare = sum(rate < SLOW_HZ and self._levels[key].is_loud for rate, key in rates)
        if not rare:
            return Finding("rates", "ok", said)
        advice = (
            f"{rare} near ones are heard less than every {1 / SLOW_HZ:g} s: let them send more "
            "often (every 350 ms is usual), and see what else uses the adapter"
        )
        return Finding("rates", "warn", said, advice)

    def _threshold(self) -> Finding:
        if self._differences < MIN_DIFFERENCES:
            said = f"{self._differences} consecutive RSSI differences are too few to judge by"
            advice = f"listen longer, or bring a beacon near: {MIN_DIFFERENCES} are needed"
            return Finding("threshold", "warn", said, advice)
        if self._small:
            said = f"{self._small} of {self._differences} consecutive RSSI differences are small"
            return Finding("threshold", "ok", said)
        return Finding(
            "threshold",
            "fail",
            f"RSSI threshold/deduplication suspected: all {self._differences} consecutive "
            f"differences are 0 or at least {THRESHOLD_DB:g} dB",
            "do not survey with this: scan actively, end other programs that scan, update BlueZ "
            "and the adapter's firmware",
        )


class _Level:
    __slots__ = ("newest_dbm", "packets", "sum_dbm")

    def __init__(self) -> None:
        self.packets = 0
        self.sum_dbm = 0.0
        self.newest_dbm = 0.0

    @property
    def is_loud(self) -> bool:
        return self.sum_dbm / self.packets > LOUD_DBM


def _name(beacon: BeaconId, receiver: str | None) -> str:
    return f"{beacon} at {receiver}" if receiver else beacon


_NOTHING: Final = Finding(
    "rates",
    "fail",
    "no beacon was heard",
    "bring one near, and see that it has power and sends iBeacon, Eddystone-UID or AltBeacon",
)
