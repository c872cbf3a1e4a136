"""Recordings: begun, tapped along, ended; and what becomes of those that were cut off."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from localizer.api.problems import ApiProblemError, described
from localizer.api.survey.events import finding_messages
from localizer.api.survey.messages import (
    Done,
    FindingMessage,
    Finished,
    Made,
    Place,
    StartRecording,
)
from localizer.site import Position
from localizer.survey import Survey
from localizer.survey_app import SurveyService
from localizer.survey_app.editing import find_floor
from localizer.survey_app.recording import Start, find_recording

_REFUSED = described(
    s404="There is no such recording or point.",
    s409="There is no session, or another recording is open.",
    s422="It cannot be recorded so.",
    s507="The disk is full; what is heard is held until there is room.",
)

_Expected = Annotated[
    str | None,
    Query(alias="recording", description="Refuse unless this is the open one: two phones."),
]


def recordings_router(service: SurveyService) -> APIRouter:
    """Return the routes of recordings. An id has a slash in it, which may be written as %2F."""
    router = APIRouter(prefix="/recordings", tags=["survey: recordings"], responses=_REFUSED)
    shared, recordings = service.shared, service.recordings

    @router.post("", summary="Begin to record", status_code=201)
    async def start(body: StartRecording) -> Made:
        wanted = _start(body)
        begun = await shared.change(lambda survey: recordings.start(survey, wanted))
        return Made(id=begun.id)

    @router.post("/current/waypoints", summary="The walker is here now")
    async def waypoint(body: Place, expected: _Expected = None) -> Done:
        at = Position(body.x_m, body.y_m, body.floor)

        def work(survey: Survey) -> None:
            find_floor(survey.site, body.floor)
            recordings.waypoint(at, expected=expected)

        await shared.read(work)
        shared.announce()
        return Done(what="waypoint noted")

    @router.delete("/current/waypoints/last", summary="Take back the last waypoint")
    async def undo_waypoint(expected: _Expected = None) -> Done:
        await shared.read(lambda _: recordings.undo_waypoint(expected=expected))
        shared.announce()
        return Done(what="waypoint taken back")

    @router.post("/current/finish", summary="End the recording and keep it")
    async def finish(expected: _Expected = None) -> Finished:
        judged = service.judge() or ()
        ended, issues = await shared.change(
            lambda survey: recordings.finish(survey, expected=expected)
        )
        legs = [
            FindingMessage(
                code=one.reason,
                words=f"leg {one.leg + 1}: {one.text}",
                advice="walk it again if the labels matter there",
                beacons=[],
            )
            for one in issues
        ]
        return Finished(id=ended.id, findings=finding_messages(judged) + legs)

    @router.post("/current/discard", summary="End the recording and leave it out")
    async def discard(expected: _Expected = None) -> Done:
        ended = await shared.change(lambda _: recordings.discard(expected=expected))
        return Done(what=f"recording {ended.id} discarded")

    _ended_routes(router, service)
    return router


def _ended_routes(router: APIRouter, service: SurveyService) -> None:
    shared = service.shared

    @router.post("/{recording:path}/complete", summary="Keep one that was cut off or discarded")
    async def complete(recording: str) -> Done:
        def work(survey: Survey) -> int:
            find_recording(survey, recording)
            return survey.recordings.complete(recording)

        return Done(what=f"{await shared.change(work)} scans kept")

    @router.post("/{recording:path}/discard", summary="Leave one out; it can be kept after all")
    async def discard_ended(recording: str) -> Done:
        def work(survey: Survey) -> None:
            find_recording(survey, recording)
            survey.recordings.discard(recording)

        await shared.change(work)
        return Done(what=f"recording {recording} discarded")

    @router.delete("/{recording:path}", summary="Delete one with all that was heard, for good")
    async def delete(recording: str) -> Done:
        def work(survey: Survey) -> None:
            find_recording(survey, recording)
            survey.recordings.delete(recording)

        await shared.change(work)
        return Done(what=f"recording {recording} deleted")


def _start(body: StartRecording) -> Start:
    needed = {"point": body.point, "walk": body.at, "unlabelled": True}[body.kind]
    if needed is None:
        field = "point" if body.kind == "point" else "at"
        raise ApiProblemError(
            422,
            "invalid-field",
            f"a recording of kind {body.kind!r} must say {field!r}, but it is missing; add it",
            field=field,
            got=None,
        )
    at = None if body.at is None else Position(body.at.x_m, body.at.y_m, body.at.floor)
    return Start(body.kind, body.point, body.heading_deg, at, body.resumes)
