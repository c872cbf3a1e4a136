"""The UCI BLE RSSI survey: two CSV files of a campus library become one survey file.

Mohammadi, Al-Fuqaha, Guizani, Oh, "Semisupervised Deep Reinforcement Learning in Support of IoT
and Smart City Services", IEEE Internet of Things Journal 5(2), 2018; doi:10.24432/C54G80; licence
CC BY 4.0.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import groupby, pairwise
from pathlib import Path
from typing import Final, NamedTuple

from localizer.beacons import BeaconId
from localizer.errors import SurveyError
from localizer.importers import ImportReport, ProblemLog
from localizer.importers.source_files import read_source
from localizer.scans import WEAKEST_DBM, Fingerprint, Scan, Session
from localizer.site import Position
from localizer.sites import built_in_site
from localizer.survey import build_survey

LABELLED_NAME: Final = "iBeacon_RSSI_Labeled.csv"
UNLABELLED_NAME: Final = "iBeacon_RSSI_Unlabeled.csv"

SHA256: Final = {
    LABELLED_NAME: "2be36c37b2dd34e1eb59420d358a7cc4078718f6b5d49cbf4598753a2b4fecc9",
    UNLABELLED_NAME: "265439b23f3118c8b68dcf7068404c59e025ee43bb10bd0c7f4248c07f5f1c7c",
}
"""Of the files in the archive's zip of data set 435 (archive.ics.uci.edu)."""

BEACONS: Final = tuple(BeaconId(f"name:uci:b{number}") for number in range(3001, 3014))
"""In the order of the columns."""

SEALED_DATES: Final = frozenset({"2016-04-19", "2016-04-20"})
"""The two oldest days. The published test set is cut out of them, so they serve no other end."""

COPIED_DATE: Final = "2016-10-18"
COPIED_REASON: Final = (
    "copy: 599 of the 600 rows of 2016-10-18 match, one to one, a row of another day at the same "
    "cell within 1 dB; they run backwards in time, exactly 2 s apart"
)
"""Why a row of that day is no measurement; between genuine days the matching finds 61 of 431."""

CELL_M: Final = 3.048
"""10 ft, the side of a cell of the survey's grid."""

POSITION_SD_M: Final = CELL_M / math.sqrt(12.0)
"""Standard deviation along one axis of a person who stands anywhere in the cell (uniform)."""

ROWS: Final = 18
"""Rows of the grid; they count downwards on the map, so y = 18 - row keeps the frame
right-handed and in agreement with the positions of the beacons."""

NOT_HEARD_DBM: Final = -198
"""At or below is "not heard": -200, and 15 slips of -198 and -199. The weakest real reading in the
files is -111 dBm."""

DURATION_S: Final = 1.0
"""A row is one report of iOS beacon ranging, which sums up one second."""

VISIT_GAP_S: Final = 5.0
"""A longer pause starts a new visit of the unlabelled scans: 97 % of their steps are 1 or 2 s, and
a person who walks 1.4 m/s leaves two cells behind in 5 s. Such a visit is an uninterrupted run;
nobody noted whether the person stood still."""

DEVICE: Final = "iPhone 6S"
YEAR: Final = 2016

# America/Detroit in 2016, the only year in the files: summer time from the second Sunday of March
# to the first Sunday of November. Written out, because a minimal system has no time zone data and
# a data set that never changes needs no other rule; a test compares it with zoneinfo.
_SUMMER: Final = (datetime(YEAR, 3, 13, 2), datetime(YEAR, 11, 6, 2))
_SUMMER_ZONE: Final = timezone(timedelta(hours=-4), "EDT")
_WINTER_ZONE: Final = timezone(timedelta(hours=-5), "EST")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HEADER: Final = ["location", "date", *(f"b{number}" for number in range(3001, 3014))]
_LABEL: Final = re.compile(r"([A-W])(0[1-9]|1[0-8])")


@dataclass(frozen=True, slots=True)
class UciFiles:
    """The two files of the data set, and where they came from."""

    labelled: Path
    unlabelled: Path
    origin: str
    """For a person: "LOCALIZER_DATA", "cache" or the address of the download."""


class UciRow(NamedTuple):
    """One line of either file."""

    label: str | None
    local: datetime
    heard: Mapping[BeaconId, tuple[float, ...]]


def import_uci(files: UciFiles, survey_path: Path, *, verify: bool = True) -> ImportReport:
    """Build a survey file from the two CSV files; an existing one is replaced at the end.

    Fingerprints of equal times are added in such an order that each file's rows, read back and
    reversed, stand in the order of the file: the published split is cut by it.

    Args:
        files: where the CSV files are.
        survey_path: the survey to write.
        verify: whether files that are not byte for byte the published ones are refused.

    Raises:
        SurveyError: a file is missing, has another checksum or another header line, or the survey
            cannot be written.
    """
    log = ProblemLog()
    labelled = list(_read_rows(files.labelled, log, LABELLED_NAME if verify else None))
    unlabelled = list(_read_rows(files.unlabelled, log, UNLABELLED_NAME if verify else None))
    # Newest first in the files.
    fingerprints = [
        *_fingerprints(labelled[::-1], "place"),
        *_fingerprints(unlabelled[::-1], "run"),
    ]
    sessions = sorted({fingerprint.session for fingerprint in fingerprints})
    with build_survey(survey_path, built_in_site("uci")) as survey:
        for session in sessions:
            survey.add_session(_session(session))
        survey.add(fingerprints)
    return log.report(survey_path, sessions=len(sessions), fingerprints=len(fingerprints))


