"""A survey service in this process, on a source that the test drives, asked as a phone asks it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from localizer.api.app import create_app
from localizer.api.survey.events import status_event
from localizer.clock import Clock
from localizer.live import LiveEngine
from localizer.locate import Locator
from localizer.sites import built_in_site
from localizer.sources import Source
from localizer.survey import Survey
from localizer.survey_app import SurveyService
from localizer.survey_app.checking import CheckWalks
from localizer.survey_app.listening import SharedSource
from tests.api.clients import Client
from tests.edge_source import HandSource, settle

NEAR, FAR = "name:demo:b01", "name:demo:b05"


class Surveyor(Client):
    """Asks under /v1/survey; time passes only when it is told to."""

    def __init__(self, path: Path, runner: asyncio.Runner, locator: Locator | None) -> None:
        self.sources: list[HandSource] = []
        self.runner = runner
        self.service = SurveyService(path, self._open)
        engine = None
        if locator is not None:
            engine = LiveEngine(locator, SharedSource(self.service.reader))
            self.service.checks = CheckWalks(
                engine, path, self.service.utc_now, bundle=locator.bundle.id
            )
        super().__init__(create_app(locator, engine, survey=self.service), runner)

    def _open(self, clock: Clock | None) -> Source:
        source = HandSource()
        source.keeper.become("running")
        if clock is not None:
            source.clock = self.sources[0].clock
        self.sources.append(source)
        return source

    @property
    def source(self) -> HandSource:
        return self.sources[-1]

    def ask(self, method: str, path: str = "", **options: Any) -> httpx.Response:
        return self.request(method, f"/v1/survey{path}", **options)

    def send(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """Send a body that must be taken, and return the answer."""
        answer = self.ask(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def refused(self, method: str, path: str, status: int, **options: Any) -> Any:
        """Ask what must be refused with a problem document, and change nothing."""
        before = self.service.shared.version
        answer = self.ask(method, path, **options)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert self.service.shared.version == before
        return answer.json()

    @property
    def state(self) -> Any:
        return self.ask("GET").json()

    @property
    def status(self) -> Any:
        return status_event(self.service).model_dump()

    def begin(self) -> str:
        session: str = self.send("/sessions", {"device": "Pi", "utc_offset_s": 3600})["id"]
        return session

    def start_point(self, point: str, **more: Any) -> str:
        body = {"kind": "point", "point": point, **more}
        recording: str = self.send("/recordings", body)["id"]
        return recording

    def listen(self, seconds: float, *, rssi_dbm: float = -60.0) -> None:
        """Let time pass in which two beacons are heard five times a second."""
        self.runner.run(self._listen(seconds, rssi_dbm))

    async def _listen(self, seconds: float, rssi_dbm: float) -> None:
        for _ in range(round(seconds / 0.2)):
            self.source.clock.advance(0.2)
            self.source.hear(NEAR, rssi_dbm)
            self.source.hear(FAR, rssi_dbm - 10)
            await settle(6)

    def rest(self) -> None:
        """Let every task run."""
        self.runner.run(settle(50))


@contextmanager
def surveying(path: Path, locator: Locator | None = None) -> Iterator[Surveyor]:
    """Serve a survey of the simulated office, which is made if it is not there."""
    if not path.exists():
        Survey.create(path, built_in_site("demo")).close()
    with asyncio.Runner() as runner:
        surveyor = Surveyor(path, runner, locator)
        lifespan = surveyor.app.router.lifespan_context(surveyor.app)
        runner.run(lifespan.__aenter__())
        try:
            yield surveyor
        finally:
            runner.run(lifespan.__aexit__(None, None, None))
