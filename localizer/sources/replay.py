"""Replays what was recorded: the scans of a survey file, or a recording of raw advertisements."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, pairwise
from pathlib import Path
from typing import Final

from localizer.clock import Clock, ScaledClock, s_to_ns
from localizer.errors import SurveyError
from localizer.scans import Advertisement, Fingerprint, Role
from localizer.site import Position
from localizer.sources.address import OptionReader, SourceAddress
from localizer.sources.recording import read_recording
from localizer.sources.stream import TimedStream
from localizer.survey import ROLES, Survey

DEFAULT_MAX_GAP_S: Final = 3.0
"""Longest silence that is replayed, seconds. Surveyors pause for minutes and for nights; a viewer
takes a map that stands still for more than a few seconds for broken."""

_SQLITE_START: Final = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was heard at one place, on a time line that starts at 0."""

    start_ns: int
    truth_end_ns: int
    """Until when the receiver is known to have been at the place."""
    position: Position | None
    advertisements: tuple[Advertisement, ...]
    """With times on the same line, all at or after `start_ns`."""


@dataclass(frozen=True, slots=True)
class Script:
    """All that a replay plays."""

    stretches: tuple[Stretch, ...]
    """In the order of time, at least one."""
    length_ns: int
    """After how long a loop starts again; above 0."""

    def moments(self, origin_ns: int, *, loop: bool) -> Iterator[Advertisement | int]:
        """Yield the start of each stretch and its advertisements, the line at `origin_ns`."""
        for turn in count() if loop else range(1):
            shift_ns = origin_ns + turn * self.length_ns
            for stretch in self.stretches:
                yield stretch.start_ns + shift_ns
                for one in stretch.advertisements:
                    yield replace(one, time_ns=one.time_ns + shift_ns)

    def truth_at(self, since_start_ns: int, *, loop: bool) -> Position | None:
        """Return the position of the stretch in whose time a moment of the line falls."""
        if since_start_ns < 0:
            return None
        at_ns = since_start_ns % self.length_ns if loop else since_start_ns
        index = bisect_right(self.stretches, at_ns, key=lambda one: one.start_ns) - 1
        if index < 0 or at_ns >= self.stretches[index].truth_end_ns:
            return None
        return self.stretches[index].position


def script_of_scans(fingerprints: Iterable[Fingerprint], *, max_gap_s: float) -> Script:
    """Lay scans on a time line, one after another, with silences cut to `max_gap_s`.

    The readings of a scan are spread evenly over its duration, the first at its start; beacons take
    turns. Scans that overlapped are played one after the other.

    Args:
        fingerprints: at least one, in the order of time.
        max_gap_s: longest silence between two scans, seconds; above 0.
    """
    rows = list(fingerprints)
    starts_ns = [0]
    for one, following in pairwise(rows):
        starts_ns.append(starts_ns[-1] + _until_next_ns(one, following, max_gap_s))
    ends_ns = [
        start + s_to_ns(row.scan.duration_s) for start, row in zip(starts_ns, rows, strict=True)
    ]
    length_ns = ends_ns[-1] + s_to_ns(max_gap_s)
    stretches = [
        Stretch(start, min(end + s_to_ns(max_gap_s), following), row.position, _spread(row, start))
        for start, end, following, row in zip(
            starts_ns, ends_ns, [*starts_ns[1:], length_ns], rows, strict=True
        )
    ]
    return Script(tuple(stretches), length_ns)


def _until_next_ns(one: Fingerprint, following: Fingerprint, max_gap_s: float) -> int:
    duration_ns = s_to_ns(one.scan.duration_s)
    if one.session == following.session:
        # Within a session the monotonic clock is right even where somebody set the other one.
        recorded_ns = following.scan.start_ns - one.scan.start_ns
    else:
        recorded_ns = s_to_ns((following.time_utc - one.time_utc).total_seconds())
    return max(duration_ns, min(recorded_ns, duration_ns + s_to_ns(max_gap_s)))


def _spread(fingerprint: Fingerprint, start_ns: int) -> tuple[Advertisement, ...]:
    scan = fingerprint.scan
    turns = sorted(
        (turn, beacon, rssi)
        for beacon, rssis in scan.readings.items()
        for turn, rssi in enumerate(rssis)
    )
    step_ns = s_to_ns(scan.duration_s) / max(1, len(turns))
    return tuple(
        Advertisement(beacon, rssi, start_ns + int(number * step_ns))
        for number, (_, beacon, rssi) in enumerate(turns)
    )


def script_of_recording(recorded: Sequence[Advertisement], *, max_gap_s: float) -> Script:
    """Lay raw advertisements on a time line from 0, with silences cut to `max_gap_s`.

    Args:
        recorded: at least one, in the order of time.
        max_gap_s: longest silence between two packets, seconds; above 0.
    """
    at_ns, moved = 0, [replace(recorded[0], time_ns=0)]
    for one, following in pairwise(recorded):
        at_ns += min(following.time_ns - one.time_ns, s_to_ns(max_gap_s))
        moved.append(replace(following, time_ns=at_ns))
    return Script((Stretch(0, 0, None, tuple(moved)),), at_ns + s_to_ns(max_gap_s))


