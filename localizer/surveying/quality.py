"""Is a recording at a point good enough to leave? Judged by its neighbours, with what to do.

How often a beacon is heard depends on the radio, its driver and the other programs on it: rates of
10 a second and of one in several seconds were seen for the same beacon. So nothing here expects a
rate; what is usual is taken from the recordings at the points around.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from localizer.beacons import BeaconId
from localizer.site import Position, distance_m
from localizer.sources.status import SourceStatus
from localizer.survey.coverage import PointCoverage, Visit
from localizer.survey.derivation import WINDOW_S
from localizer.surveying.enough import SCANS_PER_POINT, STAND_S
from localizer.surveying.findings import Finding
from localizer.surveying.steadiness import judge_steadiness

MIN_ADVERTS: Final = 20
"""Packets in all. With fewer, a mean over three beacons rests on 7 packets each, whose fading alone
(5 dB each) is then 2 dB: the difference of places some metres apart."""

NEIGHBOURS: Final = 4
"""Recordings at the nearest points that are asked, one a point."""

NEAR_M: Final = 10.0
"""Points farther away, metres, hear other beacons by right."""

AUDIBLE_DBM: Final = -85.0
"""Mean RSSI from which a beacon is surely heard a few metres on, dBm: 10 dB above what radios still
decode (-93 to -97), and bodies and shelves take up to 10."""

MIN_WITNESSES: Final = 2
"""Neighbours that must hear a beacon before its silence is a finding: one alone may stand under
it."""

RATE_DROP: Final = 1 / 3
"""Of the packets a second that the neighbours had in the median: below, another program scans or
the radio hangs. Among points of one floor the rate changes by less, for most beacons are heard."""


@dataclass(frozen=True, slots=True)
class StandRecording:
    """What was heard while somebody stood at a point."""

    duration_s: float
    readings: Mapping[BeaconId, Sequence[float]]
    """RSSIs in the order heard, dBm, by beacon."""
    scans: int
    """Whole scans in which something was heard."""

    @property
    def adverts(self) -> int:
        """Packets heard."""
        return sum(map(len, self.readings.values()))


def judge_recording(
    recording: StandRecording,
    neighbours: Sequence[Visit],
    *,
    retired: Collection[BeaconId] = (),
    status: SourceStatus | None = None,
) -> tuple[Finding, ...]:
    """Return what speaks against leaving the point; nothing is good.

    Args:
        recording: what was heard here.
        neighbours: recordings at points around, from `nearest_visits`.
        retired: beacons that were replaced or moved: nobody waits for them.
        status: how the source is; None if nobody knows.
    """
    return (
        *_source(status),
        *judge_counts(recording, neighbours, retired=retired),
        *judge_steadiness(recording.readings),
    )


def judge_counts(
    recording: StandRecording,
    neighbours: Sequence[Visit],
    *,
    retired: Collection[BeaconId] = (),
) -> tuple[Finding, ...]:
    """Return what the numbers of packets alone speak against, whatever their RSSIs.

    For recordings of which sums are left: of the readings, their number is looked at.

    Args:
        recording: what was heard here.
        neighbours: recordings at points around, from `nearest_visits`.
        retired: beacons that were replaced or moved: nobody waits for them.
    """
    return (
        *_amount(recording),
        *_silent(recording, neighbours, frozenset(retired)),
        *_rate(recording, neighbours),
    )


def nearest_visits(
    here: Position, points: Iterable[PointCoverage], *, without: str | None = None
) -> tuple[Visit, ...]:
    """Return the last visit of each of the `NEIGHBOURS` nearest points within `NEAR_M`.

    Args:
        here: where the recording was made.
        points: all points of the survey.
        without: id of the point to leave out, the one that is judged.
    """
    near = _by_distance(here, points, without)
    return tuple(visit for away_m, visit in near[:NEIGHBOURS] if away_m <= NEAR_M)


def _by_distance(
    here: Position, points: Iterable[PointCoverage], without: str | None
) -> list[tuple[float, Visit]]:
    found = []
    for one in points:
        ended = [visit for visit in one.visits if visit.recording.duration_s]
        if ended and one.point.id != without and one.point.position.floor == here.floor:
            last = max(ended, key=lambda visit: visit.recording.started_utc)
            found.append((distance_m(one.point.position, here), last))
    return sorted(found, key=lambda pair: pair[0])


def _source(status: SourceStatus | None) -> list[Finding]:
    if status is None or status.state == "running":
        return []
    return [
        Finding(
            "source_not_running",
            f"the radio is {status.state}"
            + (f" ({status.detail or status.reason})" if status.reason else ""),
            "wait until it is running, then record this point again",
        )
    ]


def _amount(recording: StandRecording) -> list[Finding]:
    findings = []
    if recording.scans < SCANS_PER_POINT:
        findings.append(_too_short(recording))
    if recording.adverts < MIN_ADVERTS:
        findings.append(
            Finding(
                "too_few_adverts",
                f"{recording.adverts} packets heard; {MIN_ADVERTS} are the least",
                "stay longer; if hardly more come, no beacon is near, or the radio hangs "
                "(localizer doctor)",
            )
        )
    return findings


def _too_short(recording: StandRecording) -> Finding:
    whole = int(recording.duration_s / WINDOW_S)
    if whole < SCANS_PER_POINT:
        text = f"{int(recording.duration_s)} s recorded; {STAND_S:g} s are the least"
        return Finding("too_short", text, "stay and go on recording")
    return Finding(
        "too_short",
        f"something was heard in {recording.scans} of {whole} scans; {SCANS_PER_POINT} are the "
        "least",
        "stay longer; if hardly more come, no beacon is near, or the radio hangs "
        "(localizer doctor)",
    )


def _silent(
    recording: StandRecording, neighbours: Sequence[Visit], retired: frozenset[BeaconId]
) -> list[Finding]:
    witnesses: dict[BeaconId, list[float]] = {}
    for visit in neighbours:
        for beacon, heard in visit.heard.items():
            if heard.mean_dbm > AUDIBLE_DBM:
                witnesses.setdefault(beacon, []).append(heard.mean_dbm)
    silent = {
        beacon: levels
        for beacon, levels in witnesses.items()
        if len(levels) >= MIN_WITNESSES
        and beacon not in retired
        and not recording.readings.get(beacon)
    }
    return [
        Finding(
            "beacon_silent",
            f"{beacon} is not heard here, but {len(levels)} points around hear it at "
            f"{np.mean(levels):.0f} dBm",
            "look whether it hangs and works (battery); hold the receiver free and record again; "
            "if it was taken down, retire it",
            (beacon,),
        )
        for beacon, levels in sorted(silent.items())
    ]


def _rate(recording: StandRecording, neighbours: Sequence[Visit]) -> list[Finding]:
    """Compare packets a second, over the beacons that are heard both here and there."""
    shares = []
    for visit in neighbours:
        shared = [beacon for beacon in visit.heard if recording.readings.get(beacon)]
        duration_s = visit.recording.duration_s
        if not shared or not duration_s or recording.duration_s <= 0:
            continue
        here = sum(len(recording.readings[beacon]) for beacon in shared) / recording.duration_s
        there = sum(visit.heard[beacon].count for beacon in shared) / duration_s
        shares.append(here / there)
    if len(shares) < MIN_WITNESSES or np.median(shares) >= RATE_DROP:
        return []
    return [
        Finding(
            "rate_dropped",
            f"packets come at {np.median(shares):.0%} of the rate at the points around",
            "another program may be scanning, or the radio hangs: see localizer doctor, then "
            "record again",
        )
    ]
