"""Visits of scans that came without a recording, as imports bring them, from sums of RSSIs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from localizer.beacons import BeaconId
from localizer.clock import s_to_ns
from localizer.site import Position
from localizer.survey import BeaconChange, HeardStats, Point, PointCoverage, Recording, Visit
from localizer.survey.changes import present_beacon
from localizer.survey.file import SurveyFile
from localizer.survey.rows import utc_from_us

# Rows that are no measurements say nothing of the place. A visit whose scans have several places
# is a walk.
_VISITS: Final = """
SELECT session, visit, count(*), min(time_utc_us), sum(duration_s), count(x_m),
  min(x_m), min(y_m), min(floor), max(x_m), max(y_m), max(floor)
FROM fingerprints WHERE recording IS NULL AND synthetic IS NULL
GROUP BY session, visit ORDER BY min(time_utc_us)
"""
_HEARD: Final = """
SELECT session, visit, canonical, count(*), sum(rssi_dbm), sum(rssi_dbm * rssi_dbm),
  min(rssi_dbm), max(rssi_dbm)
FROM fingerprints CROSS JOIN readings ON readings.fingerprint = fingerprints.id
  JOIN beacons ON beacons.id = readings.beacon
WHERE recording IS NULL AND synthetic IS NULL
GROUP BY session, visit, canonical
"""

_Heard = Mapping[BeaconId, HeardStats]


@dataclass(frozen=True, slots=True)
class ImportedVisits:
    """Scans without a recording, as if somebody had recorded them."""

    points: tuple[PointCoverage, ...]
    """One for each place at which scans were taken, named after it."""
    elsewhere: tuple[Visit, ...]
    """Walks, and scans without a place."""


def read_imported_visits(
    file: SurveyFile, sessions: Collection[str], changes: Collection[BeaconChange]
) -> ImportedVisits:
    """Read the visits of some sessions.

    Args:
        file: the survey's.
        sessions: whose; ids.
        changes: replaced and moved beacons, oldest first: readings come under today's ids.

    Raises:
        SurveyError: the file is damaged.
    """
    heard: dict[tuple[str, str], dict[BeaconId, HeardStats]] = {}
    for session, visit, beacon, *stats in file.rows(_HEARD):
        heard.setdefault((session, visit), {})[BeaconId(beacon)] = HeardStats(*stats)
    at: dict[Position, list[Visit]] = {}
    elsewhere: list[Visit] = []
    for row in file.rows(_VISITS):
        if row[0] not in sessions:
            continue
        place = _place(row)
        visit = _visit(row, place, heard.get((row[0], row[1]), {}), changes)
        (elsewhere if place is None else at.setdefault(place, [])).append(visit)
    points = (PointCoverage(_point(place), tuple(visits)) for place, visits in at.items())
    return ImportedVisits(tuple(points), tuple(elsewhere))


def _place(row: tuple[Any, ...]) -> Position | None:
    scans, labelled, first, last = row[2], row[5], row[6:9], row[9:12]
    return Position(*first) if labelled == scans and first == last else None


def _point(place: Position) -> Point:
    name = f"({place.x_m:.1f}, {place.y_m:.1f})"
    return Point(f"{name} {place.floor}", place, name, "imported")


def _visit(
    row: tuple[Any, ...], place: Position | None, heard: _Heard, changes: Collection[BeaconChange]
) -> Visit:
    session, visit, scans, began_us, duration_s, labelled = row[:6]
    began = utc_from_us(began_us)
    kind = "point" if place is not None else "walk" if labelled else "unlabelled"
    point = None if place is None else _point(place).id
    recording = Recording(
        visit,
        session,
        kind,  # type: ignore[arg-type]
        0,
        began,
        "complete",
        s_to_ns(duration_s),
        point,
    )
    today = dict(_today(heard, recording, changes))
    return Visit(recording, scans, today)


def _today(
    heard: _Heard, recording: Recording, changes: Collection[BeaconChange]
) -> Iterator[tuple[BeaconId, HeardStats]]:
    for beacon, stats in heard.items():
        now = present_beacon(beacon, recording.started_utc, changes)
        if now is not None:
            yield now, stats
