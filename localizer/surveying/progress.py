"""How far a survey is: points done, what is left to do, and how long that takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from localizer.survey.coverage import Coverage, PointCoverage
from localizer.survey.records import Point
from localizer.surveying.consistency import Consistency, compare_visits
from localizer.surveying.pace import minutes_left

SCANS_PER_POINT: Final = 5
"""Scans from which a point is done: 15 s of standing at 3 s each."""

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
    consistency = compare_visits([visit.heard for visit in complete])
    scans = sum(visit.scans for visit in complete)
    state: PointState = consistency.verdict
    if scans < scans_wanted:
        cut_off = any(visit.recording.status == "incomplete" for visit in covered.visits)
        state = "incomplete" if cut_off else "lacking"
    return PointProgress(covered.point, state, scans, covered.adverts, consistency)
