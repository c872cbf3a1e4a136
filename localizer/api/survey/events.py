"""GET /v1/survey/events: how everything is, twice a second and at once after each change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from localizer.api.problems import ApiProblemError, described
from localizer.api.survey.messages import (
    FindingMessage,
    HeardMessage,
    QualityNow,
    RecordingNow,
    SourceNow,
    StatusEvent,
    StorageError,
    WaypointNow,
)
from localizer.clock import NS_PER_S
from localizer.survey import RecorderStatus, Waypoint
from localizer.survey_app import SurveyService
from localizer.survey_app.service import Now
from localizer.surveying.enough import STAND_S
from localizer.surveying.findings import Finding

EVERY_S: Final = 0.5
"""Seconds between two events: a ring that shows time moves smoothly, and a phone's radio may rest.
"""

AT_MOST_EVERY_S: Final = 0.1
"""Seconds between two events in a storm of changes."""

MAX_STREAMS: Final = 32
"""Streams open at once; a survey has a few phones, each with a page or two."""

RETRY_MS: Final = 1000
"""How long a browser waits before it connects again, milliseconds."""


def events_router(service: SurveyService) -> APIRouter:
    """Return the route of the event stream."""
    router = APIRouter(tags=["survey"])
    streams = _Streams(service)

    @router.get(
        "/events",
        summary="How the survey is now, as Server-Sent Events",
        description="Events `status`, whose `data` is a StatusEvent: twice a second, and at once "
        "after each change. When `version` differs from the state that you have, fetch that again.",
        response_class=StreamingResponse,
        responses={
            200: {"description": "A stream.", "content": {"text/event-stream": {}}},
            **described(s503="Too many streams are open."),
        },
    )
    async def events() -> Response:
        return streams.open()

    return router


class _Streams:
    """The open streams; what they say is made once for all of them."""

    def __init__(self, service: SurveyService) -> None:
        self._service = service
        self._open = 0
        self._made_s = -1.0
        self._text = ""

    def open(self) -> Response:
        if self._open >= MAX_STREAMS:
            raise ApiProblemError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "too-many-clients",
                f"at most {MAX_STREAMS} streams may be open; close pages of the survey elsewhere",
                headers={"Retry-After": "5"},
            )
        return _EventStream(self)

    def enter(self) -> None:
        self._open += 1

    def leave(self) -> None:
        self._open -= 1

    async def events(self) -> AsyncIterator[str]:
        yield f"retry: {RETRY_MS}\n\n"
        shared = self._service.shared
        while not shared.closing:
            yield self._event()
            await asyncio.sleep(AT_MOST_EVERY_S)
            await shared.wait_for_news(EVERY_S - AT_MOST_EVERY_S)

    def _event(self) -> str:
        now_s = asyncio.get_running_loop().time()
        if now_s - self._made_s > AT_MOST_EVERY_S / 2:
            message = status_event(self._service)
            self._text = f"event: status\ndata: {message.model_dump_json()}\n\n"
            self._made_s = now_s
        return self._text


class _EventStream(StreamingResponse):
    """One client's stream, counted while it is open."""

    def __init__(self, streams: _Streams) -> None:
        super().__init__(
            streams.events(),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._streams.enter()
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.leave()


def status_event(service: SurveyService) -> StatusEvent:
    """Return how everything is now, as it is sent."""
    now = service.now()
    return StatusEvent(
        version=now.version,
        session=service.session.id,
        recorder=None if now.recorder is None else now.recorder.state,
        storage_error=_storage_error(now.recorder),
        source=_source(service, now),
        recording=_recording(service, now),
        heard=[
            HeardMessage(
                beacon=one.beacon,
                rssi_dbm=one.rssi_dbm,
                median_dbm=one.median_dbm,
                rate_hz=round(one.rate_hz, 2),
                last_s=round(one.last_heard_s, 2),
                count=one.count,
            )
            for one in now.heard
        ],
        quality=None
        if now.quality is None
        else QualityNow(ok=not now.quality, findings=finding_messages(now.quality)),
    )


def finding_messages(findings: tuple[Finding, ...]) -> list[FindingMessage]:
    """Return findings as they are sent."""
    return [
        FindingMessage(
            code=one.reason, words=one.text, advice=one.advice, beacons=[*map(str, one.beacons)]
        )
        for one in findings
    ]


def _source(service: SurveyService, now: Now) -> SourceNow:
    source = now.source
    return SourceNow(
        name=service.reader.name,
        state=source.state,
        reason=source.reason,
        detail=source.detail,
        restarts=source.restarts,
        given=source.given,
        dropped=dict(source.dropped),
    )


def _storage_error(recorder: RecorderStatus | None) -> StorageError | None:
    if recorder is None or recorder.state not in ("waiting", "failed"):
        return None
    return StorageError(reason=recorder.reason, detail=recorder.detail)


def _recording(service: SurveyService, now: Now) -> RecordingNow | None:
    if now.recorder is None or now.recorder.recording is None:
        return None
    recorder, recording = now.recorder, now.recorder.recording
    started_ns = recording.started_ns
    return RecordingNow(
        id=recording.id,
        kind=recording.kind,
        point=recording.point,
        heading_deg=recording.heading_deg,
        elapsed_s=round(now.elapsed_s, 2),
        adverts=recorder.taken,
        beacons=service.beacons_so_far(),
        scans=service.scans_so_far(),
        wanted_s=STAND_S if recording.kind == "point" else None,
        waypoints=[_waypoint(one, started_ns) for one in now.waypoints],
        committed=recorder.committed,
        lost=recorder.lost,
        storage_error=_storage_error(recorder),
    )


def _waypoint(waypoint: Waypoint, started_ns: int) -> WaypointNow:
    at = waypoint.position
    elapsed_s = round((waypoint.time_ns - started_ns) / NS_PER_S, 2)
    return WaypointNow(floor=at.floor, x_m=at.x_m, y_m=at.y_m, elapsed_s=elapsed_s)
