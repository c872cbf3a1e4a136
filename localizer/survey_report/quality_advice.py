"""What speaks against leaving the recordings at the points as they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from localizer.beacons import BeaconId
from localizer.survey_report.advice_words import Advice, count_words, name_of
from localizer.survey_report.gathered import Gathered
from localizer.surveying.enough import SCANS_PER_POINT, STAND_S
from localizer.surveying.findings import Finding
from localizer.surveying.quality import StandRecording, judge_counts, nearest_visits
from localizer.surveying.steadiness import MAX_SPREAD_DB, MIN_SPREAD_COUNT

MAX_JUDGED: Final = 1_000
"""Points that are compared with their neighbours: each looks at all others, and with more a report
takes longer than a surveyor waits."""


def advise_on_quality(gathered: Gathered, *, suspected: Collection[BeaconId]) -> Iterator[Advice]:
    """Yield what speaks against the last recording at each point that is done.

    Of what was imported nothing is said: an RSSI may there be the mean of a second.

    Args:
        gathered: the survey.
        suspected: beacons of which is said already that they changed; nobody waits for them.
    """
    points = gathered.recorded.points
    if len(points) > MAX_JUDGED:
        return
    done = {one.point.id for one in gathered.progress.points if one.done}
    by_reason: dict[str, list[tuple[str, Finding]]] = {}
    wide: list[tuple[float, str]] = []
    in_site = {beacon.id for beacon in gathered.site.beacons}
    heard = {beacon for _, visit in gathered.visits() for beacon in visit.heard}
    retired = {change.beacon for change in gathered.changes} | set(suspected) | (heard - in_site)
    for one in points:
        complete = [visit for visit in one.visits if visit.recording.status == "complete"]
        if one.point.id not in done or not complete:
            continue
        last = max(complete, key=lambda visit: visit.recording.started_utc)
        # The spread is judged below: of an RSSI, the file keeps sums alone.
        levels = {beacon: (stats.mean_dbm,) * stats.count for beacon, stats in last.heard.items()}
        stand = StandRecording(last.recording.duration_s or 0.0, levels, last.scans)
        near = nearest_visits(one.point.position, points, without=one.point.id)
        for finding in judge_counts(stand, near, retired=retired):
            by_reason.setdefault(finding.reason, []).append((name_of(one), finding))
        spreads = [s.sd_dbm for s in last.heard.values() if s.count >= MIN_SPREAD_COUNT]
        if spreads and max(spreads) > MAX_SPREAD_DB:
            wide.append((max(spreads), name_of(one)))
    yield from _quality(by_reason)
    if wide:
        yield Advice(
            "soon",
            f"Stand still at {count_words(len(wide), 'point')}",
            f"A beacon varies by more than {MAX_SPREAD_DB:g} dB there, up to {max(wide)[0]:.0f} "
            "dB: somebody walked on or turned around, or people were passing. Record again.",
            tuple(name for _, name in sorted(wide, reverse=True)),
        )


_QUALITY: Final = {
    "beacon_silent": (
        "Listen again at {points} where a beacon is not heard that its neighbours hear",
        "See whether the beacon works and whether the receiver was free, then record again.",
    ),
    "too_few_adverts": (
        "Record longer at {points} with few packets",
        "A mean over so few is off by some dB through fading alone.",
    ),
    "too_short": (
        "Record longer at {points} left too early",
        f"{SCANS_PER_POINT} scans are the least: {STAND_S:g} seconds.",
    ),
    "rate_dropped": (
        "Record {points} again, where packets came at a third of the usual rate or less",
        "Another program scanned, or the radio hung: `localizer doctor` says which.",
    ),
}


def _quality(by_reason: dict[str, list[tuple[str, Finding]]]) -> Iterator[Advice]:
    for reason, (title, text) in _QUALITY.items():
        found = by_reason.get(reason, [])
        if not found:
            continue
        names = tuple(dict.fromkeys(name for name, _ in found))
        beacons = sorted({str(beacon) for _, finding in found for beacon in finding.beacons})
        about = f" Beacons: {', '.join(beacons[:10])}." if beacons else ""
        points = count_words(len(names), "point")
        yield Advice("soon", title.format(points=points), text + about, names)
