"""From the air into the survey file: one session at the radio, written every half second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from localizer.beacons import BeaconId
from localizer.clock import Clock
from localizer.errors import SurveyError
from localizer.scans import Advertisement, Session
from localizer.site import Position
from localizer.survey.checks import check_advertisement, check_beacon
from localizer.survey.derivation import WINDOW_S
from localizer.survey.file import open_survey_file
from localizer.survey.records import HeardStats, Recording, Waypoint
from localizer.survey.session_log import Anchor, SessionLog
from localizer.survey.survey import utc_now
from localizer.survey.tally import HeardNow, Ring
from localizer.survey.writer_thread import WriterThread

COMMIT_S: Final = 0.5
"""Seconds between two commits. What was heard since the last one is lost when the process is
killed: with the time that a commit takes on a slow card, that stays below one second."""

RecorderState = Literal["idle", "recording", "waiting", "failed", "closed"]
"""``idle``: no recording is open. ``waiting``: the file cannot be written for now; what is heard is
held and written as soon as it can. ``failed``: it gave up, the reason is final."""


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """How a recorder is, for the screen."""

    state: RecorderState
    recording: Recording | None = None
    """The open one."""
    taken: int = 0
    """Packets of it that were heard."""
    committed: int = 0
    """Of those, in the file."""
    lost: int = 0
    """Of those, left out because the file could not be written for too long."""
    refused: int = 0
    """Advertisements that were none (an RSSI out of range, a bad id), in all recordings."""
    reason: str | None = None
    """Why it waits: ``disk_full``, ``locked``, ``read_only`` or ``io_error``."""
    detail: str | None = None
    """The same in words, with what to do."""


class Recorder:
    """Records one session of a survey; a context manager that closes it.

    It has a thread with a connection of its own, which commits every `COMMIT_S`; a `Survey` may be
    open beside it. `take` returns at once and belongs into the task that iterates the source; all
    other methods wait for the disk and may be called from any thread (`asyncio.to_thread`), one at
    a time. One recorder a file: opening one marks the recordings that a dead one left open as
    incomplete, and makes one that still lives fail.

    UTC is read once, at the opening; every time of the session is that plus the time on `clock`,
    so a wall clock that is set meanwhile changes nothing.

    Args:
        path: the survey file.
        session: a new session, or one of the file to go on with, by its id.
        clock: the source's clock.
        utc_now: the wall clock.
        commit_s: seconds between two commits.

    Raises:
        SurveyError: the file is no survey or cannot be written, or the session is not the one that
            the file has under its id.
    """

    def __init__(
        self,
        path: Path,
        session: Session,
        *,
        clock: Clock,
        utc_now: Callable[[], datetime] = utc_now,
        commit_s: float = COMMIT_S,
    ) -> None:
        self._clock = clock
        self._ring = Ring()
        self._known: set[BeaconId] = set()
        self._refused = 0
        self._closed = False
        anchor = Anchor(clock.now_ns(), utc_now())
        self._thread = WriterThread(
            lambda: SessionLog.begin(open_survey_file(path), session, anchor), commit_s=commit_s
        )
        self._log = self._thread.log

    @property
    def session(self) -> Session:
        """The session that is recorded, as it was at the opening."""
        return self._log.session

    @property
    def interrupted(self) -> tuple[Recording, ...]:
        """Recordings that were found open: they are ``incomplete`` now."""
        return self._log.interrupted

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def status(self) -> RecorderStatus:
        """How it is now; from any thread."""
        current, trouble = self._log.open, self._thread.failure or self._thread.trouble
        status = RecorderStatus(
            self._state(),
            refused=self._refused,
            reason=None if trouble is None else trouble.reason,
            detail=None if trouble is None else str(trouble),
        )
        if current is None:
            return status
        adverts = current.adverts
        return replace(
            status,
            recording=current.recording,
            taken=adverts.committed + adverts.buffered + adverts.lost,
            committed=adverts.committed,
            lost=adverts.lost,
        )

    def _state(self) -> RecorderState:
        if self._closed:
            return "closed"
        if self._thread.failure is not None:
            return "failed"
        if self._thread.trouble is not None:
            return "waiting"
        return "idle" if self._log.open is None else "recording"

    def heard_now(self) -> list[HeardNow]:
        """Return who was heard in the last seconds, recorded or not, loudest first.

        To be called in the task that calls `take`.
        """
        return self._ring.now(self._clock.now_ns())

    def heard(self) -> dict[BeaconId, HeardStats]:
        """Return how every beacon was heard in the open recording; empty if there is none."""
        return {} if self._log.open is None else self._log.open.tally.stats()

    def take(self, advertisement: Advertisement) -> None:
        """Take what the source gives; without an open recording, for `heard_now` alone."""
        if not self._is_sound(advertisement):
            self._refused += 1
            return
        self._ring.add(advertisement)
        current = self._log.open
        if current is not None and current.accepting:
            current.tally.add(advertisement)
            current.adverts.put(advertisement)

    def start_point(
        self, point: str, *, heading_deg: float | None = None, resumes: str | None = None
    ) -> Recording:
        """Begin to record while somebody stands at a reference point.

        Args:
            point: its id.
            heading_deg: where the receiver faces, degrees counter-clockwise from +x.
            resumes: the recording that was cut off and that this one goes on with.

        Raises:
            SurveyError: a recording is open, there is no such point, or the file cannot be written.
        """
        now_ns = self._clock.now_ns()
        return self._thread.do(
            lambda log: log.start(
                "point", now_ns, point=point, heading_deg=heading_deg, resumes=resumes
            )
        )

    def start_walk(self, at: Position, *, resumes: str | None = None) -> Recording:
        """Begin to record a walk, at its first waypoint.

        Raises:
            SurveyError: a recording is open, the position is none, or the file cannot be written.
        """
        now_ns = self._clock.now_ns()
        return self._thread.do(lambda log: log.start("walk", now_ns, at=at, resumes=resumes))

    def start_unlabelled(self, *, resumes: str | None = None) -> Recording:
        """Begin to record without saying where.

        Raises:
            SurveyError: a recording is open, or the file cannot be written.
        """
        now_ns = self._clock.now_ns()
        return self._thread.do(lambda log: log.start("unlabelled", now_ns, resumes=resumes))

    def waypoint(self, at: Position) -> Waypoint:
        """Note where the surveyor is, as of the call.

        Raises:
            SurveyError: no walk is open, the position is none, or the file cannot be written.
        """
        waypoint = Waypoint(self._clock.now_ns(), at)
        self._thread.do(lambda log: log.add_waypoint(waypoint))
        return waypoint

    def undo_waypoint(self) -> list[Waypoint]:
        """Take back the last waypoint, but for the first, and return those that are left.

        Raises:
            SurveyError: no walk is open, or the file cannot be written.
        """
        return self._thread.do(lambda log: log.undo_waypoint())

    def finish(self, *, window_s: float = WINDOW_S) -> Recording:
        """End the open recording as of the call, and cut it into fingerprints.

        Raises:
            SurveyError: none is open, or the file cannot be written; then it stays open, and goes
                on.
        """
        now_ns = self._clock.now_ns()
        return self._thread.do(lambda log: log.end("complete", now_ns, window_s=window_s))

    def discard(self) -> Recording:
        """End the open recording; neither training nor coverage reads it.

        Raises:
            SurveyError: none is open, or the file cannot be written; then it stays open, and goes
                on.
        """
        now_ns = self._clock.now_ns()
        return self._thread.do(lambda log: log.end("discarded", now_ns))

    def end_session(self) -> None:
        """Close, and note that the session is over. To go on with it is still possible.

        Raises:
            SurveyError: the file cannot be written; the recorder is closed all the same.
        """
        self._close(lambda log: log.leave(self._clock.now_ns(), state="closed"))

    def close(self) -> None:
        """Write what is held and close the file; an open recording is marked incomplete.

        The session stays open, to be gone on with. A second call does nothing.

        Raises:
            SurveyError: what is held cannot be written; the recorder is closed all the same.
        """
        self._close(lambda log: log.leave(self._clock.now_ns(), state="open"))

    def _close(self, leave: Callable[[SessionLog], None]) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            if self._thread.failure is None:
                self._thread.do(leave)
        finally:
            self._thread.close()

    def _is_sound(self, one: Advertisement) -> bool:
        """Return whether the file can hold it: a single bad one would spoil a whole commit."""
        try:
            check_advertisement(one)
            if one.beacon not in self._known:
                check_beacon(one.beacon)
                self._known.add(one.beacon)
        except SurveyError:
            return False
        return True
