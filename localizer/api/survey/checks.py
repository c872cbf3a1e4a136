"""Check walks: live fixes of the bundle, where the surveyor says to stand."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from localizer.api.problems import described
from localizer.api.survey.messages import Made, Place
from localizer.errors import SurveyAppError
from localizer.site import Position
from localizer.survey import Survey
from localizer.survey_app import SurveyService
from localizer.survey_app.checking import FIXES_PER_POINT, CheckWalk, CheckWalks, walk_to_dict
from localizer.survey_app.editing import find_floor


class NewCheck(BaseModel):
    """A check walk that begins, with the bundle of the service."""

    model_config = ConfigDict(extra="forbid")

    bundle: Annotated[
        str | None, Field(max_length=200, description="Refuse unless this is the bundle.")
    ] = None


def checks_router(service: SurveyService) -> APIRouter:
    """Return the routes of check walks; without a bundle each of them says so with 409."""
    router = APIRouter(
        prefix="/checks",
        tags=["survey: checks"],
        responses=described(s404="There is no such check walk.", s409="There is no bundle."),
    )

    @router.post("", summary="Begin a check walk", status_code=201)
    async def begin(body: NewCheck) -> Made:
        checks = _required(service)
        if body.bundle not in (None, checks.bundle):
            raise SurveyAppError(
                f"a check walk must be with the bundle of the service, which is "
                f"{checks.bundle!r}, but got {body.bundle!r}; start the service with that one",
                reason="other_bundle",
            )
        return Made(id=checks.begin().id)

    @router.post(
        "/{check}/points",
        summary="The surveyor stands here now",
        description=f"The next {FIXES_PER_POINT} fixes whose windows lie after this belong to it.",
    )
    async def stand(check: str, body: Place) -> Made:
        checks = _required(service)
        checks.get(check)

        def known(survey: Survey) -> None:
            find_floor(survey.site, body.floor)

        await service.shared.read(known)
        return Made(id=checks.stand(check, Position(body.x_m, body.y_m, body.floor)).id)

    @router.get("/{check}", summary="What a check walk says so far")
    async def get(check: str) -> dict[str, Any]:
        checks = _required(service)
        return _message(checks, checks.get(check))

    return router


def _required(service: SurveyService) -> CheckWalks:
    if service.checks is None:
        raise SurveyAppError(
            "a bundle must be there to be checked, but the service has none; train one, and start "
            "`localizer survey` with --bundle",
            reason="no_bundle",
        )
    return service.checks


def _message(checks: CheckWalks, walk: CheckWalk) -> dict[str, Any]:
    stand = checks.standing_at(walk)
    standing = None
    if stand is not None:
        place = {"floor": stand.truth.floor, "x_m": stand.truth.x_m, "y_m": stand.truth.y_m}
        standing = {**place, "fixes": len(stand.fixes), "wanted": FIXES_PER_POINT}
    about = {"id": walk.id, "bundle": checks.bundle, "standing": standing}
    return {**about, "trouble": checks.trouble, **walk_to_dict(walk)}
