"""Sessions: begun, gone on with, ended, described, expired and deleted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone

from fastapi import APIRouter

from localizer.api.problems import ApiProblemError, described
from localizer.api.survey.messages import Done, Made, NewSession, SessionChange
from localizer.scans import Session
from localizer.survey import Survey
from localizer.survey_app import SurveyService
from localizer.survey_app.sessions import find_session

_REFUSED = described(
    s404="There is no such session.",
    s409="Another session is recorded, or this one is.",
    s422="A field cannot be used.",
    s507="The disk is full; nothing was changed.",
)


def sessions_router(service: SurveyService) -> APIRouter:
    """Return the routes of sessions."""
    router = APIRouter(prefix="/sessions", tags=["survey: sessions"], responses=_REFUSED)
    shared, session = service.shared, service.session

    @router.post("", summary="Begin a session", status_code=201)
    async def begin(body: NewSession) -> Made:
        wanted = Session(
            "",
            body.role,
            body.device,
            body.note,
            body.person,
            utc_offset_s=_own_offset_s() if body.utc_offset_s is None else body.utc_offset_s,
        )
        begun = await shared.change(lambda survey: session.begin(survey, wanted))
        return Made(id=begun.id)

    @router.post("/{session_id:path}/resume", summary="Go on with a session")
    async def resume(session_id: str) -> Made:
        return Made(id=(await shared.change(lambda survey: session.resume(survey, session_id))).id)

    @router.post("/{session_id:path}/end", summary="End the session that is recorded")
    async def end(session_id: str) -> Done:
        await shared.change(lambda _: session.end(session_id))
        return Done(what=f"session {session_id} ended")

    @router.patch("/{session_id:path}", summary="Change what is known of a session, but its role")
    async def change(session_id: str, body: SessionChange) -> Done:
        def work(survey: Survey) -> None:
            survey.update_session(_changed(find_session(survey, session_id), body))

        await shared.change(work)
        return Done(what=f"session {session_id} changed")

    @router.delete("/expired", summary="Delete the sessions that have expired, for good")
    async def delete_expired() -> Done:
        gone = await shared.change(lambda survey: survey.delete_expired())
        return Done(what=f"{len(gone)} sessions deleted")

    @router.delete("/{session_id:path}", summary="Delete a session and all it holds, for good")
    async def delete(session_id: str) -> Done:
        def work(survey: Survey) -> None:
            find_session(survey, session_id)
            session.refuse_if_recorded(session_id, "deleted")
            survey.delete_session(session_id)

        await shared.change(work)
        return Done(what=f"session {session_id} deleted")

    return router


def _own_offset_s() -> int:
    offset = datetime.now().astimezone().utcoffset() or timedelta()
    return round(offset.total_seconds())


def _changed(session: Session, body: SessionChange) -> Session:
    given = {name: getattr(body, name) for name in body.model_fields_set - {"expires_on"}}
    if "expires_on" in body.model_fields_set:
        given["expires_utc"] = _expiry(body.expires_on, session.utc_offset_s or 0)
    return replace(session, **given)


def _expiry(day: str | None, utc_offset_s: int) -> datetime | None:
    """Return when that day begins where the surveyor was, UTC."""
    if day is None:
        return None
    try:
        zone = timezone(timedelta(seconds=utc_offset_s))
        return datetime.combine(date.fromisoformat(day), time(), zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ApiProblemError(
            422,
            "invalid-field",
            f"the day must be one of the calendar, as 2026-12-31, but {error}",
            field="expires_on",
            got=day,
        ) from error
