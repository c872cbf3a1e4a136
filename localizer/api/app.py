"""The one app factory: what a bundle and a live engine offer over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI
from starlette.routing import Route

from localizer import __version__
from localizer.api.health import health_router
from localizer.api.live import live_router
from localizer.api.locating import LocateEndpoint, batch_router
from localizer.api.openapi import document_by
from localizer.api.page import page_router
from localizer.api.problems import install_problems
from localizer.api.site import site_router
from localizer.live import LiveEngine
from localizer.locate import Locator

PREFIX: Final = "/v1"
"""Of every route that programs use; a change that breaks one gets a new prefix."""


def create_app(locator: Locator, engine: LiveEngine | None = None) -> FastAPI:
    """Return the service as an ASGI app; its lifespan runs the engine.

    Args:
        locator: used by the event loop's thread alone.
        engine: the live source at work; None for a service that answers /v1/locate only.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        task = None if engine is None else asyncio.create_task(engine.run(), name="live engine")
        try:
            yield
        finally:
            if engine is not None and task is not None:
                engine.hub.close()
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    # FastAPI's own documentation pages load their scripts from elsewhere, which a device without
    # internet cannot: /openapi.json is what there is.
    app = FastAPI(
        title="Localizer", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    install_problems(app)
    app.router.routes.append(
        Route(f"{PREFIX}/locate", endpoint=LocateEndpoint(locator), methods=["POST"])
    )
    app.include_router(batch_router(locator), prefix=PREFIX)
    app.include_router(live_router(engine), prefix=PREFIX)
    app.include_router(site_router(locator.bundle), prefix=PREFIX)
    app.include_router(health_router(locator.bundle, engine), prefix=PREFIX)
    app.include_router(page_router())
    document_by(app)
    return app
