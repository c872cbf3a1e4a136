"""A survey as a surveyor leaves it: mostly good, with everything in it that a report must find."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from localizer.beacons import BeaconId
from localizer.scans import Advertisement, Session
from localizer.site import Beacon, Position, Site, distance_m
from localizer.sites import built_in_site
from localizer.survey import Point, Recording, Survey, build_survey
from localizer.survey.dump import Record, RecordedAdverts
from localizer.survey.records import RecordingStatus

S = 10**9
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
DEMO = built_in_site("demo")
FLOOR = DEMO.floors[0].id
SILENT = BeaconId("name:demo:b99")
UNKNOWN = BeaconId("name:demo:foreign")

WITH_SILENT = replace(DEMO, beacons=(*DEMO.beacons, Beacon(SILENT, Position(1.0, 1.0, FLOOR))))


def grid(site: Site, columns: int = 6, rows: int = 4) -> list[Point]:
    """Points over the box of the site's floor."""
    left, low, right, high = site.bounds_m(FLOOR)
    xs = np.linspace(left + 1.5, right - 1.5, columns)
    ys = np.linspace(low + 1.5, high - 1.5, rows)
    places = [(float(x), float(y)) for y in ys for x in xs]
    return [
        Point(f"{FLOOR}-{n:03d}", Position(x, y, FLOOR), f"P{n}", "grid")
        for n, (x, y) in enumerate(places, start=1)
    ]


def level_dbm(beacon: Position, at: Position) -> float:
    """Mean RSSI by distance, without walls."""
    return -55.0 - 25.0 * float(np.log10(max(1.0, distance_m(beacon, at))))


def stand(
    point: Point,
    beacons: Sequence[Beacon],
    number: int,
    *,
    session: str = "monday",
    began: datetime = MONDAY,
    seconds: int = 20,
    status: RecordingStatus = "complete",
    sd_db: float = 3.5,
) -> Iterator[Record]:
    """One stand at a point: three packets a second of every beacon above -88 dBm."""
    drawn = np.random.default_rng(number)
    start_ns = number * 1_000 * S
    adverts = []
    for beacon in beacons:
        if beacon.position is None or level_dbm(beacon.position, point.position) < -88:
            continue
        for n in range(seconds * 3):
            rssi = drawn.normal(level_dbm(beacon.position, point.position), sd_db)
            adverts.append(
                Advertisement(beacon.id, float(min(-1, round(rssi))), start_ns + n * S // 3)
            )
    adverts.sort(key=lambda one: one.time_ns)
    yield Recording(
        f"{session}/{number:04d}",
        session,
        "point",
        start_ns,
        began + timedelta(seconds=number * 40),
        status,
        start_ns + seconds * S,
        point.id,
    )
    yield RecordedAdverts(f"{session}/{number:04d}", tuple(adverts))


def build(path: Path, records: Sequence[Record], *, site: Site = DEMO) -> None:
    """Build a survey of records, and cut its recordings into scans."""
    with build_survey(path, site) as survey:
        restorer = survey.restorer()
        for record in records:
            restorer.check(record)
            restorer.add(record)
    with Survey.open(path) as survey:
        survey.recordings.derive_all()


def surveyed(path: Path) -> None:
    """Two sessions: a beacon that was moved between them, a point stood at wrongly, and gaps."""
    points = grid(WITH_SILENT)
    heard = [*DEMO.beacons, Beacon(UNKNOWN, Position(5.0, 5.0, FLOOR))]
    moved = [
        replace(one, position=points[-1].position) if n == 0 else one
        for n, one in enumerate(DEMO.beacons)
    ]
    records: list[Record] = [
        Session("monday", "development", "pi", "before noon", started_utc=MONDAY),
        Session("tuesday", "development", "pi", person="Ada", started_utc=MONDAY),
        *points,
    ]
    for n, point in enumerate(points[:20]):
        status: RecordingStatus = "incomplete" if n == 12 else "complete"
        seconds = 6 if n == 13 else 20
        records += stand(
            point, heard, n, seconds=seconds, status=status, sd_db=11.0 if n == 7 else 3.5
        )
    for n, point in enumerate(points[:9]):
        at = replace(point, position=points[15].position) if n == 8 else point
        elsewhere = list(
            stand(at, moved, n + 100, session="tuesday", began=MONDAY + timedelta(days=1))
        )
        records += elsewhere
    build(path, records, site=WITH_SILENT)
