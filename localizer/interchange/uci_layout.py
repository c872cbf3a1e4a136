"""The layout of the UCI BLE RSSI survey: a place, a time and one column a beacon.

Two CSV files in a folder, labelled and unlabelled, newest first: ``location,date,b3001,…``. A place
is a cell of the site's grid (``K04``), a time is local, in whole seconds; an RSSI is a whole number
of dBm, and -200 is "not heard". What the files do not say is in `UciRules`: for the site of that
survey as `localizer.importers.uci` has it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from statistics import fmean
from typing import Final

from localizer.beacons import BeaconId, parse_beacon_id
from localizer.errors import SiteError, SurveyError
from localizer.importers.uci import (
    DURATION_S,
    LABELLED_NAME,
    NOT_HEARD_DBM,
    UNLABELLED_NAME,
    UciRow,
    cut_visits,
)
from localizer.interchange.scanned import Reading, Scanned
from localizer.interchange.text_tables import TableRow, table_rows, write_table
from localizer.interchange.uci_rules import UciRules
from localizer.scans import WEAKEST_DBM, Fingerprint, Scan
from localizer.site import Site

PLACE: Final = "location"
TIME: Final = "date"

PUBLISHED_HEADER: Final = (PLACE, TIME, *(f"b{number}" for number in range(3001, 3014)))
"""First line of the published survey's files."""

UNKNOWN: Final = "?"
"""Stands for the place of an unlabelled scan."""

NOT_HEARD: Final = "-200"

_TIME_FORMAT: Final = "%m-%d-%Y %H:%M:%S"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NS_PER_US: Final = 1_000


class UciLayout:
    """A folder with the two files; either of them alone can be read, too."""

    name = "uci"
    suffix = ""

    def write(self, scanned: Scanned, path: Path) -> tuple[Reading, Sequence[Fingerprint]]:
        """Write both files; a place becomes the cell that it lies in."""
        reading = _reading_of(scanned)
        rules = UciRules.of(scanned.site, reading)
        known = {beacon.id for beacon in scanned.site.beacons}
        heard = {beacon for one in scanned.fingerprints for beacon in one.scan.readings}
        beacons = sorted(known | heard)
        header = [PLACE, TIME, *(_column_of(beacon, scanned.site) for beacon in beacons)]
        labels = [_label(one, rules) for one in scanned.fingerprints]
        pairs = list(zip(scanned.fingerprints, labels, strict=True))
        held: list[Fingerprint] = []
        for name, is_labelled in ((LABELLED_NAME, True), (UNLABELLED_NAME, False)):
            chosen = [pair for pair in pairs if bool(pair[1]) is is_labelled]
            rows = (_row(one, label, beacons, rules) for one, label in reversed(chosen))
            write_table(path / name, header, rows)
            held += [one for one, _ in chosen]
        return reading, held

    def read(self, path: Path, reading: Reading) -> Scanned:
        """Read one file, or those of a folder."""
        if reading.site is None:
            raise SurveyError(
                "the UCI layout names places by cells, so its site must be known; give its file "
                "(--site), which says how large a cell is",
                path=path,
            )
        rules = UciRules.of(reading.site, reading)
        fingerprints = [
            fingerprint for file in _files(path) for fingerprint in _read_file(file, rules)
        ]
        days = sorted({one.local_date for one in fingerprints})
        sessions = tuple(rules.session(day) for day in days)
        return Scanned(reading.site, sessions, tuple(fingerprints))


def header_of(path: Path) -> tuple[str, ...]:
    """Return the columns of a file, or of the first one of a folder.

    Raises:
        SurveyError: there is no such file, or it is no table.
    """
    with table_rows(_files(path)[0], (PLACE, TIME)) as (header, _):
        return header


def _reading_of(scanned: Scanned) -> Reading:
    """Return the device and the zone that are right for the most scans."""
    devices = Counter(one.device for one in scanned.fingerprints)
    offsets = Counter(one.utc_offset_s or 0 for one in scanned.sessions)
    device = devices.most_common(1)[0][0] if devices else ""
    return Reading(scanned.site, device, offsets.most_common(1)[0][0] if offsets else 0)


def _label(one: Fingerprint, rules: UciRules) -> str | None:
    return None if one.position is None else rules.label_of(one.position)


def _prefix(site: Site) -> str:
    return f"name:{site.id}:"


def _column_of(beacon: BeaconId, site: Site) -> str:
    return beacon.removeprefix(_prefix(site))


