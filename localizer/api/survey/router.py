"""All routes of the survey, put together."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from localizer.api.auth import Gate, check_token
from localizer.api.survey.checks import checks_router
from localizer.api.survey.coverage import coverage_router
from localizer.api.survey.events import events_router
from localizer.api.survey.exports import exports_router
from localizer.api.survey.limits import BodyLimit
from localizer.api.survey.messages import Done, SurveyMessage
from localizer.api.survey.page import survey_page_router
from localizer.api.survey.plans import plans_router
from localizer.api.survey.points import points_router
from localizer.api.survey.problems import install_survey_problems
from localizer.api.survey.recordings import recordings_router
from localizer.api.survey.sessions import sessions_router
from localizer.api.survey.site import site_router
from localizer.api.survey.state import StateView
from localizer.survey_app import SurveyService


def install_survey(
    app: FastAPI, service: SurveyService, *, prefix: str, token: str | None, alone: bool
) -> None:
    """Give an app the survey's routes under `prefix`/survey, its page, and its gate.

    Args:
        app: gets them, and is behind the gate with all its routes.
        service: the survey at work.
        prefix: of all routes that programs use.
        token: what clients must know; None on the loopback interface.
        alone: whether / is the survey's, too.

    Raises:
        ConfigError: the token protects nothing.
    """
    view = StateView(service)
    router = APIRouter()
    _add_state(router, service, view)
    router.include_router(events_router(service))
    router.include_router(site_router(service))
    router.include_router(plans_router(service, view))
    router.include_router(points_router(service))
    router.include_router(sessions_router(service))
    router.include_router(recordings_router(service))
    router.include_router(coverage_router(service))
    router.include_router(checks_router(service))
    router.include_router(exports_router(service))
    if token is not None:
        check_token(token)
    install_survey_problems(app)
    app.include_router(router, prefix=f"{prefix}/survey")
    app.include_router(survey_page_router(at_root=alone))
    app.add_middleware(BodyLimit, prefix=f"{prefix}/survey")
    app.add_middleware(Gate, token=token, pages=("/", "/survey"))


def _add_state(router: APIRouter, service: SurveyService, view: StateView) -> None:
    @router.get("", tags=["survey"], summary="The whole state")
    async def state() -> SurveyMessage:
        return await view.message()

    @router.post("/undo", tags=["survey"], summary="Take back the last edit of site or points")
    async def undo() -> Done:
        what = await service.shared.undo()
        view.forget_plans()
        return Done(what=what or "")
