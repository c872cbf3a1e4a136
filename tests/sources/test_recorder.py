from __future__ import annotations

import errno
import os
import threading
from contextlib import closing
from pathlib import Path

import pytest

from localizer.beacons import BeaconId
from localizer.errors import ConfigError
from localizer.scans import Advertisement
from localizer.sources import recorder as recorder_module
from localizer.sources.recorder import Recorder
from localizer.sources.recording import Recording

ROWS = [Advertisement(BeaconId("name:demo:b01"), -60.5, at, -59.0, "r1") for at in range(100)]


def read(path: Path) -> list[Advertisement]:
    with closing(Recording(path, source="replay:x")) as recording:
        return list(recording)


def test_what_is_recorded_is_what_was_heard(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.jsonl")
    for row in ROWS:
        recorder.add(row)
        if row.time_ns % 7 == 0:
            recorder.flush()
            assert read(recorder.path) == ROWS[: row.time_ns + 1]
    recorder.close()
    assert read(recorder.path) == ROWS
    assert (recorder.written, recorder.lost, recorder.pending) == (100, 0, 0)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("kept", encoding="utf-8")
    with pytest.raises(ConfigError, match="another name"):
        Recorder(path)
    assert path.read_text(encoding="utf-8") == "kept"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        Recorder(tmp_path / "nowhere" / "a.jsonl")


def fill_up_after(monkeypatch: pytest.MonkeyPatch, room: int) -> list[int]:
    """Let the disk take so many bytes more; the list holds what is left, and may be changed."""
    left, write = [room], os.write

    def limited(file: int, content: memoryview) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = write(file, content[: left[0]])
        left[0] -= written
        return written

    monkeypatch.setattr(os, "write", limited)
    return left


def test_a_full_disk_leaves_whole_lines_and_loses_nothing_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(tmp_path / "a.jsonl")
    left = fill_up_after(monkeypatch, 10**6)
    recorder.add(ROWS[0])
    recorder.flush()
    left[0] = 150
    for row in ROWS[1:50]:
        recorder.add(row)
    with pytest.raises(OSError, match="No space"):
        recorder.flush()
    assert read(recorder.path) == ROWS[:1]
    assert (recorder.written, recorder.pending) == (1, 49)
    left[0] = 10**6
    for row in ROWS[50:]:
        recorder.add(row)
    recorder.close()
    assert read(recorder.path) == ROWS


def test_what_finds_no_room_anywhere_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "MAX_PENDING", 30)
    recorder = Recorder(tmp_path / "a.jsonl")
    for row in ROWS:
        recorder.add(row)
    recorder.close()
    assert read(recorder.path) == ROWS[:30]
    assert (recorder.written, recorder.lost) == (30, 70)


def test_a_thread_that_writes_costs_no_line(tmp_path: Path) -> None:
    recorder, done = Recorder(tmp_path / "a.jsonl"), threading.Event()

    def write() -> None:
        while not done.is_set():
            recorder.flush()

    thread = threading.Thread(target=write)
    thread.start()
    rows = [Advertisement(BeaconId("name:demo:b01"), -60.0, at) for at in range(3_000)]
    for row in rows:
        recorder.add(row)
    done.set()
    thread.join(10)
    recorder.close()
    assert read(recorder.path) == rows
