import asyncio
import json
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from localizer.api.survey.events import MAX_STREAMS, _Streams
from localizer.errors import SourceError
from localizer.survey import Recorder
from localizer.survey_app import reading
from tests.api.survey.surveyor import Surveyor

END_S = 10.0
"""Longest anything here may take before a test fails, seconds; the machine may be busy."""


def eventually(surveyor: Surveyor, holds: Callable[[], bool]) -> None:
    """Run the loop until something holds."""

    async def wait() -> None:
        async with asyncio.timeout(END_S):
            while not holds():
                await surveyor.service.shared.wait_for_news(0.01)

    surveyor.runner.run(wait())


def told(event: str) -> Any:
    kind, data = event.strip().split("\n")
    assert kind == "event: status"
    return json.loads(data.removeprefix("data: "))


def test_a_stream_says_how_it_is_and_what_has_changed_at_once(surveyor: Surveyor) -> None:
    async def listen() -> list[Any]:
        stream = _Streams(surveyor.service).events()
        assert (await anext(stream)).startswith("retry:")
        first = told(await anext(stream))
        async with asyncio.timeout(END_S):
            await surveyor.service.shared.change(lambda _: None)
            event = told(await anext(stream))
            while event["version"] == first["version"]:
                event = told(await anext(stream))
            surveyor.service.shared.close_streams()
            rest = [one async for one in stream]
        return [first, event, rest]

    first, second, rest = surveyor.runner.run(listen())
    assert first["source"]["state"] == "running"
    assert first["recorder"] is None
    assert second["version"] == first["version"] + 1
    assert rest == []


def test_one_phone_too_many_is_told_so(surveyor: Surveyor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localizer.api.survey.events.MAX_STREAMS", 0)
    problem = surveyor.refused("GET", "/events", 503)
    assert problem["code"] == "too-many-clients"
    assert MAX_STREAMS >= 2


def test_what_ails_the_source_is_shown(surveyor: Surveyor) -> None:
    surveyor.source.keeper.become("recovering", "powered_off", "switch the adapter on")
    source = surveyor.status["source"]
    shown = {name: source[name] for name in ("state", "reason", "detail")}
    assert shown == {
        "state": "recovering",
        "reason": "powered_off",
        "detail": "switch the adapter on",
    }
    health = surveyor.get("/v1/health").json()
    assert (health["status"], health["bundle"]) == ("degraded", None)
    assert health["reasons"] == [{"code": "source_recovering", "detail": "switch the adapter on"}]


def test_a_source_that_fails_is_opened_again_and_the_recording_goes_on(
    surveyor: Surveyor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveyor.service.reader, "_reopen_s", (0.05,))
    surveyor.begin()
    surveyor.send("/recordings", {"kind": "unlabelled"})
    surveyor.listen(2)
    surveyor.source.fail(SourceError("pulled out", source="by hand", reason="unplugged"))
    surveyor.rest()
    source = surveyor.status["source"]
    assert (source["state"], source["reason"]) == ("failed", "unplugged")
    assert "opened again" in source["detail"]
    eventually(surveyor, lambda: len(surveyor.sources) == 2)
    surveyor.rest()
    assert surveyor.sources[0].closed
    source = surveyor.status["source"]
    assert (source["state"], source["restarts"]) == ("running", 1)
    surveyor.listen(2)
    assert surveyor.status["recording"]["adverts"] == 40
    assert reading.REOPEN_S[0] < reading.REOPEN_S[-1]


def test_a_source_that_ends_stays_ended_and_what_was_heard_is_kept(surveyor: Surveyor) -> None:
    surveyor.begin()
    surveyor.send("/recordings", {"kind": "unlabelled"})
    surveyor.listen(4)
    surveyor.source.end()
    surveyor.rest()
    assert surveyor.sources[-1].closed
    surveyor.send("/recordings/current/finish")
    assert surveyor.state["recordings"][0]["adverts"] == 40


def limit_pages(recorder: Recorder, more: int | None) -> None:
    """Let the file grow by so many pages at most: a disk that is full, to SQLite."""

    def limit(log: object) -> None:
        connection: sqlite3.Connection = recorder._log._file.connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        most = 2**30 if more is None else pages + more
        connection.execute(f"PRAGMA max_page_count = {most}").fetchone()

    recorder._thread.do(limit)


def test_a_full_disk_is_said_and_the_recording_goes_on_when_there_is_room(
    surveyor: Surveyor,
) -> None:
    surveyor.begin()
    surveyor.send("/recordings", {"kind": "unlabelled"})
    recorder = surveyor.service.session.recorder
    assert recorder is not None
    surveyor.listen(2)
    limit_pages(recorder, 1)
    surveyor.listen(240)
    eventually(surveyor, lambda: surveyor.status["recorder"] == "waiting")
    now = surveyor.status
    assert now["storage_error"]["reason"] == "disk_full"
    assert "make room" in now["recording"]["storage_error"]["detail"]
    assert surveyor.get("/v1/health").json()["reasons"][0]["code"] == "storage_waiting"
    problem = surveyor.refused("POST", "/recordings/current/finish", 507)
    assert problem["code"] == "disk-full"
    limit_pages(recorder, None)
    surveyor.listen(2)
    surveyor.send("/recordings/current/finish")
    (found,) = surveyor.state["recordings"]
    assert (found["adverts"], found["status"]) == (2440, "complete")
    eventually(surveyor, lambda: surveyor.status["storage_error"] is None)
