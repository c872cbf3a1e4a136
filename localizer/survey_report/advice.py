"""What to survey again, and what else to do, in the order of need."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from localizer.beacons import BeaconId
from localizer.site import distance_m
from localizer.survey_report.advice_words import (
    Advice,
    Need,
    count_words,
    name_of,
    points_words,
    was_words,
)
from localizer.survey_report.beacon_lines import BeaconLine
from localizer.survey_report.gathered import Gathered
from localizer.survey_report.quality_advice import advise_on_quality
from localizer.surveying.cells import ENOUGH_BEACONS
from localizer.surveying.consistency import compare_visits
from localizer.surveying.enough import SCANS_PER_POINT
from localizer.surveying.quality import NEAR_M

MIN_CHANGED: Final = 2
"""Points at which a beacon must have changed between two visits to be suspected itself. At one
alone, something may have been put in between."""


_MOVED: Final = (
    "Look after beacon {beacon}",
    "At {n} points it is heard otherwise than on an earlier visit, while the others are as they "
    "were. If it was moved or replaced, say so in the survey app: its older readings then expire, "
    "or go to its successor. If it hangs where it did, see whether something new stands before "
    "it, then survey these points again.",
)
_FOREIGN: Final = (
    "Find out whose beacon {beacon} is",
    "It is not in the site, and at {n} points it is heard otherwise than on an earlier visit: "
    "somebody may carry it about. If it belongs here and was moved, add it to the site and say so; "
    "if it does not, have it taken away, then survey these points again.",
)


def advise(gathered: Gathered, beacons: Sequence[BeaconLine]) -> list[Advice]:
    """Return what to do, what misleads first."""
    order: dict[Need, int] = {"first": 0, "soon": 1, "later": 2}
    found = [
        *_no_points(gathered),
        *_changed_beacons(gathered),
        *_contradictions(gathered),
        *_moved(gathered),
        *_cut_off(gathered),
        *_lacking(gathered),
        *advise_on_quality(gathered, suspected=changed_at(gathered)),
        *_silent(beacons),
        *_unknown(beacons, changed_at(gathered)),
        *_thin(gathered),
        *_once(gathered),
    ]
    return sorted(found, key=lambda one: order[one.need])


def _no_points(gathered: Gathered) -> Iterator[Advice]:
    if not gathered.coverage.points:
        yield Advice(
            "soon",
            "Set reference points",
            "There are none yet, and no scans with a place: make a grid in the survey app, or "
            "import points from a CSV (localizer data import points.csv --into FILE).",
        )


def changed_at(gathered: Gathered) -> dict[BeaconId, list[str]]:
    """Return the points at which a beacon is heard otherwise than before, by beacon."""
    changed: dict[BeaconId, list[str]] = {}
    for one in gathered.progress.points:
        for beacon in one.consistency.changed:
            changed.setdefault(beacon, []).append(name_of(one))
    return {b: at for b, at in changed.items() if len(at) >= MIN_CHANGED}


def _changed_beacons(gathered: Gathered) -> Iterator[Advice]:
    changed = changed_at(gathered)
    in_site = {beacon.id for beacon in gathered.site.beacons}
    for beacon in sorted(changed, key=lambda b: (b not in in_site, -len(changed[b]), b)):
        title, text = _MOVED if beacon in in_site else _FOREIGN
        text = text.format(n=len(changed[beacon]))
        yield Advice("first", title.format(beacon=beacon), text, tuple(changed[beacon]))


def _contradictions(gathered: Gathered) -> Iterator[Advice]:
    suspected = set(changed_at(gathered))
    worst: list[tuple[float, str]] = []
    for one, covered in zip(gathered.progress.points, gathered.coverage.points, strict=True):
        if one.state != "contradict":
            continue
        # What the beacons above do not explain.
        levels = [
            {beacon: heard for beacon, heard in visit.heard.items() if beacon not in suspected}
            for visit in covered.visits
            if visit.recording.status == "complete"
        ]
        wrong = [pair for pair in compare_visits(levels).comparisons if not pair.agrees]
        if wrong:
            worst.append((max(pair.rms for pair in wrong), name_of(one)))
    if worst:
        yield Advice(
            "first",
            f"Survey {count_words(len(worst), 'point')} again, where visits contradict each other",
            "One of the visits was made at another place, or the room has changed. Stand exactly "
            "on the point, record again, and discard the visit that does not agree.",
            tuple(name for _, name in sorted(worst, key=lambda pair: -pair[0])),
        )


def _moved(gathered: Gathered) -> Iterator[Advice]:
    at = {beacon.id: beacon.position for beacon in gathered.site.beacons}
    for change in gathered.changes:
        place = at.get(change.beacon)
        if change.replacement is not None or place is None:
            continue
        old = [
            one
            for one in gathered.coverage.points
            if one.visits
            and one.point.position.floor == place.floor
            and distance_m(one.point.position, place) <= NEAR_M
            and all(visit.recording.started_utc < change.since_utc for visit in one.visits)
        ]
        if old:
            yield Advice(
                "soon",
                f"Survey {points_words(old)} again, near {change.beacon}",
                f"It was moved on {change.since_utc:%Y-%m-%d}. Its readings from before have "
                "expired, and nobody has been here since.",
                tuple(name_of(one) for one in old),
            )


def _cut_off(gathered: Gathered) -> Iterator[Advice]:
    points = [one for one in gathered.progress.points if one.state == "incomplete"]
    if points:
        yield Advice(
            "soon",
            f"Complete or discard what was cut off at {points_words(points)}",
            "What was heard until then is kept, but training leaves it out until somebody has "
            "decided. The survey app asks at its next start; or record these points again.",
            tuple(name_of(one) for one in points),
        )


def _lacking(gathered: Gathered) -> Iterator[Advice]:
    lacking = [one for one in gathered.progress.points if one.state == "lacking"]
    begun = [one for one in lacking if one.scans]
    empty = [one for one in lacking if not one.scans]
    if empty:
        yield Advice(
            "soon",
            f"Survey {points_words(empty)} without any data",
            "Nobody has recorded there, or all of it was discarded.",
            tuple(name_of(one) for one in empty),
        )
    if begun:
        begun.sort(key=lambda one: one.scans)
        yield Advice(
            "soon",
            f"Record longer at {points_words(begun)}",
            f"There are fewer than {SCANS_PER_POINT} scans each, those with the fewest first.",
            tuple(name_of(one) for one in begun),
        )


def _silent(beacons: Sequence[BeaconLine]) -> Iterator[Advice]:
    silent = [str(line.beacon) for line in beacons if line.state == "silent"]
    if silent and len(silent) < len(beacons):
        yield Advice(
            "soon",
            f"Find out why {count_words(len(silent), 'beacon')} of the site "
            f"{was_words(silent)} never heard",
            "Battery, another id than in the site, or too far from every point: "
            f"{', '.join(silent)}.",
        )


def _unknown(beacons: Sequence[BeaconLine], told: Collection[BeaconId]) -> Iterator[Advice]:
    unknown = [
        str(line.beacon) for line in beacons if line.state == "unknown" and line.beacon not in told
    ]
    if unknown:
        more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
        yield Advice(
            "later",
            f"{count_words(len(unknown), 'beacon')} heard, but not in the site",
            f"Add them to the site if they stay: {', '.join(unknown[:10])}{more}.",
        )


def _thin(gathered: Gathered) -> Iterator[Advice]:
    thin = []
    for one in gathered.coverage.points:
        heard = {beacon for visit in one.visits for beacon in visit.heard}
        if one.visits and len(heard) < ENOUGH_BEACONS:
            thin.append((len(heard), name_of(one)))
    if thin:
        yield Advice(
            "later",
            f"Few beacons are heard at {count_words(len(thin), 'point')}",
            f"With fewer than {ENOUGH_BEACONS}, several places sound alike. No new survey helps: "
            "hang another beacon near, then survey these points again.",
            tuple(name for _, name in sorted(thin)),
        )


def _once(gathered: Gathered) -> Iterator[Advice]:
    once = [one for one in gathered.progress.points if one.state == "one_visit"]
    if once:
        yield Advice(
            "later",
            f"{count_words(len(once), 'point')} visited once only",
            "A second visit on another day shows whether the first can be relied on; begin with "
            "some in every room.",
        )
