"""The app in this process, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from localizer.api.app import create_app
from localizer.live import LiveEngine
from tests.edge_bundle import demo_locator


class Client:
    """Sends requests to an app one after another, on an event loop of its own."""

    def __init__(self, app: FastAPI, runner: asyncio.Runner) -> None:
        self.app = app
        self._runner = runner

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._runner.run(self._request(method, path, options))

    async def _request(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        # Errors of the app become answers, as they do in a server.
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as made:
            return await made.request(method, path, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)


@contextmanager
def client(engine: LiveEngine | None = None) -> Iterator[Client]:
    """Yield a client of an app whose engine does not run."""
    with asyncio.Runner() as runner:
        yield Client(create_app(demo_locator(), engine), runner)