def _session(day: str) -> Session:
    note = COPIED_REASON if day == COPIED_DATE else ""
    return Session(day, "sealed" if day in SEALED_DATES else "development", DEVICE, note)


def _read_rows(path: Path, log: ProblemLog, verify_as: str | None) -> Iterator[UciRow]:
    sha256 = SHA256[verify_as] if verify_as is not None else None
    content = read_source(path, "UCI", sha256=sha256)
    lines = csv.reader(io.StringIO(content.decode("utf-8", errors="replace"), newline=""))
    header = next(lines, [])
    if header != _HEADER:
        raise SurveyError(
            f"line 1 of {path} must be {','.join(_HEADER)!r}, but got {','.join(header)[:200]!r}",
            path=path,
            line=1,
        )
    for cells in lines:
        try:
            yield _parse_row(cells)
        except ValueError as error:
            log.add(path, lines.line_num, str(error))


def _parse_row(cells: Sequence[str]) -> UciRow:
    if len(cells) != len(_HEADER):
        raise ValueError(f"a row must have {len(_HEADER)} cells, but got {len(cells)}")
    label, time, *readings = cells
    if label != "?" and _LABEL.fullmatch(label) is None:
        raise ValueError(f"a location must be '?' or A01 to W18, but got {label!r}")
    local = datetime.strptime(time, "%m-%d-%Y %H:%M:%S")
    if local.year != YEAR:
        raise ValueError(f"a date must be of {YEAR}, but got {time!r}")
    rssi = [int(reading) for reading in readings]
    for value in rssi:
        if not (WEAKEST_DBM <= value < 0 or value <= NOT_HEARD_DBM):
            raise ValueError(
                f"an RSSI must be {WEAKEST_DBM:g} or more and below 0 dBm, or {NOT_HEARD_DBM} or "
                f"less where not heard, but got {value}"
            )
    pairs = zip(BEACONS, rssi, strict=True)
    heard = {beacon: (float(value),) for beacon, value in pairs if value > NOT_HEARD_DBM}
    return UciRow(None if label == "?" else label, local, heard)


def _fingerprints(rows: Iterable[UciRow], visits_by: str) -> Iterator[Fingerprint]:
    """Yield the rows as fingerprints, oldest first, with their visits numbered by session."""
    for day, of_day in groupby(rows, key=lambda row: row.local.date()):
        visits = cut_visits(list(of_day))
        for number, visit in enumerate(visits, start=1):
            for row in visit:
                yield _fingerprint(row, day, f"{day.isoformat()}/{visits_by}-{number:03d}")


def cut_visits(rows: Sequence[UciRow]) -> list[list[UciRow]]:
    """Cut rows of one day, oldest first, where the label changes or, without labels, at a pause."""
    visits = [[rows[0]]]
    for before, row in pairwise(rows):
        pause_s = (row.local - before.local).total_seconds()
        if row.label != before.label or (row.label is None and pause_s > VISIT_GAP_S):
            visits.append([])
        visits[-1].append(row)
    return visits


def _fingerprint(row: UciRow, day: date, visit: str) -> Fingerprint:
    time_utc = local_to_utc(row.local)
    start_ns = (time_utc - _EPOCH) // timedelta(microseconds=1) * 1_000
    labelled = row.label is not None
    return Fingerprint(
        scan=Scan(start_ns, DURATION_S, row.heard),
        session=day.isoformat(),
        visit=visit,
        device=DEVICE,
        time_utc=time_utc,
        local_date=day,
        position=label_to_position(row.label) if row.label is not None else None,
        position_sd_m=POSITION_SD_M if labelled else None,
        synthetic=COPIED_REASON if labelled and day.isoformat() == COPIED_DATE else None,
    )


def label_to_position(label: str) -> Position:
    """Return the centre of a cell such as ``K04`` (column K, row 4), metres, right-handed frame."""
    column, row = ord(label[0]) - ord("A") + 1, int(label[1:])
    return Position(column * CELL_M, (ROWS - row) * CELL_M, "1")


def local_to_utc(local: datetime) -> datetime:
    """Return UTC for a naive local time of 2016 in the library (America/Detroit)."""
    summer = _SUMMER[0] <= local < _SUMMER[1]
    return local.replace(tzinfo=_SUMMER_ZONE if summer else _WINTER_ZONE).astimezone(UTC)
