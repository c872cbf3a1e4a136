"""The live map at /: three small files, read once, under a policy that lets nothing else in."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Scripts, styles and connections of this origin only: the map needs no internet, and a beacon's
name that holds markup can do nothing."""

_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

_FILES: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/map.css": ("map.css", "text/css; charset=utf-8"),
    "/map.js": ("map.js", "text/javascript; charset=utf-8"),
    "/floor.js": ("floor.js", "text/javascript; charset=utf-8"),
    "/panels.js": ("panels.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}


def page_router() -> APIRouter:
    """Return the routes of the map's files."""
    router = APIRouter(include_in_schema=False)
    folder = files("localizer.api") / "static"
    for path, (name, media_type) in _FILES.items():
        _serve(router, path, (folder / name).read_bytes(), media_type)
    return router


def _serve(router: APIRouter, path: str, content: bytes, media_type: str) -> None:
    response = Response(content, media_type=media_type, headers=_HEADERS)

    @router.api_route(path, methods=["GET", "HEAD"])
    async def file() -> Response:
        return response
