"""The survey file: packets taken at full rate, and a large survey opened."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from benchmarks.results import Row, at_most
from localizer.beacons import BeaconId
from localizer.clock import NS_PER_S, MonotonicClock, s_to_ns
from localizer.scans import Advertisement, Session
from localizer.site import Position
from localizer.sites import built_in_site
from localizer.survey import Point, Recorder, Survey
from localizer.survey.advert_writer import AdvertWriter
from localizer.survey.file import SurveyFile, open_survey_file
from localizer.survey.recording_rows import insert_recording
from localizer.survey.records import Recording

AREA: Final = "survey"
RATE_HZ: Final = 5_000
SECONDS: Final = 60.0
ADVERTS: Final = 10_000_000
BEACONS: Final = 40
POINTS: Final = 400
A_RECORDING: Final = 5_000
"""Advertisements of one stand in the large survey: 50 a second for 100 s."""

BATCH: Final = 50
"""Packets between two looks at the clock."""

SETTLED_S: Final = 5.0
"""After which the memory must be flat, seconds; before, caches fill."""


def measure(seconds: float = SECONDS, adverts: int = ADVERTS) -> Iterator[Row]:
    """Measure how packets go in, and how a survey of many comes up."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _ingest(Path(folder) / "ingest.survey", seconds)
        yield from _open(Path(folder) / "large.survey", adverts)


def _beacon(number: int) -> BeaconId:
    return BeaconId(f"name:bench:b{number % BEACONS}")


def _packets(clock: MonotonicClock) -> Iterator[Advertisement]:
    """Yield packets as they fall due, the time at which each was taken being its own."""
    start_ns, given = clock.now_ns(), 0
    while True:
        due_ns = start_ns + given * NS_PER_S // RATE_HZ
        time.sleep(max(0, due_ns - clock.now_ns()) / NS_PER_S)
        for number in range(given, given + BATCH):
            yield Advertisement(_beacon(number), -60.0 - number % 30, clock.now_ns(), -59.0, "hci0")
        given += BATCH


def _ingest(path: Path, seconds: float) -> Iterator[Row]:
    with Survey.create(path, built_in_site("uci")) as survey:
        survey.points.put([Point("p", Position(0, 0, survey.site.floors[0].id))])
    clock = MonotonicClock()
    sent = round(RATE_HZ * seconds)
    settled_mb = 0.0
    cpu_s, began_s = time.process_time(), time.monotonic()
    with Recorder(path, Session("s", "development", "bench"), clock=clock) as recorder:
        recorder.start_point("p")
        most_held = 0
        for number, packet in enumerate(islice(_packets(clock), sent)):
            recorder.take(packet)
            if number == round(RATE_HZ * min(SETTLED_S, seconds / 2)):
                settled_mb = _rss_mb()
            if number % RATE_HZ == 0:
                status = recorder.status
                most_held = max(most_held, status.taken - status.committed)
        took_s, grown_mb = time.monotonic() - began_s, _rss_mb() - settled_mb
        cpu_s = time.process_time() - cpu_s
        finishing_s = time.monotonic()
        recorder.finish()
        finishing_s = time.monotonic() - finishing_s
    with Survey.open(path) as survey:
        (visit,) = survey.coverage().points[0].visits
    at = f"{RATE_HZ:,} packets a second for {seconds:g} s"
    yield at_most(AREA, f"lost of {at}", sent - visit.adverts, "packets", 0)
    yield at_most(AREA, f"one core's share at {at}", 100 * cpu_s / took_s, "%", 100)
    yield at_most(AREA, f"growth of RSS after the first {SETTLED_S:g} s at {at}", grown_mb, "MB", 5)
    yield at_most(AREA, f"most held uncommitted at {at}", most_held / RATE_HZ, "s", 1.0)
    yield Row(AREA, f"finishing a recording of {sent:,} packets", finishing_s, "s")


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def _open(path: Path, adverts: int) -> Iterator[Row]:
    _write_large(path, adverts)
    began_s = time.monotonic()
    with Survey.open(path) as survey:
        coverage = survey.coverage()
    took_s = time.monotonic() - began_s
    found = sum(point.adverts for point in coverage.points)
    yield at_most(AREA, f"open {adverts:,} packets and their coverage", took_s, "s", 3)
    yield at_most(AREA, f"packets missing of {adverts:,}", adverts - found, "packets", 0)
    yield Row(AREA, f"file of {adverts:,} packets, a packet", _bytes(path) / adverts, "bytes")


def _bytes(path: Path) -> int:
    return path.stat().st_size


def _write_large(path: Path, adverts: int) -> None:
    """Write stands as the recorder does, without waiting for the air."""
    with Survey.create(path, built_in_site("uci")) as survey:
        floor = survey.site.floors[0].id
        points = [Point(f"p{n}", Position(n % 20, n // 20, floor)) for n in range(POINTS)]
        survey.points.put(points)
        survey.add_session(Session("s", "development", "bench"))
    file = open_survey_file(path)
    file.connection.executescript("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY")
    for number, first in enumerate(range(0, adverts, A_RECORDING)):
        _write_stand(file, number, min(A_RECORDING, adverts - first))
    file.close()
    with Survey.open(path) as survey:
        for recording in survey.recordings.all():
            survey.recordings.complete(recording.id)


def _write_stand(file: SurveyFile, number: int, packets: int) -> None:
    start_ns = number * s_to_ns(200)
    utc = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=200 * number)
    point = f"p{number % POINTS}"
    one = Recording(f"s/{number:04d}", "s", "point", start_ns, utc, "open", None, point)
    with file.transaction() as connection:
        row = insert_recording(connection, one)
        writer = AdvertWriter(row)
        for at in range(packets):
            time_ns = start_ns + at * s_to_ns(0.02)
            writer.put(Advertisement(_beacon(at), -60.0 - at % 30, time_ns, -59.0, "hci0"))
        writer.commit(file)
        connection.execute(
            "UPDATE recordings SET status = 'incomplete', ended_ns = ? WHERE number = ?",
            (start_ns + s_to_ns(100), row),
        )