class ReplaySource:
    """Plays a script; a `localizer.sources.Source`.

    Args:
        name: the string that it was opened with.
        script: what to play.
        clock: what paces it; the script starts at what this shows when the iteration begins.
        loop: start again at the end, with time going on.
    """

    def __init__(self, name: str, script: Script, clock: Clock, *, loop: bool = False) -> None:
        self.name = name
        self.clock = clock
        self._script = script
        self._loop = loop
        self._stream = TimedStream(name, clock)
        self._origin_ns: int | None = None

    def __aiter__(self) -> AsyncIterator[Advertisement]:
        """Start playing."""
        return self._stream.play(self._moments())

    def _moments(self) -> Iterator[Advertisement | int]:
        self._origin_ns = self.clock.now_ns()
        yield from self._script.moments(self._origin_ns, loop=self._loop)

    def truth_at(self, time_ns: int) -> Position | None:
        """Return where the scan that was playing at `time_ns` was taken.

        That is from its start until the next one starts, or until the longest gap after its end.
        """
        if self._origin_ns is None:
            return None
        return self._script.truth_at(time_ns - self._origin_ns, loop=self._loop)

    async def aclose(self) -> None:
        """End the iteration."""
        await self._stream.aclose()


def open_replay(address: SourceAddress, clock: Clock | None = None) -> ReplaySource:
    """Open ``replay:FILE``: a survey file, or a recording of raw advertisements.

    Options: ``speed`` (1), ``max_gap`` in seconds (3), ``loop`` (false); for a survey also
    ``sessions`` (``development``, ``sealed``, ``all`` or ids with commas; development) and
    ``unlabelled`` (false: only scans with a position). Synthetic rows are left out.

    Raises:
        SourceError: the file is missing or unreadable, an option is unknown or out of range, a
            session is unknown, or there is nothing to replay.
    """
    options = OptionReader(address)
    speed = options.number("speed", 1.0, above=0)
    max_gap_s = options.number("max_gap", DEFAULT_MAX_GAP_S, above=0)
    loop = options.truth("loop", False)
    script = _load_script(address, options, max_gap_s)
    return ReplaySource(address.text, script, clock or ScaledClock(0, speed), loop=loop)


def _load_script(address: SourceAddress, options: OptionReader, max_gap_s: float) -> Script:
    path = Path(address.target).expanduser()
    if not path.is_file():
        address.fail(f"a replay must name a file, but there is none at {path}", "file_not_found")
    if not _is_sqlite(path, address):
        options.refuse_others()
        recorded = read_recording(path, source=address.text)
        if not recorded:
            address.fail(f"a recording must hold an advertisement, but {path} has none", _NOTHING)
        return script_of_recording(recorded, max_gap_s=max_gap_s)
    sessions, unlabelled = options.text("sessions"), options.truth("unlabelled", False)
    options.refuse_others()
    rows = _read_survey(address, path, sessions or "development", unlabelled=unlabelled)
    if not rows:
        address.fail(
            f"a replay must have a genuine scan{'' if unlabelled else ' with a position'}, but "
            f"{path} has none in sessions {sessions or 'development'!r}; choose others with "
            "sessions=all, or add unlabelled=true",
            _NOTHING,
        )
    return script_of_scans(rows, max_gap_s=max_gap_s)


_NOTHING: Final = "nothing_to_replay"


def _is_sqlite(path: Path, address: SourceAddress) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE_START)) == _SQLITE_START
    except OSError as error:
        address.fail(f"{path} must be readable, but: {error.strerror}", "unreadable_file")


def _read_survey(
    address: SourceAddress, path: Path, chosen: str, *, unlabelled: bool
) -> list[Fingerprint]:
    try:
        with Survey.open(path) as survey:
            roles, ids = _roles_and_ids(address, survey, chosen)
            labelled = None if unlabelled else True
            rows = survey.fingerprints(roles=roles, labelled=labelled, sessions=ids)
            return [row for row in rows if row.synthetic is None]
    except SurveyError as error:
        address.fail(str(error), "unreadable_survey")


def _roles_and_ids(
    address: SourceAddress, survey: Survey, chosen: str
) -> tuple[Sequence[Role], list[str] | None]:
    if chosen in ("development", "sealed", "all"):
        return [role for role in ROLES if chosen in (role, "all")], None
    ids, known = chosen.split(","), [session.id for session in survey.sessions]
    unknown = sorted(set(ids) - set(known))
    if unknown:
        address.fail(
            f"sessions must be development, sealed, all, or of {known}, but got {unknown}",
            "unknown_session",
        )
    return ROLES, ids
