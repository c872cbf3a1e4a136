"""The TETAM survey: 12 fixed receivers hear one moving tag; long static stays and nine walks.

Danis, Naskali, Cemgil, Ersoy, "An Indoor Localization Dataset and Data Collection Framework with
High Precision Position Annotation", Pervasive and Mobile Computing 81, 2022; licence CC0 1.0.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import Final, NamedTuple

from localizer.beacons import BeaconId, parse_beacon_id
from localizer.errors import SurveyError
from localizer.importers import ImportReport, ProblemLog
from localizer.importers.source_files import DataFolder, read_source
from localizer.importers.tetam_files import RECEIVERS_NAME, SHA256, STATIC_NAME, WALKS
from localizer.scans import WEAKEST_DBM, Fingerprint, Scan, Session
from localizer.site import Position
from localizer.sites import built_in_site
from localizer.survey import build_survey

LOUDEST_DBM: Final = -43.0
"""Above is no reading but a damaged packet, or a mean with one in it. The loudest genuine mean is
-44 dBm, beside a receiver; what is louder, up to 62 dBm, lies 21 to 146 dB above the median of the
same receiver at the same point. The walks have two such packets, 29 and 42 dBm. A damaged packet
among so many that their mean stays below cannot be seen."""

WINDOW_S: Final = 1.0
DEVICE: Final = "BLE tag"
"""One moving tag in all sessions; its model is not published with the data."""

# Istanbul: UTC+3 all year round since 2016.
_ZONE: Final = timezone(timedelta(hours=3))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS: Final = ("set", "x", "y", "w")
_PACKET_CELLS: Final = 16
"""Time, receiver, tag, RSSI, x, y, z and nine cells of orientation."""

_DEV_START: Final = "Dongles:"
_ZIPPED_ERRORS: Final = (OSError, EOFError, zlib.error)


class _Window(NamedTuple):
    """One second of a session."""

    session: str
    at: Position
    start_us: int
    """Unix time, microseconds."""
    heard: Mapping[BeaconId, tuple[float, ...]]


class _Packet(NamedTuple):
    """One line of a walk."""

    time_s: float
    """Unix time."""
    receiver: BeaconId
    rssi_dbm: float
    x_m: float
    y_m: float


@dataclass(slots=True)
class _Reader:
    """Reads the files of one folder, and counts what it leaves out."""

    folder: Path
    verify: bool
    log: ProblemLog
    too_loud: dict[str, int]
    """Readings above `LOUDEST_DBM`, by session."""

    def text(self, name: str) -> str:
        content = read_source(
            self.folder / name, "TETAM", sha256=SHA256[name] if self.verify else None
        )
        if not name.endswith(".gz"):
            return content.decode("utf-8", errors="replace")
        try:
            return gzip.decompress(content).decode("utf-8", errors="replace")
        except _ZIPPED_ERRORS as error:
            raise SurveyError(
                f"{name} must be a gzip file, but {error}; fetch it again", path=self.folder / name
            ) from error

    def genuine(self, dbm: float, session: str) -> bool:
        if dbm <= LOUDEST_DBM:
            return True
        self.too_loud[session] = self.too_loud.get(session, 0) + 1
        return False


def import_tetam(
    files: DataFolder, survey_path: Path, *, step_s: int = 1, verify: bool = True
) -> ImportReport:
    """Build the survey file; an existing one is replaced at the end.

    The receivers take the place of the beacons (`receiver:sensor10`), the tag that of the phone.
    The static windows of 2019 and 2020 are the sessions `set-1` and `set-2` (development; one mean
    per receiver and second, as published; a visit is a point). Each walk is a sealed session and
    one visit, cut into whole seconds since its first packet with every RSSI kept; a window's
    position is the mean of its packets'. Readings above `LOUDEST_DBM` are left out and counted in
    the session's note.

    Args:
        files: the folder with the static windows and `raw`.
        survey_path: the survey to write.
        step_s: of each static stay, one second in so many, counted from its first; 1 for all.
        verify: whether files that are not byte for byte the known ones are refused.

    Raises:
        SurveyError: a file is missing, has another checksum or is no such file, or the survey
            cannot be written.
    """
    reader = _Reader(files.folder, verify, ProblemLog(), {})
    receivers = _receivers(reader)
    windows = list(_static(reader, sorted(receivers.values()), step_s))
    for walk in WALKS:
        windows += _walk(reader, walk, receivers)
    sessions = list(dict.fromkeys(window.session for window in windows))
    with build_survey(survey_path, built_in_site("tetam")) as survey:
        for session in sessions:
            too_loud = reader.too_loud.get(session, 0)
            survey.add_session(_session(session, step_s, too_loud))
        count = survey.add(_fingerprints(windows))
    return reader.log.report(survey_path, sessions=len(sessions), fingerprints=count)


def _session(name: str, step_s: int, too_loud: int) -> Session:
    walk = name in WALKS
    note = "packets, in seconds since the first one" if walk else "means over whole seconds"
    if step_s > 1 and not walk:
        note += f", one second in {step_s} of each stay"
    if too_loud:
        note += (
            f"; readings above {LOUDEST_DBM:g} dBm, which are damaged packets or means with one in "
            f"them, are left out: {too_loud}"
        )
    return Session(name, "sealed" if walk else "development", DEVICE, note)


def _receivers(reader: _Reader) -> dict[str, BeaconId]:
    """Return each receiver by the address in the packets."""
    text = reader.text(RECEIVERS_NAME)
    line = text.splitlines()[0] if text else ""
    try:
        dongles = json.loads(line.removeprefix(_DEV_START))
        return {address: parse_beacon_id(f"receiver:{one[-1]}") for address, one in dongles.items()}
    except (ValueError, AttributeError, LookupError, TypeError) as error:
        raise SurveyError(
            f"line 1 of {RECEIVERS_NAME} must be {_DEV_START!r} and a JSON object of receivers, "
            f"but got {line[:80]!r}",
            path=reader.folder / RECEIVERS_NAME,
            line=1,
        ) from error


def _static(reader: _Reader, receivers: Sequence[BeaconId], step_s: int) -> Iterator[_Window]:
    names = [receiver.removeprefix("receiver:") for receiver in receivers]
    lines = csv.reader(io.StringIO(reader.text(STATIC_NAME), newline=""))
    header, path = next(lines, []), reader.folder / STATIC_NAME
    if header != [*_COLUMNS, *names]:
        raise SurveyError(
            f"line 1 of {path} must be {','.join([*_COLUMNS, *names])!r}, but got "
            f"{','.join(header)[:200]!r}",
            path=path,
            line=1,
        )
    begins: dict[tuple[str, ...], int] = {}
    for cells in lines:
        try:
            if len(cells) != len(header):
                raise ValueError(f"a row must have {len(header)} cells, but got {len(cells)}")
            second = int(cells[3])
            if (second - begins.setdefault(tuple(cells[:3]), second)) % step_s == 0:
                yield _static_window(cells, receivers, reader)
        except ValueError as error:
            reader.log.add(path, lines.line_num, str(error))


def _static_window(cells: Sequence[str], receivers: Sequence[BeaconId], reader: _Reader) -> _Window:
    number, x_m, y_m, second, *readings = cells
    if number not in ("1", "2"):
        raise ValueError(f"a set must be 1 or 2, but got {number!r}")
    session = f"set-{number}"
    heard = {
        receiver: (dbm,)
        for receiver, cell in zip(receivers, readings, strict=True)
        if cell and reader.genuine(dbm := _rssi(cell), session)
    }
    at = Position(float(x_m), float(y_m), "1")
    return _Window(session, at, int(second) * 1_000_000, heard)


@lru_cache(maxsize=10_000)  # 2.6 million cells hold some 1,000 numbers
def _rssi(cell: str) -> float:
    dbm = float(cell)
    if not WEAKEST_DBM <= dbm < math.inf:
        raise ValueError(f"an RSSI must be {WEAKEST_DBM:g} dBm or more, but got {cell!r}")
    return dbm


def _walk(reader: _Reader, walk: str, receivers: Mapping[str, BeaconId]) -> Iterator[_Window]:
    packets = sorted(_packets(reader, f"raw/{walk}_all_sensors.mbd.gz", receivers))
    if not packets:
        return
    begin_s = packets[0].time_s
    begin_us = round(begin_s * 1e6)
    for second, group in groupby(packets, key=lambda one: math.floor(one.time_s - begin_s)):
        of_second = list(group)
        heard: dict[BeaconId, tuple[float, ...]] = {}
        for one in of_second:
            if reader.genuine(one.rssi_dbm, walk):
                heard[one.receiver] = (*heard.get(one.receiver, ()), one.rssi_dbm)
        at = Position(fmean(p.x_m for p in of_second), fmean(p.y_m for p in of_second), "1")
        yield _Window(walk, at, begin_us + second * 1_000_000, heard)


def _packets(reader: _Reader, name: str, receivers: Mapping[str, BeaconId]) -> Iterator[_Packet]:
    for number, line in enumerate(reader.text(name).splitlines(), start=1):
        try:
            yield _parse_packet(line.split(","), receivers)
        except ValueError as error:
            reader.log.add(reader.folder / name, number, str(error))


def _parse_packet(cells: Sequence[str], receivers: Mapping[str, BeaconId]) -> _Packet:
    if len(cells) != _PACKET_CELLS:
        raise ValueError(f"a packet must have {_PACKET_CELLS} cells, but got {len(cells)}")
    time, address, _, rssi, x, y, *_ = cells
    if address not in receivers:
        raise ValueError(f"a receiver must be one of {RECEIVERS_NAME}, but got {address!r}")
    numbers = float(time), float(x), float(y)
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"time and position must be finite, but got {time!r}, {x!r} and {y!r}")
    return _Packet(numbers[0], receivers[address], _rssi(rssi), *numbers[1:])


def _fingerprints(windows: Iterable[_Window]) -> Iterator[Fingerprint]:
    points: dict[tuple[str, Position], str] = {}
    for window in windows:
        start = _EPOCH + timedelta(microseconds=window.start_us)
        visit = f"{window.session}/walk"
        if window.session not in WALKS:
            key = (window.session, window.at)
            visit = points.setdefault(key, f"{window.session}/point-{len(points) + 1:03d}")
        yield Fingerprint(
            scan=Scan(window.start_us * 1_000, WINDOW_S, window.heard),
            session=window.session,
            visit=visit,
            device=DEVICE,
            time_utc=start,
            local_date=start.astimezone(_ZONE).date(),
            position=window.at,
        )
