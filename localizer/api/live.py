"""Where the receiver is now: one answer, an event stream and a WebSocket with the same messages."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Header, Query, WebSocket
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from localizer.api.bodies import gives
from localizer.api.messages import FixMessage
from localizer.api.problems import ApiProblemError, described, problem_response
from localizer.fixes import fix_to_json
from localizer.hub import FixHub, Subscription, TooManyClientsError
from localizer.live import LiveEngine

HEARTBEAT_S: Final = 15.0
"""Seconds of silence after which a comment is sent, before proxies (usually 30 to 60 s) hang up."""

RETRY_MS: Final = 1000
"""How long a browser waits before it connects again, milliseconds."""

MAX_SEQ: Final = 10**15
"""No service lives to number this many fixes."""

GOING_AWAY: Final = 1001
POLICY_VIOLATION: Final = 1008
"""WebSocket close codes of RFC 6455, 7.4.1."""

_SEQ: Final = re.compile(r"\d{1,15}")
_AFTER: Final = "Send everything after this seq that is still kept; 0 sends all of it."
_NO_SOURCE: Final = "The service was started without a source."
_EVENTS: Final = (
    "`data` is a FixMessage and `id` its seq. Starts with the newest fix, or behind "
    "`Last-Event-ID` or `after`; the last 600 fixes are kept. A comment comes every "
    f"{HEARTBEAT_S:.0f} s of silence."
)


def live_router(engine: LiveEngine | None) -> APIRouter:
    """Return the routes for live positions; without an engine each of them says so with 404."""
    router = APIRouter(tags=["live"])

    @router.get(
        "/position",
        summary="The newest fix",
        description="As of now: a fix that has become old meanwhile comes as `stale`.",
        responses=gives(FixMessage, s404=_NO_SOURCE),
    )
    async def position() -> Response:
        text = fix_to_json(_required(engine).current())
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})

    @router.get(
        "/stream",
        summary="All fixes as Server-Sent Events",
        description=_EVENTS,
        response_class=StreamingResponse,
        responses={
            200: {"description": "A stream.", "content": {"text/event-stream": {}}},
            **described(
                s404=_NO_SOURCE, s422="A number is expected.", s503="Too many streams are open."
            ),
        },
    )
    async def stream(
        after: Annotated[int | None, Query(ge=0, le=MAX_SEQ, description=_AFTER)] = None,
        last_event_id: Annotated[
            int | None, Header(ge=0, le=MAX_SEQ, description="As `after`; browsers send it.")
        ] = None,
    ) -> Response:
        hub = _required(engine).hub
        return EventStream(hub, _subscribe(hub, after if last_event_id is None else last_event_id))

    @router.get(
        "/ws",
        summary="All fixes over a WebSocket",
        description="Open it as a WebSocket, with `after` as for the stream. Each text message is "
        "a FixMessage; the text `ping` is answered by `pong`, anything else is ignored. Pages of "
        "other origins are refused.",
        responses=described(s426="This is no WebSocket handshake."),
    )
    async def no_handshake() -> Response:
        raise ApiProblemError(
            HTTPStatus.UPGRADE_REQUIRED,
            "upgrade-required",
            "open this address as a WebSocket (ws://), or use /v1/stream",
            headers={"Upgrade": "websocket", "Connection": "Upgrade"},
        )

    @router.websocket("/ws")
    async def socket(websocket: WebSocket) -> None:
        try:
            _refuse_other_origins(websocket)
            hub = _required(engine).hub
            client = _subscribe(hub, _after(websocket.query_params.get("after")))
        except ApiProblemError as problem:
            await _refuse(websocket, problem)
            return
        try:
            await websocket.accept()
            await _talk(websocket, hub, client)
        finally:
            hub.drop(client)

    return router


def _required(engine: LiveEngine | None) -> LiveEngine:
    if engine is None:
        raise ApiProblemError(
            HTTPStatus.NOT_FOUND,
            "no-live-source",
            "this service has no live source and answers /v1/locate only; start it with --source",
        )
    return engine


def _subscribe(hub: FixHub, after: int | None) -> Subscription:
    try:
        return hub.subscribe(after)
    except TooManyClientsError as error:
        raise ApiProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "too-many-clients",
            str(error),
            headers={"Retry-After": "5"},
        ) from error


def _after(text: str | None) -> int | None:
    if text is None:
        return None
    if _SEQ.fullmatch(text) is None:
        raise ApiProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "invalid-field",
            "`after` must be the seq of a fix, a whole number of 0 or more",
            field="after",
            got=text,
        )
    return int(text)


class EventStream(StreamingResponse):
    """One client's event stream; forgets the client however the stream ends."""

    def __init__(self, hub: FixHub, client: Subscription) -> None:
        """Answer with the fixes of a subscription."""
        super().__init__(
            _events(hub, client),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        self._hub, self._client = hub, client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client or the service goes."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._hub.drop(self._client)


async def _events(hub: FixHub, client: Subscription) -> AsyncIterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    while not hub.closed:
        message = await client.next(HEARTBEAT_S)
        if message is not None:
            yield f"id: {message.seq}\ndata: {message.json}\n\n"
        elif not hub.closed:
            yield ": heartbeat\n\n"


def _refuse_other_origins(websocket: WebSocket) -> None:
    """Browsers let any page open a WebSocket to any address, and say only whose page it is."""
    origin = websocket.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != websocket.headers.get("host"):
        raise ApiProblemError(
            HTTPStatus.FORBIDDEN,
            "other-origin",
            "a page may open this WebSocket only if the same service served it",
            field="Origin",
            got=origin,
        )


async def _refuse(websocket: WebSocket, problem: ApiProblemError) -> None:
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(problem_response(problem))
    else:
        await websocket.close(POLICY_VIOLATION, problem.detail[:100])


async def _talk(websocket: WebSocket, hub: FixHub, client: Subscription) -> None:
    """Send fixes and listen for pings until the client or the service goes."""
    talkers = [
        asyncio.create_task(_send_fixes(websocket, hub, client)),
        asyncio.create_task(_answer_pings(websocket)),
    ]
    try:
        await asyncio.wait(talkers, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in talkers:
            task.cancel()
        results = await asyncio.gather(*talkers, return_exceptions=True)
    expected = (WebSocketDisconnect, asyncio.CancelledError)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, expected):
            raise result
    if not any(isinstance(result, WebSocketDisconnect) for result in results):
        await websocket.close(GOING_AWAY, "the service is ending")


async def _send_fixes(websocket: WebSocket, hub: FixHub, client: Subscription) -> None:
    while not hub.closed:
        message = await client.next(HEARTBEAT_S)
        if message is not None:
            await websocket.send_text(message.json)


async def _answer_pings(websocket: WebSocket) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", GOING_AWAY), message.get("reason"))
        if message.get("text") == "ping":
            await websocket.send_text("pong")
