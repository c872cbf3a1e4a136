"""The one app factory: what a bundle, a live engine and a survey offer over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Final

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

if TYPE_CHECKING:
    from localizer.survey_app import SurveyService

PREFIX: Final = "/v1"
"""Of every route that programs use; a change that breaks one gets a new prefix."""


def create_app(
    locator: Locator | None,
    engine: LiveEngine | None = None,
    *,
    survey: SurveyService | None = None,
    token: str | None = None,
) -> FastAPI:
    """Return the service as an ASGI app; its lifespan runs the engine and the survey.

    Args:
        locator: used by the event loop's thread alone; None for a service without a bundle, which
            locates nothing.
        engine: the live source at work; None for a service that answers /v1/locate only.
        survey: the survey at work; None for a service without one.
        token: what clients of a survey must know; None where only this machine can reach it.

    Raises:
        ConfigError: the token protects nothing.
    """
    # FastAPI's own documentation pages load their scripts from elsewhere, which a device without
    # internet cannot: /openapi.json is what there is.
    app = FastAPI(
        title="Localizer",
        version=__version__,
        lifespan=_lifespan(engine, survey),
        docs_url=None,
        redoc_url=None,
    )
    install_problems(app)
    if locator is not None:
        _add_locating(app, locator)
    app.include_router(live_router(engine), prefix=PREFIX)
    app.include_router(
        health_router(None if locator is None else locator.bundle, engine, survey), prefix=PREFIX
    )
    if survey is not None:
        # Imported here: the memory of a service that only locates is counted.
        from localizer.api.survey import install_survey

        install_survey(app, survey, prefix=PREFIX, token=token, alone=locator is None)
    document_by(app)
    return app


def _add_locating(app: FastAPI, locator: Locator) -> None:
    app.router.routes.append(
        Route(f"{PREFIX}/locate", endpoint=LocateEndpoint(locator), methods=["POST"])
    )
    app.include_router(batch_router(locator), prefix=PREFIX)
    app.include_router(site_router(locator.bundle), prefix=PREFIX)
    app.include_router(page_router())


def _lifespan(
    engine: LiveEngine | None, survey: SurveyService | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tasks = []
        if engine is not None:
            tasks.append(asyncio.create_task(engine.run(), name="live engine"))
        if survey is not None:
            tasks.append(asyncio.create_task(survey.run(), name="survey"))
        try:
            yield
        finally:
            if engine is not None:
                engine.hub.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if survey is not None:
                await survey.aclose()

    return lifespan
