"""From the raw advertisements of a recording to its fingerprints."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from localizer.beacons import BeaconId
from localizer.clock import NS_PER_S, s_to_ns
from localizer.errors import SurveyError
from localizer.scans import Advertisement, Fingerprint, Scan, Session
from localizer.site import Position
from localizer.survey.file import SurveyFile
from localizer.survey.fingerprints import FingerprintWriter
from localizer.survey.recording_rows import find_recording, read_adverts, read_waypoints
from localizer.survey.records import Recording
from localizer.survey.rows import SESSION_COLUMNS, session_from_row
from localizer.survey.walked_path import STAND_SD_M, WalkedPath, WalkedPlace

WINDOW_S: Final = 3.0
"""Length of a scan, seconds: what the edge looks at, so that training sees what the edge will."""


def derive(file: SurveyFile, recording_id: str, *, window_s: float = WINDOW_S) -> int:
    """Cut a recording into fingerprints, in place of those cut before, and return how many.

    Scans follow each other from the recording's start on. The rest that fills no scan is left out,
    because a beacon is heard less often in a shorter one; so is a scan in which nothing was heard,
    because a radio that was away cannot be told from silence. Those of a point lie there, give or
    take `STAND_SD_M`; those of a walk where `WalkedPath` says; all others nowhere.

    Raises:
        SurveyError: there is no such recording, it is open, its waypoints do not make a walk, the
            window is not above 0, or the file cannot be written.
    """
    if not (math.isfinite(window_s) and s_to_ns(window_s) > 0):
        raise SurveyError(
            f"`window_s > 0` must hold, but got {window_s!r}; 3 s is what the edge has"
        )
    number, recording = find_recording(file, recording_id)
    if recording.ended_ns is None:
        raise SurveyError(
            f"a recording must have ended to be cut into scans, but {recording_id!r} is open",
            path=file.path,
        )
    count = 0
    with file.transaction() as connection:
        delete_fingerprints(file, number)
        writer = FingerprintWriter(file, connection)
        for fingerprint in _fingerprints(file, number, recording, window_s):
            writer.add(fingerprint, number)
            count += 1
        connection.execute(
            "UPDATE recordings SET window_s = ? WHERE number = ?", (float(window_s), number)
        )
    return count


def delete_fingerprints(file: SurveyFile, number: int) -> None:
    """Delete the fingerprints that were cut from the recording of that row."""
    with file.transaction() as connection:
        connection.execute("DELETE FROM fingerprints WHERE recording = ?", (number,))
        connection.execute("UPDATE recordings SET window_s = NULL WHERE number = ?", (number,))


def _fingerprints(
    file: SurveyFile, number: int, recording: Recording, window_s: float
) -> Iterator[Fingerprint]:
    rows = file.rows(f"SELECT {SESSION_COLUMNS} FROM sessions WHERE id = ?", (recording.session,))
    session = session_from_row(rows[0])
    label = _Labels(file, number, recording, window_s)
    for scan in _scans(read_adverts(file, number, by_time=True), recording, window_s):
        place = label.of(scan)
        yield _fingerprint(scan, recording, session, place)


class _Labels:
    """Where the scans of one recording were taken."""

    def __init__(
        self, file: SurveyFile, number: int, recording: Recording, window_s: float
    ) -> None:
        self._window_s = window_s
        self._path = WalkedPath(read_waypoints(file, number) if recording.kind == "walk" else ())
        self._stood: WalkedPlace | None = None
        if recording.point is not None:
            ((x_m, y_m, floor),) = file.rows(
                "SELECT x_m, y_m, floor FROM points WHERE id = ?", (recording.point,)
            )
            self._stood = WalkedPlace(Position(x_m, y_m, floor), STAND_SD_M)

    def of(self, scan: Scan) -> WalkedPlace | None:
        if self._stood is not None:
            return self._stood
        middle_ns = scan.start_ns + s_to_ns(self._window_s / 2)
        return self._path.at(middle_ns, window_s=self._window_s)


def _scans(
    adverts: Iterable[Advertisement], recording: Recording, window_s: float
) -> Iterator[Scan]:
    """Yield the scans in which something was heard; the advertisements are in the order of time."""
    window_ns = s_to_ns(window_s)
    ended_ns = recording.ended_ns or recording.started_ns
    whole = (ended_ns - recording.started_ns) // window_ns
    heard: dict[BeaconId, list[float]] = {}
    window = 0
    for advert in adverts:
        its_window = (advert.time_ns - recording.started_ns) // window_ns
        if not 0 <= its_window < whole:
            continue
        if its_window != window:
            yield from _scan(recording, window, window_ns, heard)
            heard, window = {}, its_window
        heard.setdefault(advert.beacon, []).append(advert.rssi_dbm)
    yield from _scan(recording, window, window_ns, heard)


def _scan(
    recording: Recording, window: int, window_ns: int, heard: dict[BeaconId, list[float]]
) -> Iterator[Scan]:
    if heard:
        readings = {beacon: tuple(rssis_dbm) for beacon, rssis_dbm in heard.items()}
        start_ns = recording.started_ns + window * window_ns
        yield Scan(start_ns, window_ns / NS_PER_S, readings)


def _fingerprint(
    scan: Scan, recording: Recording, session: Session, place: WalkedPlace | None
) -> Fingerprint:
    time_utc = recording.utc_of(scan.start_ns)
    return Fingerprint(
        scan,
        recording.session,
        recording.id,
        session.device,
        time_utc,
        (time_utc + timedelta(seconds=session.utc_offset_s or 0)).date(),
        None if place is None else place.position,
        None if place is None else place.sd_m,
        recording.heading_deg,
    )
