"""The survey's page at /survey: files read once, under a policy that lets nothing else in."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""That of the live map, and images that the page itself made, such as a plan before its upload."""

_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

_MEDIA_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "webmanifest": "application/manifest+json",
    "txt": "text/plain; charset=utf-8",
}

INDEX: Final = "index.html"


def survey_page_router(*, at_root: bool) -> APIRouter:
    """Return the routes of the page's files: /survey, and /survey/NAME for each of them.

    Args:
        at_root: whether / leads there; there is no live map without a bundle.
    """
    router = APIRouter(include_in_schema=False)
    if at_root:

        @router.get("/")
        async def root() -> Response:
            return RedirectResponse("/survey")

    for file in (files("localizer.api") / "static" / "survey").iterdir():
        media_type = _MEDIA_TYPES.get(file.name.rpartition(".")[2])
        if media_type is not None and file.is_file():
            path = "/survey" if file.name == INDEX else f"/survey/{file.name}"
            _serve(router, path, file.read_bytes(), media_type)
    return router


def _serve(router: APIRouter, path: str, content: bytes, media_type: str) -> None:
    response = Response(content, media_type=media_type, headers=_HEADERS)

    @router.api_route(path, methods=["GET", "HEAD"])
    async def file() -> Response:
        return response
