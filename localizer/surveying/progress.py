"""How far a survey is: points done, what is left to do, and how long that takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from localizer.beacons import BeaconId
from localizer.survey.coverage import Coverage, PointCoverage, Visit
from localizer.survey.records import HeardStats, Point, Recording
from localizer.surveying.consistency import Consistency, compare_visits
from localizer.surveying.enough import SCANS_PER_POINT
from localizer.surveying.pace import minutes_left

STAY: Final = timedelta(minutes=10)
"""Between two recordings of one stay at a point, at most: longer, and somebody has come back."""

PointState = Literal["lacking", "incomplete", "one_visit", "agree", "contradict"]
"""``lacking``: nothing recorded, or too little. ``incomplete``: too little, and a recording
that was cut off waits to be completed or discarded. The others are done; they are what
`compare_visits` says of their visits."""


@dataclass(frozen=True, slots=True)
class PointProgress:
    """One point of a survey."""

    point: Point
    state: PointState
    scans: int
    adverts: int
    consistency: Consistency

    @property
    def done(self) -> bool:
        """Whether it has enough data."""
        return self.state in ("one_visit", "agree", "contradict")


@dataclass(frozen=True, slots=True)
class Progress:
    """All points of a survey."""

    points: tuple[PointProgress, ...]
    minutes_left: float | None
    """At the pace of the last points; None while nothing is known of it."""

    @property
    def done(self) -> int:
        """Points with enough data."""
        return sum(one.done for one in self.points)

    @property
    def lacking(self) -> tuple[Point, ...]:
        """Points without enough data, in the survey's order; what `Routes.next_point` wants."""
        return tuple(one.point for one in self.points if not one.done)

    @property
    def contradicting(self) -> tuple[Point, ...]:
        """Points whose visits contradict each other."""
        return tuple(one.point for one in self.points if one.state == "contradict")


def measure_progress(coverage: Coverage, *, scans_wanted: int = SCANS_PER_POINT) -> Progress:
    """Return how far a survey is.

    Args:
        coverage: all its points with their visits.
        scans_wanted: scans from which a point is done.
    """
    points = tuple(_progress(one, scans_wanted) for one in coverage.points)
    recordings = [visit.recording for one in coverage.points for visit in one.visits]
    left = sum(not one.done for one in points)
    return Progress(points, minutes_left(recordings, left))


def _progress(covered: PointCoverage, scans_wanted: int) -> PointProgress:
    complete = [visit for visit in covered.visits if visit.recording.status == "complete"]
    consistency = compare_visits(_stays(complete))
    scans = sum(visit.scans for visit in complete)
    state: PointState = consistency.verdict
    if scans < scans_wanted:
        cut_off = any(visit.recording.status == "incomplete" for visit in covered.visits)
        state = "incomplete" if cut_off else "lacking"
    return PointProgress(covered.point, state, scans, covered.adverts, consistency)


def _stays(visits: Sequence[Visit]) -> list[Mapping[BeaconId, HeardStats]]:
    """Return how each stay at a point heard the beacons, recordings of several headings as one.

    A body turned round takes 10 dB from what it hides: recordings that face other ways, one after
    the other, do not contradict each other.
    """
    stays: list[list[Visit]] = []
    for visit in sorted(visits, key=lambda one: one.recording.started_utc):
        if stays and _goes_on(stays[-1], visit.recording):
            stays[-1].append(visit)
        else:
            stays.append([visit])
    return [_heard(stay) for stay in stays]


def _goes_on(stay: Sequence[Visit], after: Recording) -> bool:
    """Whether a recording faces another way in the stay that those before it were of."""
    before = stay[-1].recording
    faced = {visit.recording.heading_deg for visit in stay}
    if before.session != after.session or before.ended_utc is None:
        return False
    turned = None not in faced and after.heading_deg not in {None, *faced}
    return turned and after.started_utc - before.ended_utc < STAY


def _heard(stay: Sequence[Visit]) -> Mapping[BeaconId, HeardStats]:
    heard = dict(stay[0].heard)
    for visit in stay[1:]:
        for beacon, stats in visit.heard.items():
            heard[beacon] = heard[beacon] + stats if beacon in heard else stats
    return heard