def _row(
    one: Fingerprint, label: str | None, beacons: Sequence[BeaconId], rules: UciRules
) -> list[str]:
    local = rules.to_local(one.time_utc)
    day = f"{local.month}-{local.day}-{local.year:04d}"
    levels = (one.scan.readings.get(beacon) for beacon in beacons)
    return [
        label or UNKNOWN,
        f"{day} {local:%H:%M:%S}",
        *(NOT_HEARD if heard is None else str(_whole_dbm(heard)) for heard in levels),
    ]


def _whole_dbm(rssi_dbm: tuple[float, ...]) -> int:
    """Return the mean in whole dBm; never 0, which would be no reading."""
    return min(-1, round(fmean(rssi_dbm)))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = [path / name for name in (LABELLED_NAME, UNLABELLED_NAME)]
    there = [file for file in files if file.is_file()]
    if not there:
        raise SurveyError(
            f"a folder in the UCI layout must have {LABELLED_NAME} or {UNLABELLED_NAME}, but "
            f"{path} has neither; give the file itself",
            path=path,
        )
    return there


def _read_file(path: Path, rules: UciRules) -> Iterator[Fingerprint]:
    """Yield the scans of a file, oldest first, visits numbered by session."""
    with table_rows(path, (PLACE, TIME)) as (header, lines):
        columns = _beacon_columns(path, header, rules.site)
        rows = [_parsed(line, columns, rules) for line in lines]
    rows.reverse()
    _refuse_disorder(path, rows)
    for day, of_day in groupby(rows, key=lambda row: row.local.date()):
        for number, visit in enumerate(cut_visits(list(of_day)), start=1):
            kind = "run" if visit[0].label is None else "place"
            for row in visit:
                yield _fingerprint(row, f"{day.isoformat()}/{kind}-{number:03d}", rules)


def _refuse_disorder(path: Path, rows: Sequence[UciRow]) -> None:
    for number, (before, after) in enumerate(pairwise(rows)):
        if after.local < before.local:
            line = len(rows) - number
            raise SurveyError(
                f"{path}, about line {line}: rows must stand newest first, but "
                f"{before.local:{_TIME_FORMAT}} stands below {after.local:{_TIME_FORMAT}}; sort "
                "them by time",
                path=path,
                line=line,
            )


def _beacon_columns(path: Path, header: Sequence[str], site: Site) -> dict[str, BeaconId]:
    columns: dict[str, BeaconId] = {}
    for name in header:
        if name in (PLACE, TIME):
            continue
        try:
            beacon = parse_beacon_id(name if ":" in name else f"{_prefix(site)}{name}")
        except SiteError as error:
            TableRow(path, 1, {}).refuse(str(error))
        if beacon in columns.values():
            TableRow(path, 1, {}).refuse(f"each beacon must have one column, but {beacon} has two")
        columns[name] = beacon
    return columns


def _parsed(row: TableRow, columns: dict[str, BeaconId], rules: UciRules) -> UciRow:
    label = row.values[PLACE].strip()
    try:
        if label != UNKNOWN:
            rules.position_of(label)
        local = datetime.strptime(row.values[TIME].strip(), _TIME_FORMAT)
    except ValueError as error:
        row.refuse(str(error))
    heard = {}
    for name, beacon in columns.items():
        rssi_dbm = row.whole(name)
        if rssi_dbm > NOT_HEARD_DBM:
            if not WEAKEST_DBM <= rssi_dbm < 0:
                row.refuse(
                    f"{name} must be {WEAKEST_DBM:g} or more and below 0 dBm, or {NOT_HEARD_DBM} "
                    f"or less where not heard, but got {rssi_dbm}"
                )
            heard[beacon] = (float(rssi_dbm),)
    return UciRow(None if label == UNKNOWN else label, local, heard)


def _fingerprint(row: UciRow, visit: str, rules: UciRules) -> Fingerprint:
    day, time_utc = row.local.date(), rules.to_utc(row.local)
    start_ns = (time_utc - _EPOCH) // timedelta(microseconds=1) * _NS_PER_US
    labelled = row.label is not None
    return Fingerprint(
        scan=Scan(start_ns, DURATION_S, row.heard),
        session=day.isoformat(),
        visit=visit,
        device=rules.device,
        time_utc=time_utc,
        local_date=day,
        position=None if row.label is None else rules.position_of(row.label),
        position_sd_m=rules.position_sd_m if labelled else None,
        synthetic=rules.synthetic(day, labelled=labelled),
    )
