from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from localizer.cli import run
from localizer.scans import Advertisement
from localizer.sources.recording import Recording, write_recording
from tests.doctor.test_trace import passed_on_from_8_db, real_levels, trace
from tests.edge_service import END_S, command, environment


def status_of(*arguments: str) -> int:
    try:
        return run(arguments)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 0


def read(path: Path) -> list[Advertisement]:
    with closing(Recording(path, source="replay:x")) as recording:
        return list(recording)


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command(*arguments),
        env={**environment(), "COLUMNS": "120", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background jobs ignore Ctrl-C, and their children inherit that.
        preexec_fn=heed_ctrl_c,  # noqa: PLW1509
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=END_S)


def heed_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def wait_for(path: Path, least_bytes: int) -> None:
    """Wait until somebody has written so much."""
    end_s = time.monotonic() + END_S
    while not path.exists() or path.stat().st_size < least_bytes:
        assert time.monotonic() < end_s


def test_scan_shows_every_beacon_and_how_the_source_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("scan", "simulate:demo?speed=20", "--seconds", "0.5") == 0
    text = capsys.readouterr().out
    assert all(f"name:demo:b{number:02}" in text for number in range(1, 13))
    assert "simulate:demo?speed=20: running" in text
    assert "per second" in text


def test_scan_for_machines_is_an_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("scan", "simulate:demo?speed=20", "--seconds", "0.7", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 2
    last = lines[-1]
    assert (last["state"], last["reason"], last["restarts"]) == ("running", None, 0)
    assert last["given"] > lines[0]["given"] > 0
    assert {"beacon", "rssi_dbm", "median_dbm", "rate_hz", "age_s"} <= set(last["beacons"][0])


def test_scan_ends_with_its_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_recording(tmp_path / "a.jsonl", trace([-60.0] * 5, every_s=0.01))
    assert status_of("scan", f"replay:{tmp_path / 'a.jsonl'}") == 0
    assert "ended; 5 packets" in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_recording_ends_cleanly_when_told_to(number: int, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with running("record", "simulate:demo?speed=20", str(path)) as process:
        wait_for(path, 1_000)
        process.send_signal(number)
        said, errors = process.communicate(timeout=END_S)
    assert process.returncode == 0, errors
    rows = read(path)
    assert said == f"{len(rows)} advertisements in {path}\n"
    assert "Traceback" not in errors


def test_a_recording_that_is_killed_keeps_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with running("record", "simulate:demo?speed=50", str(path)) as process:
        wait_for(path, 20_000)
        process.kill()
        process.communicate(timeout=END_S)
    assert len(read(path)) > 100


def test_what_is_recorded_of_a_replay_is_what_was_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    rows = trace(real_levels(1), every_s=0.01)
    write_recording(first, rows)
    assert status_of("record", f"replay:{first}?speed=100", str(second)) == 0
    assert f"{len(rows)} advertisements" in capsys.readouterr().out
    again, start_ns = read(second), read(second)[0].time_ns
    assert [(one.rssi_dbm, one.time_ns - start_ns) for one in again] == [
        (one.rssi_dbm, one.time_ns) for one in rows
    ]


def test_a_recording_is_never_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("kept", encoding="utf-8")
    assert status_of("record", "simulate:demo", str(path), "--seconds", "0.2") == 2
    assert "another name" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == "kept"


def test_a_disk_that_stays_full_is_told_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(file: int, content: memoryview) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    path = tmp_path / "a.jsonl"
    arguments = ("record", "simulate:demo?speed=20", str(path), "--seconds", "0.3")
    status = status_of(*arguments)
    monkeypatch.undo()
    printed = capsys.readouterr()
    assert status == 1
    assert "make room" in printed.err
    assert "advertisements are lost" in printed.err
    assert printed.out == f"0 advertisements in {path}\n"
    assert path.read_bytes() == b""


@pytest.mark.parametrize(("is_spoilt", "status"), [(True, 1), (False, 0)])
def test_the_doctor_tells_a_trace_with_a_threshold_from_one_without(
    is_spoilt: bool, status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    levels = real_levels(2)
    path = tmp_path / "a.jsonl"
    write_recording(path, trace(passed_on_from_8_db(levels) if is_spoilt else levels))
    assert status_of("doctor", f"replay:{path}", "--folder", str(tmp_path)) == status
    text = " ".join(capsys.readouterr().out.split())
    assert ("RSSI threshold/deduplication suspected" in text) is is_spoilt


def test_the_doctor_for_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("doctor", "simulate:demo", "--seconds", "60", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is True
    checks = {one["check"]: one for one in answer["checks"]}
    assert list(checks) == ["source", "rates", "threshold", "clock", "disk"]
    assert all(one["advice"] for one in checks.values() if one["level"] != "ok")


def test_the_doctor_says_what_keeps_a_source_from_being_opened(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert status_of("doctor", "ble:hci0?passive=true", "--json") == 1
    found = json.loads(capsys.readouterr().out)["checks"][0]
    assert (found["check"], found["level"], found["said"]) == ("source", "fail", "passive refused")
    assert "8 dB" in found["advice"]


@pytest.mark.parametrize("verb", ["scan", "record"])
def test_a_source_that_cannot_be_opened_is_one_clear_line(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = [str(tmp_path / "a.jsonl")] if verb == "record" else []
    assert status_of(verb, "telepathy:me", *more) == 2
    assert "'ble', 'mqtt', 'mqtts', 'replay', 'serial', 'simulate'" in capsys.readouterr().err
    assert not (tmp_path / "a.jsonl").exists()
