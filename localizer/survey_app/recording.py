"""Recording from a phone: begun, tapped along, judged, ended. The phone may go meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from localizer.clock import NS_PER_S, Clock
from localizer.errors import SurveyAppError
from localizer.scans import Advertisement
from localizer.site import Position
from localizer.sources import Whereabouts
from localizer.survey import Point, Recorder, Recording, RecordingKind, Survey, Waypoint
from localizer.survey_app.editing import find_floor
from localizer.survey_app.sessions import RecordedSession
from localizer.survey_app.standing import Standing
from localizer.surveying.quality import nearest_visits
from localizer.surveying.walks import LegIssue, check_tap, check_taps, leg_issues


@dataclass(frozen=True, slots=True)
class Start:
    """What is to be recorded."""

    kind: RecordingKind
    point: str | None = None
    """Where the surveyor stands; for ``point``."""
    heading_deg: float | None = None
    at: Position | None = None
    """Where the surveyor is; for ``walk``."""
    resumes: str | None = None
    """The recording that was cut off and that this one goes on with."""


class Recordings:
    """The one recording that may be open. Its methods belong to the survey's thread.

    Args:
        session: what is recorded belongs to it.
        clock: the source's.
        be_at: told where the surveyor is while something is recorded; None where nobody knows.
    """

    def __init__(
        self,
        session: RecordedSession,
        clock: Clock,
        be_at: Callable[[Whereabouts | None], None],
    ) -> None:
        self.standing: Standing | None = None
        """What was heard at the point so far; None if nobody stands at one."""
        self.waypoints: tuple[Waypoint, ...] = ()
        """Of the open walk."""
        self._session = session
        self._clock = clock
        self._be_at = be_at

    def take(self, advertisement: Advertisement) -> None:
        """Take what the source gives; on the event loop."""
        if self._session.recorder is not None:
            self._session.recorder.take(advertisement)
        if self.standing is not None:
            self.standing.take(advertisement)

    def elapsed_s(self) -> float:
        """Return how long the open recording has taken, seconds on the source's clock."""
        recorder = self._session.recorder
        current = None if recorder is None else recorder.status.recording
        if current is None:
            return 0.0
        return (self._clock.now_ns() - current.started_ns) / NS_PER_S

    def start(self, survey: Survey, wanted: Start) -> Recording:
        """Begin a recording; one that it resumes is kept as far as it went.

        Raises:
            SurveyAppError: there is no session, a recording is open, or a name is unknown.
            SurveyError: the file cannot be written.
        """
        recorder = self._session.required()
        current = recorder.status.recording
        if current is not None:
            raise SurveyAppError(
                f"one recording at a time must be open, but {current.id!r} is; finish or discard "
                "it first",
                reason="recording_open",
            )
        cut_off = None if wanted.resumes is None else find_recording(survey, wanted.resumes)
        started = self._start(survey, recorder, wanted)
        if cut_off is not None and cut_off.status == "incomplete":
            survey.recordings.complete(cut_off.id)
        return started

    def _start(self, survey: Survey, recorder: Recorder, wanted: Start) -> Recording:
        if wanted.kind == "point" and wanted.point is not None:
            point = find_point(survey, wanted.point)
            near = nearest_visits(point.position, survey.coverage().points, without=point.id)
            beacons = frozenset(beacon.id for beacon in survey.site.beacons)
            self._be_at(Whereabouts(point.position, heading_deg=wanted.heading_deg))
            started = recorder.start_point(
                point.id, heading_deg=wanted.heading_deg, resumes=wanted.resumes
            )
            self.standing = Standing(started, near, beacons)
        elif wanted.kind == "walk" and wanted.at is not None:
            find_floor(survey.site, wanted.at.floor)
            self._be_at(Whereabouts(wanted.at, walking=True))
            started = recorder.start_walk(wanted.at, resumes=wanted.resumes)
            self.waypoints = (Waypoint(started.started_ns, wanted.at),)
        else:
            self._be_at(None)
            started = recorder.start_unlabelled(resumes=wanted.resumes)
        return started

    def waypoint(self, at: Position, *, expected: str | None = None) -> None:
        """Note where the walker is, as of the call.

        Raises:
            SurveyAppError: no walk is open, or another recording than `expected`.
            WalkError: nobody can have walked there since the last tap.
            SurveyError: the file cannot be written.
        """
        recorder = self._walk(expected)
        last = self.waypoints[-1] if self.waypoints else None
        check_tap(last, Waypoint(self._clock.now_ns(), at))
        self._be_at(Whereabouts(at, walking=True))
        self.waypoints = (*self.waypoints, recorder.waypoint(at))

    def undo_waypoint(self, *, expected: str | None = None) -> None:
        """Take back the last waypoint, but for the first.

        Raises:
            SurveyAppError: no walk is open, or another recording than `expected`.
            SurveyError: the file cannot be written.
        """
        self.waypoints = tuple(self._walk(expected).undo_waypoint())

    def finish(
        self, survey: Survey, *, expected: str | None = None
    ) -> tuple[Recording, tuple[LegIssue, ...]]:
        """End the open recording, and say what about the legs of a walk should be looked at.

        Raises:
            SurveyAppError: none is open, or another than `expected`.
            WalkError: a walk has less than two taps.
            SurveyError: the file cannot be written; then it stays open, and goes on.
        """
        recorder, current = self._current(expected)
        issues: tuple[LegIssue, ...] = ()
        if current.kind == "walk":
            check_taps(self.waypoints)
            issues = leg_issues(self.waypoints, survey.site)
        ended = recorder.finish()
        self.forget()
        return ended, issues

    def discard(self, *, expected: str | None = None) -> Recording:
        """End the open recording, so that nobody reads it.

        Raises:
            SurveyAppError: none is open, or another than `expected`.
            SurveyError: the file cannot be written; then it stays open, and goes on.
        """
        ended = self._current(expected)[0].discard()
        self.forget()
        return ended

    def forget(self) -> None:
        """Forget what is known of the open recording."""
        self.standing, self.waypoints = None, ()
        self._be_at(None)

    def _walk(self, expected: str | None) -> Recorder:
        recorder, current = self._current(expected)
        if current.kind != "walk":
            raise SurveyAppError(
                f"a walk must be open to note where it passes, but {current.id!r} is a recording "
                f"of kind {current.kind!r}; finish it and begin a walk",
                reason="no_walk",
            )
        return recorder

    def _current(self, expected: str | None) -> tuple[Recorder, Recording]:
        recorder = self._session.required()
        current = recorder.status.recording
        if current is None:
            raise SurveyAppError(
                "a recording must be open, but none is; another phone may have ended it",
                reason="no_recording",
            )
        if expected not in (None, current.id):
            raise SurveyAppError(
                f"recording {expected!r} must be open, but {current.id!r} is; another phone may "
                "have begun it",
                reason="other_recording",
            )
        return recorder, current


def find_point(survey: Survey, point_id: str) -> Point:
    """Return a point of a survey.

    Raises:
        SurveyAppError: there is none of that id.
    """
    for point in survey.points.all():
        if point.id == point_id:
            return point
    raise SurveyAppError(
        f"a point must be in the survey, but {point_id!r} is not; another phone may have removed "
        "it",
        reason="not_found",
    )


def find_recording(survey: Survey, recording_id: str) -> Recording:
    """Return a recording of a survey.

    Raises:
        SurveyAppError: there is none of that id.
    """
    for recording in survey.recordings.all():
        if recording.id == recording_id:
            return recording
    raise SurveyAppError(
        f"a recording must be in the survey, but {recording_id!r} is not; another phone may have "
        "deleted it",
        reason="not_found",
    )
