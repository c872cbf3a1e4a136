"""The time line of a replay: what was recorded, one piece after another, with silences cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from localizer.clock import s_to_ns
from localizer.scans import Advertisement, Fingerprint
from localizer.site import Position


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was heard at one place, on the time line of the source's clock."""

    start_ns: int
    end_ns: int
    """When the next one starts, or would; until then the receiver counts as at the place."""
    position: Position | None
    advertisements: tuple[Advertisement, ...]
    """In the order of time, from `start_ns` and before `end_ns`."""


def stretches_of_scans(
    fingerprints: Iterable[Fingerprint], *, start_ns: int, max_gap_s: float
) -> Iterator[Stretch]:
    """Lay scans on a time line, one after another, with silences cut to `max_gap_s`.

    The readings of a scan are spread evenly over its duration, the first at its start; beacons take
    turns. Scans that overlapped are played one after the other. Only the scan that follows is read
    ahead.

    Args:
        fingerprints: in the order of time, read lazily.
        start_ns: when the first starts, nanoseconds.
        max_gap_s: longest silence between two scans, and the one after the last, seconds; above 0.
    """
    rows = iter(fingerprints)
    one = next(rows, None)
    while one is not None:
        following = next(rows, None)
        end_ns = start_ns + _until_next_ns(one, following, s_to_ns(max_gap_s))
        yield Stretch(start_ns, end_ns, one.position, _spread(one, start_ns))
        one, start_ns = following, end_ns


def _until_next_ns(one: Fingerprint, following: Fingerprint | None, max_gap_ns: int) -> int:
    duration_ns = s_to_ns(one.scan.duration_s)
    if following is None:
        return duration_ns + max_gap_ns
    if one.session == following.session:
        # Within a session the monotonic clock is right even where somebody set the other one.
        recorded_ns = following.scan.start_ns - one.scan.start_ns
    else:
        recorded_ns = s_to_ns((following.time_utc - one.time_utc).total_seconds())
    return max(duration_ns, min(recorded_ns, duration_ns + max_gap_ns))


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


def stretches_of_recording(
    recorded: Iterable[Advertisement], *, start_ns: int, max_gap_s: float
) -> Iterator[Stretch]:
    """Lay raw advertisements on a time line, each a stretch, with silences cut to `max_gap_s`.

    Args:
        recorded: in the order of time, read lazily.
        start_ns: when the first is heard, nanoseconds.
        max_gap_s: longest silence between two packets, and the one after the last, seconds; above
            0.
    """
    max_gap_ns = s_to_ns(max_gap_s)
    rows = iter(recorded)
    one = next(rows, None)
    while one is not None:
        following = next(rows, None)
        gap_ns = max_gap_ns if following is None else following.time_ns - one.time_ns
        end_ns = start_ns + min(gap_ns, max_gap_ns)
        yield Stretch(start_ns, end_ns, None, (replace(one, time_ns=start_ns),))
        one, start_ns = following, end_ns
