"""Who may ask: nobody but this machine, or whoever has the token; and no foreign page."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localizer.api.problems import ApiProblemError, problem_page, problem_response
from localizer.errors import ConfigError

COOKIE: Final = "localizer_survey"

COOKIE_AGE_S: Final = 30 * 24 * 3600
"""How long a phone stays known, seconds: longer than a survey takes."""

MIN_TOKEN_CHARS: Final = 12
"""Of a token: with fewer, somebody on the same network could try them all."""

_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")


class Gate:
    """An ASGI app around another one, which lets in what may come in.

    Without a token, only requests that name this machine itself: a page on the internet cannot
    make its own name point here (DNS rebinding) and read the survey. With one, every request must
    have it: in the header `Authorization: Bearer`, in the cookie, or once as `?token=` on a GET of
    a page, which then gets the cookie. In both cases, requests that change something must not come
    from a page of another origin.

    Args:
        app: what is behind it.
        token: what clients must know; None on the loopback interface.
        pages: paths at which `?token=` is taken.
    """

    def __init__(self, app: ASGIApp, *, token: str | None, pages: Collection[str]) -> None:
        self._app = app
        self._token = token
        self._pages = frozenset(pages)
        self._cookie = None if token is None else _cookie_value(token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer why not."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._refuse_other_origins(scope, headers)
            brought = self._admit(scope, headers)
        except ApiProblemError as problem:
            await _refuse(problem, scope, receive, send)
            return
        await self._app(scope, receive, self._giving_cookie(send) if brought else send)

    def _refuse_other_origins(self, scope: Scope, headers: Headers) -> None:
        origin = headers.get("origin")
        if origin is None or (scope["type"] == "http" and scope["method"] in _SAFE):
            return
        if urlsplit(origin).netloc != headers.get("host"):
            raise ApiProblemError(
                HTTPStatus.FORBIDDEN,
                "other-origin",
                "a page may change the survey only if the same service served it",
                field="Origin",
                got=origin,
            )

    def _admit(self, scope: Scope, headers: Headers) -> bool:
        """Return whether the token was brought in the address, so that the cookie is due."""
        if self._token is None or self._cookie is None:
            _refuse_other_names(headers)
            return False
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(bearer.strip(), self._token):
            return False
        if _same(_cookie_of(headers), self._cookie):
            return False
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] in self._pages:
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])
            if _same(given[0], self._token):
                return True
        raise ApiProblemError(
            HTTPStatus.UNAUTHORIZED,
            "no-token",
            "a request from the network must have the token; open the address that `localizer "
            "survey` printed, or send it as `Authorization: Bearer TOKEN`",
            headers={"WWW-Authenticate": "Bearer"},
        )

    def _giving_cookie(self, send: Send) -> Send:
        async def giving(message: Message) -> None:
            if message["type"] == "http.response.start":
                # No `Secure`: the service speaks HTTP, within a building.
                MutableHeaders(scope=message).append(
                    "Set-Cookie",
                    f"{COOKIE}={self._cookie}; Max-Age={COOKIE_AGE_S}; Path=/; HttpOnly; "
                    "SameSite=Strict",
                )
            await send(message)

        return giving


def check_token(token: str) -> None:
    """Refuse a token that protects nothing, or that an address would change.

    Raises:
        ConfigError: it is too short, or has other characters than letters, digits, - . _ and ~.
    """
    plain = all(mark.isascii() and (mark.isalnum() or mark in "-._~") for mark in token)
    if len(token) < MIN_TOKEN_CHARS or not plain:
        raise ConfigError(
            f"a token must have at least {MIN_TOKEN_CHARS} letters, digits or any of - . _ ~, but "
            f"got {len(token)} characters{'' if plain else ', some of them others'}; take what "
            "`python3 -c 'import secrets; print(secrets.token_urlsafe(16))'` prints"
        )


def _refuse_other_names(headers: Headers) -> None:
    host = headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name.lower() not in _LOOPBACK_NAMES:
        raise ApiProblemError(
            HTTPStatus.FORBIDDEN,
            "other-host",
            "without a token, only this machine is served, under its name localhost; to be reached "
            "from a network, start the service with --host and --token",
            field="Host",
            got=host,
        )


def _cookie_value(token: str) -> str:
    # Not the token itself: a cookie that leaks opens no other door.
    return hmac.new(token.encode(), COOKIE.encode(), hashlib.sha256).hexdigest()


def _cookie_of(headers: Headers) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return "" if morsel is None else morsel.value


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


async def _refuse(problem: ApiProblemError, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        wants_page = "text/html" in Headers(scope=scope).get("accept", "")
        answer = problem_page(problem) if wants_page else problem_response(problem)
        await answer(scope, receive, send)
        return
    # Before it is accepted, closing a WebSocket answers its handshake with 403.
    await send({"type": "websocket.close", "code": 1008, "reason": problem.detail[:100]})
