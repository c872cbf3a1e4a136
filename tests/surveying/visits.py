"""Recordings and visits that several tests judge."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np

from localizer.beacons import BeaconId
from localizer.clock import s_to_ns
from localizer.site import Position
from localizer.survey.coverage import PointCoverage, Visit
from localizer.survey.records import HeardStats, Point, Recording, RecordingStatus

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
BEACONS = tuple(BeaconId(f"name:test:b{i}") for i in range(6))
A, B, C, D, E, F = BEACONS


def heard(mean_dbm: float, count: int = 40, sd_db: float = 4.0) -> HeardStats:
    """The statistics of packets with that mean and deviation (over n)."""
    squares = count * (mean_dbm**2 + sd_db**2)
    low, high = mean_dbm - 2 * sd_db, min(-1.0, mean_dbm + 2 * sd_db)
    return HeardStats(count, mean_dbm * count, squares, low, high)


def recording(
    number: int = 0,
    *,
    start_s: float = 0.0,
    duration_s: float | None = 20.0,
    point: str | None = "P1",
    session: str = "s1",
    status: RecordingStatus = "complete",
    heading_deg: float | None = None,
) -> Recording:
    ended_ns = None if duration_s is None else s_to_ns(start_s + duration_s)
    return Recording(
        f"r{number}",
        session,
        "point" if point else "walk",
        s_to_ns(start_s),
        NOON + timedelta(seconds=start_s),
        status,
        ended_ns,
        point,
        heading_deg,
    )


def visit(levels: Mapping[BeaconId, float], *, scans: int = 6, **more: object) -> Visit:
    one = recording(**more)  # type: ignore[arg-type]
    return Visit(one, scans, {beacon: heard(level) for beacon, level in levels.items()})


def covered(name: str, x_m: float, *visits: Visit, floor: str = "0") -> PointCoverage:
    return PointCoverage(Point(name, Position(x_m, 1.0, floor)), visits)


def packets(mean_dbm: float, count: int = 40, sd_db: float = 4.0, seed: int = 0) -> list[float]:
    drawn = np.random.default_rng(seed).normal(mean_dbm, sd_db, count)
    return [float(min(-1.0, round(rssi))) for rssi in drawn]
