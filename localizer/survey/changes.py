"""Beacons that were replaced or moved, and what that does to readings from before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from localizer.beacons import BeaconId
from localizer.errors import SurveyError
from localizer.site import Beacon, Position
from localizer.survey.checks import check_aware, check_beacon, check_text
from localizer.survey.file import SurveyFile
from localizer.survey.records import BeaconChange
from localizer.survey.rows import utc_from_us, utc_to_us
from localizer.survey.site_journal import SiteJournal

Readings = Mapping[BeaconId, tuple[float, ...]]


class BeaconChanges:
    """What was replaced and moved, in the order of time."""

    def __init__(self, file: SurveyFile, journal: SiteJournal) -> None:
        self._file = file
        self._journal = journal

    def all(self) -> list[BeaconChange]:
        """Return all changes, oldest first."""
        return read_changes(self._file)

    def replace(
        self, old: BeaconId, new: BeaconId, *, since_utc: datetime, note: str = ""
    ) -> BeaconChange:
        """Note that `new` hangs where `old` hung: readings of `old` from before become its own.

        The site's beacon gets the new id; `Survey.undo_site` takes back both.

        Raises:
            SurveyError: `old` is not in the site, `new` is there already, an id is not canonical,
                the time has no zone, or the file cannot be written.
        """
        at = self._beacon(old)
        if any(beacon.id == new for beacon in self._journal.site.beacons):
            raise SurveyError(
                f"a new beacon must not be in the site yet, but {new} is; move it instead",
                path=self._file.path,
            )
        change = BeaconChange(old, since_utc, new, note)
        self._save(change, at, Beacon(new, at.position), what=f"{old} replaced by {new}")
        return change

    def move(
        self, beacon: BeaconId, to: Position | None, *, since_utc: datetime, note: str = ""
    ) -> BeaconChange:
        """Note that a beacon hangs elsewhere: its readings from before are left out.

        Args:
            beacon: one of the site's.
            to: where it hangs now; None if nobody measured it.
            since_utc: from when on; aware.
            note: for people.

        Raises:
            SurveyError: the beacon is not in the site, the time has no zone, or the file cannot be
                written.
            SiteError: the site has no such floor.
        """
        at = self._beacon(beacon)
        change = BeaconChange(beacon, since_utc, None, note)
        self._save(change, at, replace(at, position=to), what=f"{beacon} moved")
        return change

    def mapping(self) -> dict[BeaconId, BeaconId]:
        """Return what hangs at the place of every replaced beacon now, by the old one's id.

        Without those whose successor hangs elsewhere by now.
        """
        mapping: dict[BeaconId, BeaconId] = {}
        for change in self.all():
            hung_elsewhere = change.replacement or change.beacon
            mapping = {old: now for old, now in mapping.items() if now != hung_elsewhere}
            if change.replacement is not None:
                replaced = [old for old, now in mapping.items() if now == change.beacon]
                mapping |= dict.fromkeys((*replaced, change.beacon), change.replacement)
        return {old: new for old, new in mapping.items() if old != new}

    def _beacon(self, beacon_id: BeaconId) -> Beacon:
        for beacon in self._journal.site.beacons:
            if beacon.id == beacon_id:
                return beacon
        raise SurveyError(
            f"a beacon must be in the site to be replaced or moved, but {beacon_id} is not; "
            "add it first",
            path=self._file.path,
        )

    def _save(self, change: BeaconChange, old: Beacon, new: Beacon, *, what: str) -> None:
        site = self._journal.site
        beacons = tuple(new if one is old else one for one in site.beacons)
        try:
            with self._file.transaction():
                number = insert_change(self._file, change)
                self._journal.save(replace(site, beacons=beacons), what=what, beacon_change=number)
        except BaseException:
            self._journal.reload()
            raise


def read_changes(file: SurveyFile) -> list[BeaconChange]:
    """Return the changes of a survey file, oldest first."""
    rows = file.rows(
        "SELECT beacon, since_utc_us, replacement, note FROM beacon_changes "
        "ORDER BY since_utc_us, number"
    )
    return [
        BeaconChange(BeaconId(beacon), utc_from_us(since_us), new and BeaconId(new), note)
        for beacon, since_us, new, note in rows
    ]


def check_change(change: BeaconChange) -> None:
    """Refuse a change of what is no beacon, or at no time.

    Raises:
        SurveyError: naming the field, the value and what must hold.
    """
    check_beacon(change.beacon)
    if change.replacement is not None:
        check_beacon(change.replacement)
    if change.replacement == change.beacon:
        raise SurveyError(f"a beacon must be replaced by another, but got {change.beacon} twice")
    check_aware("since_utc", change.since_utc)
    check_text("a change's note", change.note, empty=True)


def insert_change(file: SurveyFile, change: BeaconChange) -> int:
    """Add a change without touching the site, and return its row.

    Raises:
        SurveyError: an id is not canonical, the time has no zone, or the file cannot be written.
    """
    check_change(change)
    row = (change.beacon, change.replacement, utc_to_us(change.since_utc), change.note)
    with file.transaction() as connection:
        cursor = connection.execute(
            "INSERT INTO beacon_changes (beacon, replacement, since_utc_us, note) "
            "VALUES (?, ?, ?, ?)",
            row,
        )
    return int(cursor.lastrowid or 0)


def present_beacon(
    beacon: BeaconId, time_utc: datetime, changes: Iterable[BeaconChange]
) -> BeaconId | None:
    """Return whose reading of today it would be; None if nobody's.

    A reading of a replaced beacon from before is its successor's, because the place is the same.
    One of a beacon from before it was moved, or from before it came to replace another, tells
    nothing of its place. So no two beacons of one moment become one.

    Args:
        beacon: who was heard.
        time_utc: when.
        changes: oldest first.
    """
    for change in changes:
        if time_utc >= change.since_utc:
            continue
        if beacon == change.beacon:
            if change.replacement is None:
                return None
            beacon = change.replacement
        elif beacon == change.replacement:
            return None
    return beacon


def present_readings(
    readings: Readings, time_utc: datetime, changes: Sequence[BeaconChange]
) -> Readings:
    """Return what a scan would be called today; the scan's own readings if nothing changed."""
    if not changes or time_utc >= max(change.since_utc for change in changes):
        return readings
    today = {present_beacon(beacon, time_utc, changes): rssis for beacon, rssis in readings.items()}
    return {beacon: rssis for beacon, rssis in today.items() if beacon is not None}
