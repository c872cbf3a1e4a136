"""How much a request may send: said at once, and counted for those that do not say."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localizer.api.problems import ApiProblemError, problem_response
from localizer.surveying.csv_rows import MAX_CSV_BYTES
from localizer.surveying.plans import MAX_PLAN_BYTES

MAX_BODY_BYTES: Final = 2 * 2**20
"""Of a request that is no upload: a floor of 2,000 corners and 500 blocked areas has less."""


class BodyLimit:
    """An ASGI app around another one, which refuses bodies that are too large under a prefix.

    Args:
        app: what is behind it.
        prefix: of the paths that it looks at, as ``/v1/survey``.
    """

    def __init__(self, app: ASGIApp, *, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer that it is too large."""
        if scope["type"] != "http" or not scope["path"].startswith(self._prefix):
            await self._app(scope, receive, send)
            return
        limit, advice = self._limit(scope)
        said = Headers(scope=scope).get("content-length", "")
        if said.isdecimal() and int(said) > limit:
            problem = ApiProblemError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "too-large",
                _words(limit, advice),
                field="body",
                got=f"{said} bytes",
            )
            await problem_response(problem)(scope, receive, send)
            return
        await self._app(scope, _counting(receive, limit, advice), send)

    def _limit(self, scope: Scope) -> tuple[int, str]:
        path = scope["path"].removeprefix(self._prefix)
        if scope["method"] == "PUT" and path.startswith("/plans/"):
            return MAX_PLAN_BYTES, "export the plan smaller, or as JPG"
        if path.endswith("/import"):
            return MAX_CSV_BYTES, "split the table"
        return MAX_BODY_BYTES, "draw it simpler"


def _counting(receive: Receive, limit: int, advice: str) -> Receive:
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            # FastAPI passes on an HTTPException that comes while it reads, and no other.
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _words(limit, advice))
        return message

    return counted


def _words(limit: int, advice: str) -> str:
    return f"a body must have at most {limit / 1e6:g} MB here; {advice}"
