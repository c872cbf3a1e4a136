"""A recording whose process is killed: what was committed is there, and it was nearly all."""

import random
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from localizer.clock import MonotonicClock
from localizer.scans import Session
from localizer.survey import Recorder, Survey
from tests.survey.recorded import SESSION, new_survey

ROOT = Path(__file__).parents[2]
LOST_S = 1.0
"""What may be lost at most, seconds."""
STEP_S = 0.002

# Every packet carries its own number, as its measured power; the parent reads which one was given
# last and when, from a pipe.
CHILD = f"""
import struct, sys, time
from localizer.clock import MonotonicClock
from localizer.scans import Advertisement, Session
from localizer.survey import Recorder
from pathlib import Path
from tests.survey.recorded import SESSION, A, B

with Recorder(Path(sys.argv[1]), SESSION, clock=MonotonicClock()) as recorder:
    number = 0
    # A short one that is finished, and a long one that only commits keep from being lost.
    for packets in (100, 10**6):
        recorder.start_point("p1")
        for _ in range(packets):
            now_ns = time.monotonic_ns()
            recorder.take(Advertisement((A, B)[number % 2], -60.0, now_ns, float(number)))
            sys.stdout.buffer.write(struct.pack("<qq", number, now_ns))
            sys.stdout.buffer.flush()
            number += 1
            time.sleep({STEP_S})
        recorder.finish(window_s=0.1)
"""
PACKET = struct.Struct("<qq")


def _record_and_kill(path: Path, after_s: float) -> tuple[dict[int, int], int]:
    """Return when every packet was given (by its number), and when the process was killed."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], cwd=ROOT, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        first = child.stdout.read(PACKET.size)
        assert len(first) == PACKET.size
        until_ns = time.monotonic_ns() + round(after_s * 1e9)
        given = dict([PACKET.unpack(first)])
        while time.monotonic_ns() < until_ns:
            number, time_ns = PACKET.unpack(child.stdout.read(PACKET.size))
            given[number] = time_ns
        killed_ns = time.monotonic_ns()
        child.kill()
        rest = child.stdout.read()
    whole = len(rest) // PACKET.size * PACKET.size
    given.update(PACKET.iter_unpack(rest[:whole]))
    return given, killed_ns


def _kill_and_resume(path: Path, rounds: int, *, up_to_s: float) -> None:
    rng = random.Random(rounds)
    new_survey(path).close()
    for _ in range(rounds):
        with Survey.open(path) as survey:
            before = {one.id: one for one in survey.recordings.all()}
        given, killed_ns = _record_and_kill(path, rng.uniform(0.0, up_to_s))
        with Recorder(path, SESSION, clock=MonotonicClock()) as recorder:
            assert [one.status for one in recorder.interrupted] in ([], ["incomplete"])
            assert {one.id for one in recorder.interrupted}.isdisjoint(before)
        _check(path, set(before), given, killed_ns)
    with Survey.open(path) as survey:
        assert survey._file.rows("PRAGMA integrity_check") == [("ok",)]
        assert survey._file.rows("PRAGMA foreign_key_check") == []


def _check(path: Path, before: set[str], given: dict[int, int], killed_ns: int) -> None:
    with Survey.open(path) as survey:
        new = [one for one in survey.recordings.all() if one.id not in before]
        adverts = [advert for one in new for advert in survey.recordings.adverts(one.id)]
        numbers = [int(advert.measured_power_dbm or 0) for advert in adverts]
        assert numbers == list(range(len(numbers)))
        assert all(given.get(at, one.time_ns) == one.time_ns for at, one in enumerate(adverts))
        lost = [at for at in given if at >= len(numbers)]
        if lost:
            assert given[min(lost)] >= killed_ns - LOST_S * 1e9
        for one in new:
            counts = [stats.count for stats in survey.recordings.heard(one.id).values()]
            assert sum(counts) == len(list(survey.recordings.adverts(one.id)))
        assert all(one.status == "complete" for one in new[:-1])
        assert {one.visit for one in survey.fingerprints()}.issuperset(
            {one.id for one in new if one.status == "complete"}
        )


def test_five_kills_lose_a_second_each_at_most(tmp_path: Path) -> None:
    _kill_and_resume(tmp_path / "a.survey", 5, up_to_s=1.5)


@pytest.mark.long
def test_a_hundred_kills_lose_a_second_each_at_most(tmp_path: Path) -> None:
    _kill_and_resume(tmp_path / "a.survey", 100, up_to_s=3.0)


def test_a_dead_session_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "a.survey"
    new_survey(path).close()
    _record_and_kill(path, 1.2)
    with Recorder(path, SESSION, clock=MonotonicClock()) as recorder:
        (cut,) = recorder.interrupted
        assert cut.duration_s is not None
        recorder.start_point("p1", resumes=cut.id)
        recorder.finish()
    other = Session("other", "development", "pi")
    with Recorder(path, other, clock=MonotonicClock()) as recorder:
        assert recorder.interrupted == ()
