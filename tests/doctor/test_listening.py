from __future__ import annotations

from pathlib import Path

from localizer.clock import JumpingClock
from localizer.doctor import Finding, TraceExam, listen
from localizer.errors import SourceError
from localizer.sources import Source, open_source
from tests.edge_source import HandSource
from tests.sources.contract import run


def after_listening(source: Source, *, stream_s: float, real_s: float) -> tuple[Finding, int]:
    async def check() -> tuple[Finding, int]:
        exam = TraceExam()
        found = await listen(source, exam, stream_s=stream_s, real_s=real_s)
        return found, exam.packets

    return run(check())


def test_a_played_source_is_heard_for_so_long_of_its_own_time() -> None:
    def packets(seconds: float) -> int:
        source = open_source("simulate:demo", clock=JumpingClock())
        found, count = after_listening(source, stream_s=seconds, real_s=9)
        assert found.level == "ok"
        assert source.status.state == "ended"
        return count

    assert 8 < packets(100) / packets(10) < 12


def test_a_live_source_is_heard_for_so_long_of_real_time() -> None:
    source = HandSource()
    source.keeper.become("running")
    source.keeper.drop("other", 5)
    source.hear("name:demo:b01")
    found, count = after_listening(source, stream_s=1, real_s=0.05)
    assert (found.level, count, source.closed) == ("ok", 1, True)
    assert "left out: other 5" in found.said


def test_a_source_that_cannot_listen_says_why() -> None:
    source = HandSource()
    source.keeper.become("recovering", "powered_off", "switch it on")
    found, _ = after_listening(source, stream_s=1, real_s=0.05)
    assert (found.level, found.advice) == ("fail", "switch it on")
    assert "powered_off" in found.said


def test_a_source_that_fails_says_why() -> None:
    source = HandSource()
    source.fail(SourceError("the broker must take the password", source="x", reason="refused"))
    found, _ = after_listening(source, stream_s=1, real_s=5)
    assert (found.level, found.said) == ("fail", "it failed (refused)")
    assert found.advice == "the broker must take the password"
    assert source.closed


def test_a_recording_is_heard_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    line = '{"beacon": "name:demo:b01", "rssi_dbm": -50, "time_ns": 0}\n'
    path.write_text(line * 3, encoding="utf-8")
    source = open_source(f"replay:{path}", clock=JumpingClock())
    found, count = after_listening(source, stream_s=600, real_s=9)
    assert (found.level, count) == ("ok", 3)
