"""Replays what was recorded: the scans of a survey file, or a recording of raw advertisements."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Final, Protocol

from localizer.clock import Clock, ScaledClock, s_to_ns
from localizer.errors import SurveyError
from localizer.scans import Advertisement
from localizer.site import Position
from localizer.sources.address import OptionReader, SourceAddress
from localizer.sources.protocol import TRUTH_KEPT_S
from localizer.sources.recording import Recording
from localizer.sources.script import Stretch, stretches_of_recording, stretches_of_scans
from localizer.sources.status import SourceStatus
from localizer.sources.stream import TimedStream
from localizer.sources.survey_scans import SurveyScans
from localizer.survey import ROLES, Survey

DEFAULT_MAX_GAP_S: Final = 3.0
"""Longest silence that is replayed, seconds. Surveyors pause for minutes and for nights; a viewer
takes a map that stands still for more than a few seconds for broken."""

_SQLITE_START: Final = b"SQLite format 3\x00"


class Replayed(Protocol):
    """What is replayed, pass by pass."""

    def stretches(self, start_ns: int) -> Iterator[Stretch]:
        """Read one pass, at least one stretch, each starting where the one before ends.

        Raises:
            SourceError: the file can no longer be read.
        """
        ...

    def close(self) -> None:
        """Close the file."""
        ...


@dataclass(frozen=True, slots=True)
class ReplayedSurvey:
    """The chosen scans of a survey file."""

    address: SourceAddress
    scans: SurveyScans
    max_gap_s: float

    def stretches(self, start_ns: int) -> Iterator[Stretch]:
        """Read one pass, scan by scan."""
        stretch = None
        try:
            for stretch in stretches_of_scans(
                self.scans, start_ns=start_ns, max_gap_s=self.max_gap_s
            ):
                yield stretch
        except SurveyError as error:
            self.address.fail(str(error), "unreadable_survey")
        if stretch is None:
            # The file was replaced since the opening; a loop over nothing would never wait.
            self.address.fail("a replay must find its scans again, but they are gone", _NOTHING)

    def close(self) -> None:
        """Close the file."""
        self.scans.close()


@dataclass(frozen=True, slots=True)
class ReplayedRecording:
    """A recording of raw advertisements; nobody knows where it was made."""

    recording: Recording
    max_gap_s: float

    def stretches(self, start_ns: int) -> Iterator[Stretch]:
        """Read one pass, packet by packet."""
        return stretches_of_recording(self.recording, start_ns=start_ns, max_gap_s=self.max_gap_s)

    def close(self) -> None:
        """Close the file."""
        self.recording.close()


class ReplaySource:
    """Plays what was recorded as it is read from its file; a `localizer.sources.Source`.

    Args:
        name: the string that it was opened with.
        replayed: what to play.
        clock: what paces it; the replay starts at what this shows when the iteration begins.
        loop: start again at the end, with time going on.
    """

    def __init__(self, name: str, replayed: Replayed, clock: Clock, *, loop: bool = False) -> None:
        self.name = name
        self.clock = clock
        self._replayed = replayed
        self._loop = loop
        self._stream = TimedStream(name, clock)
        self._recent: deque[Stretch] = deque()

    @property
    def status(self) -> SourceStatus:
        """How it is now."""
        return self._stream.status

    def __aiter__(self) -> AsyncIterator[Advertisement]:
        """Start playing."""
        return self._stream.play(self._moments())

    def _moments(self) -> Iterator[Advertisement | int]:
        start_ns = self.clock.now_ns()
        try:
            for _ in count() if self._loop else range(1):
                for stretch in self._replayed.stretches(start_ns):
                    start_ns = stretch.end_ns
                    self._remember(stretch)
                    if not stretch.advertisements:
                        yield stretch.start_ns
                    yield from stretch.advertisements
        finally:
            self._replayed.close()

    def _remember(self, stretch: Stretch) -> None:
        if stretch.position is None and not self._recent:
            return
        # Without its advertisements: they are most of what it holds.
        self._recent.append(replace(stretch, advertisements=()))
        while self._recent[0].end_ns < stretch.start_ns - s_to_ns(TRUTH_KEPT_S):
            self._recent.popleft()

    def truth_at(self, time_ns: int) -> Position | None:
        """Return where the scan that was playing at `time_ns` was taken.

        That is from its start until the next one starts, or until the longest gap after its end.
        None before the start, and more than `TRUTH_KEPT_S` ago.
        """
        for stretch in reversed(self._recent):
            if stretch.start_ns <= time_ns < stretch.end_ns:
                return stretch.position
        return None

    async def aclose(self) -> None:
        """End the iteration and close the file."""
        await self._stream.aclose()
        self._replayed.close()


def open_replay(address: SourceAddress, clock: Clock | None = None) -> ReplaySource:
    """Open ``replay:FILE``: a survey file, or a recording of raw advertisements.

    Options: ``speed`` (1), ``max_gap`` in seconds (3), ``loop`` (false); for a survey also
    ``sessions`` (``development``, ``sealed``, ``all`` or ids with commas; development) and
    ``unlabelled`` (false: only scans with a position). Synthetic rows are left out.

    Raises:
        SourceError: the file is missing or unreadable, an option is unknown or out of range, a
            session is unknown, or there is nothing to replay. A survey is read while it plays; what
            is damaged behind its first scan is told by the iteration (``unreadable_survey``).
    """
    options = OptionReader(address)
    speed = options.number("speed", 1.0, above=0)
    max_gap_s = options.number("max_gap", DEFAULT_MAX_GAP_S, above=0)
    loop = options.truth("loop", False)
    replayed = _open_file(address, options, max_gap_s)
    return ReplaySource(address.text, replayed, clock or ScaledClock(0, speed), loop=loop)


def _open_file(address: SourceAddress, options: OptionReader, max_gap_s: float) -> Replayed:
    path = Path(address.target).expanduser()
    if not path.is_file():
        address.fail(f"a replay must name a file, but there is none at {path}", "file_not_found")
    if not _is_sqlite(path, address):
        options.refuse_others()
        recording = Recording(path, source=address.text)
        if not len(recording):
            address.fail(f"a recording must hold an advertisement, but {path} has none", _NOTHING)
        return ReplayedRecording(recording, max_gap_s)
    sessions = options.text("sessions") or "development"
    unlabelled = options.truth("unlabelled", False)
    options.refuse_others()
    scans = _open_survey(address, path, sessions, unlabelled=unlabelled)
    return ReplayedSurvey(address, scans, max_gap_s)


_NOTHING: Final = "nothing_to_replay"


def _is_sqlite(path: Path, address: SourceAddress) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE_START)) == _SQLITE_START
    except OSError as error:
        address.fail(f"{path} must be readable, but: {error.strerror}", "unreadable_file")


def _open_survey(
    address: SourceAddress, path: Path, chosen: str, *, unlabelled: bool
) -> SurveyScans:
    try:
        with Survey.open(path) as survey:
            ids = _session_ids(address, survey, chosen)
        scans = SurveyScans(path, ids, unlabelled=unlabelled)
        with closing(scans):
            if next(iter(scans), None) is not None:
                return scans
    except SurveyError as error:
        address.fail(str(error), "unreadable_survey")
    address.fail(
        f"a replay must have a genuine scan{'' if unlabelled else ' with a position'}, but "
        f"{path} has none in sessions {chosen!r}; choose others with sessions=all, or add "
        "unlabelled=true",
        _NOTHING,
    )


def _session_ids(address: SourceAddress, survey: Survey, chosen: str) -> list[str]:
    if chosen in ("development", "sealed", "all"):
        readable = survey.readable_sessions(roles=ROLES)
        return [one.id for one in readable if chosen in (one.role, "all")]
    ids, known = chosen.split(","), [session.id for session in survey.sessions]
    unknown = sorted(set(ids) - set(known))
    if unknown:
        address.fail(
            f"sessions must be development, sealed, all, or of {known}, but got {unknown}",
            "unknown_session",
        )
    return ids
