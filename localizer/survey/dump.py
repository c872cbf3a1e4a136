"""All that a survey file holds, one record after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from localizer.scans import Advertisement, Fingerprint, Session
from localizer.survey.file import SurveyFile
from localizer.survey.fingerprints import read_fingerprints
from localizer.survey.plans import Plans
from localizer.survey.points import Points
from localizer.survey.recording_rows import read_adverts, read_recordings, read_waypoints
from localizer.survey.records import BeaconChange, FloorPlan, Point, Recording, Waypoint
from localizer.survey.rows import utc_from_us
from localizer.survey.sessions import Sessions
from localizer.survey.site_journal import SiteJournal

ADVERTS_TOGETHER: Final = 500
"""Advertisements of one record at most: 20 kB of text, and not more is lost with a damaged line."""


@dataclass(frozen=True, slots=True)
class NumberedChange:
    """A beacon change, with the number by which a site edit names it."""

    number: int
    change: BeaconChange


@dataclass(frozen=True, slots=True)
class StoredEdit:
    """An edit of the site, with the site before it."""

    time_utc: datetime
    what: str
    site_before: str
    """TOML."""
    beacon_change: int | None = None
    """The number of the change that is undone with it."""


@dataclass(frozen=True, slots=True)
class RecordedWaypoint:
    """A waypoint of a recording."""

    recording: str
    waypoint: Waypoint


@dataclass(frozen=True, slots=True)
class RecordedAdverts:
    """Some advertisements of a recording, in the order in which they came."""

    recording: str
    adverts: tuple[Advertisement, ...]


@dataclass(frozen=True, slots=True)
class CutFingerprint:
    """A fingerprint that was cut from a recording."""

    fingerprint: Fingerprint
    recording: str


Record = (
    Session
    | Point
    | FloorPlan
    | NumberedChange
    | StoredEdit
    | Recording
    | RecordedWaypoint
    | RecordedAdverts
    | Fingerprint
    | CutFingerprint
)


def dump(file: SurveyFile, journal: SiteJournal) -> Iterator[Record]:
    """Yield all that a file holds, but for the site, in an order in which it can be restored.

    What a recorder adds meanwhile may be missing.

    Raises:
        SurveyError: the file is damaged.
    """
    sessions = Sessions(file).all()
    yield from sessions
    yield from Points(file, journal).all()
    plans = Plans(file, journal)
    for floor in plans.floors():
        plan = plans.get(floor)
        if plan is not None:
            yield plan
    yield from _history(file)
    recordings = read_recordings(file)
    for number, recording in recordings:
        yield recording
        yield from _heard_in(file, number, recording.id)
    ids = {number: recording.id for number, recording in recordings}
    for fingerprint, cut_from in read_fingerprints(file, [one.id for one in sessions]):
        if cut_from is None:
            yield fingerprint
        elif cut_from in ids:
            yield CutFingerprint(fingerprint, ids[cut_from])


def _history(file: SurveyFile) -> Iterator[Record]:
    rows = file.rows(
        "SELECT number, beacon, since_utc_us, replacement, note FROM beacon_changes ORDER BY number"
    )
    for number, beacon, since_us, replacement, note in rows:
        change = BeaconChange(beacon, utc_from_us(since_us), replacement, note)
        yield NumberedChange(number, change)
    rows = file.rows(
        "SELECT time_utc_us, what, toml_before, beacon_change FROM site_edits ORDER BY number"
    )
    for time_us, *rest in rows:
        yield StoredEdit(utc_from_us(time_us), *rest)


def _heard_in(file: SurveyFile, number: int, recording: str) -> Iterator[Record]:
    for waypoint in read_waypoints(file, number):
        yield RecordedWaypoint(recording, waypoint)
    adverts = read_adverts(file, number)
    while some := tuple(islice(adverts, ADVERTS_TOGETHER)):
        yield RecordedAdverts(recording, some)
