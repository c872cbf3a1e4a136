"""What has been surveyed so far: every point with its visits, from sums kept while recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from localizer.beacons import BeaconId
from localizer.survey.changes import present_beacon, read_changes
from localizer.survey.file import SurveyFile
from localizer.survey.recording_rows import read_recordings
from localizer.survey.records import BeaconChange, HeardStats, Point, Recording


@dataclass(frozen=True, slots=True)
class Visit:
    """One recording, and what came of it."""

    recording: Recording
    scans: int
    """Fingerprints cut from it."""
    heard: Mapping[BeaconId, HeardStats]
    """How every beacon was heard, under the ids of today; without those that were moved since."""

    @property
    def adverts(self) -> int:
        """Packets heard."""
        return sum(one.count for one in self.heard.values())


@dataclass(frozen=True, slots=True)
class PointCoverage:
    """One reference point, and all stands at it that were not discarded."""

    point: Point
    visits: tuple[Visit, ...]

    @property
    def scans(self) -> int:
        """Fingerprints of all visits."""
        return sum(visit.scans for visit in self.visits)

    @property
    def adverts(self) -> int:
        """Packets heard in all visits."""
        return sum(visit.adverts for visit in self.visits)


@dataclass(frozen=True, slots=True)
class Coverage:
    """All points of a survey, those without a visit too, and the recordings elsewhere."""

    points: tuple[PointCoverage, ...]
    elsewhere: tuple[Visit, ...]
    """Walks and unlabelled recordings."""


def cover(file: SurveyFile, points: Sequence[Point], sessions: Sequence[str]) -> Coverage:
    """Return the coverage by the recordings of these sessions."""
    scans = dict(
        file.rows(
            "SELECT recording, count(*) FROM fingerprints WHERE recording IS NOT NULL "
            "GROUP BY recording"
        )
    )
    heard = _heard(file)
    changes = read_changes(file)
    at: dict[str, list[Visit]] = {point.id: [] for point in points}
    elsewhere: list[Visit] = []
    chosen = set(sessions)
    for number, recording in read_recordings(file, "WHERE status <> 'discarded'"):
        if recording.session in chosen:
            today = _today(heard.get(number, {}), recording, changes)
            visit = Visit(recording, scans.get(number, 0), today)
            (elsewhere if recording.point is None else at[recording.point]).append(visit)
    covered = (PointCoverage(point, tuple(at[point.id])) for point in points)
    return Coverage(tuple(covered), tuple(elsewhere))


def _heard(file: SurveyFile) -> dict[int, dict[BeaconId, HeardStats]]:
    rows = file.rows(
        "SELECT recording, canonical, count, sum_dbm, sum_squares, min_dbm, max_dbm FROM heard "
        "JOIN beacons ON beacons.id = beacon ORDER BY recording, beacon"
    )
    heard: dict[int, dict[BeaconId, HeardStats]] = {}
    for number, beacon, *stats in rows:
        heard.setdefault(number, {})[BeaconId(beacon)] = HeardStats(*stats)
    return heard


def _today(
    heard: Mapping[BeaconId, HeardStats], recording: Recording, changes: Sequence[BeaconChange]
) -> Mapping[BeaconId, HeardStats]:
    started = recording.started_utc
    today = {present_beacon(beacon, started, changes): stats for beacon, stats in heard.items()}
    return {beacon: stats for beacon, stats in today.items() if beacon is not None}
