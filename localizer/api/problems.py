"""Everything that goes wrong over HTTP, as problem documents (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from html import escape
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from localizer.fixes import to_json

MEDIA_TYPE: Final = "application/problem+json"

MAX_GOT_CHARS: Final = 120
"""Characters of the offending value that are sent back: enough to recognise it in a log."""

_KINDS: Final = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}

_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Localizer: {title}</title>
<h1>{title}</h1>
<p>{detail}</p>
</html>
"""

_log: Final = logging.getLogger(__name__)


class ApiProblemError(Exception):
    """A request that cannot be answered, and why."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        field: str | None = None,
        got: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        """HTTP status code."""
        self.kind = kind
        """What went wrong; the last part of the problem's `type`, never renamed."""
        self.detail = detail
        """In words: what must hold and what to do."""
        self.field = field
        """The offending field, with dots: `readings.name:demo:b01`."""
        self.got = got
        """What came in that field."""
        self.headers = dict(headers or {})


def described(**problems: str) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI words for problems, from their description by status (`s422="…"`)."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        int(status[1:]): {"description": text, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status, text in problems.items()
    }


def problem_response(problem: ApiProblemError) -> Response:
    """Return a problem as its document."""
    document: dict[str, Any] = {
        "type": f"urn:localizer:problem:{problem.kind}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "code": problem.kind,
        "detail": problem.detail,
    }
    if problem.field is not None:
        document["field"] = problem.field
        document["got"] = shown(problem.got)
    return Response(
        to_json(document).encode("utf-8", "replace"),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=problem.headers,
    )


def problem_page(problem: ApiProblemError) -> Response:
    """Return a problem as a page: who opens an address in a browser reads no JSON."""
    title = escape(HTTPStatus(problem.status).phrase)
    page = _PAGE.format(title=title, detail=escape(problem.detail))
    return Response(
        page, status_code=problem.status, media_type="text/html", headers=problem.headers
    )


def shown(value: object) -> str:
    """Return a value as a short text that is safe in any JSON, NaN and huge ones too."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= MAX_GOT_CHARS else f"{text[:MAX_GOT_CHARS]}…"


def invalid(errors: Sequence[Any], *, skip: int = 0) -> ApiProblemError:
    """Return the problem that the first of pydantic's errors stands for.

    Args:
        errors: as `ValidationError.errors()` gives them.
        skip: leading parts of the location that are no field (`body`, `query`).
    """
    first = errors[0]
    where = [str(part) for part in first["loc"][skip:] if part != "[key]"]
    more = f" ({len(errors) - 1} more problems)" if len(errors) > 1 else ""
    return ApiProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid-json" if first["type"] == "json_invalid" else "invalid-field",
        f"{first['msg']}{more}",
        field=".".join(where) or "body",
        got=first.get("input"),
    )


def install_problems(app: FastAPI) -> None:
    """Make every error of an app a problem document."""
    app.add_exception_handler(ApiProblemError, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(ClientDisconnect, _on_gone)
    app.add_exception_handler(Exception, _on_bug)


async def _on_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, ApiProblemError):
        raise error
    return problem_response(error)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    path = request.url.path
    detail = str(error.detail)
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = f"there is nothing at {shown(path)}; /openapi.json lists what there is"
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"{shown(path)} does not take {request.method}; see the Allow header"
    kind = _KINDS.get(error.status_code, "http")
    return problem_response(ApiProblemError(error.status_code, kind, detail, headers=error.headers))


async def _on_invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return problem_response(invalid(error.errors(), skip=1))


async def _on_gone(request: Request, error: Exception) -> Response:
    """Nobody reads this: the client hung up while it sent its body."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)


async def _on_bug(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem_response(
        ApiProblemError(500, "internal-error", "the service failed; its log has the reason")
    )
