"""`localizer serve`: the edge service. Loads no library that draws tables for people."""

from __future__ import annotations

import argparse
import importlib.util
import logging
import socket
import sys
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path
from types import FrameType
from typing import Any, Final, Literal

import uvicorn

from localizer.api.app import create_app
from localizer.bundle import load_bundle
from localizer.cli_sources import RADIO_OPENERS
from localizer.errors import ConfigError, LocalizerError
from localizer.live import STALE_AFTER_S, STEP_S, WINDOW_S, LiveEngine
from localizer.locate import Locator
from localizer.sources import open_source

GRACE_S: Final = 1
"""How long an answer may take once the service is told to end, whole seconds."""

MAX_SOCKET_MESSAGE: Final = 64 * 2**10
"""Bytes of a WebSocket message from a client; all it has to say is `ping`."""

BACKLOG: Final = 128
"""Connections that wait to be accepted; Linux' own bound is 4096, a small device's memory less."""

USAGE_ERROR: Final = 2
"""Exit status when the service cannot start with what it was given."""


def parser() -> argparse.ArgumentParser:
    """Return the command's options."""
    made = argparse.ArgumentParser(
        prog="localizer serve",
        description="Turn advertisements into positions: a live map at /, an API under /v1.",
    )
    made.add_argument("--bundle", type=Path, required=True, help="folder or zip of a bundle")
    made.add_argument("--source", help="where advertisements come from: ble:hci0, replay:FILE, …")
    made.add_argument(
        "--no-source", action="store_true", help="no live positions; answer POST /v1/locate only"
    )
    made.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    made.add_argument("--port", type=_port, default=8080, help="0 takes a free one (%(default)s)")
    made.add_argument(
        "--window", type=float, default=WINDOW_S, metavar="S", help="seconds a scan (%(default)s)"
    )
    made.add_argument(
        "--step",
        type=float,
        default=STEP_S,
        metavar="S",
        help="seconds between fixes (%(default)s)",
    )
    made.add_argument(
        "--stale-after",
        type=float,
        default=STALE_AFTER_S,
        metavar="S",
        help="seconds of silence after which there is no position (%(default)s)",
    )
    made.add_argument("--http", choices=("auto", "h11", "httptools"), default="auto")
    made.add_argument("--loop", choices=("auto", "asyncio", "uvloop"), default="auto")
    return made


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"a port must be 0 to 65535, but got {port}")
    return port


def main(argv: Sequence[str] | None = None) -> int:
    """Run the service until it is told to end, and return its exit status."""
    options = parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        if (options.source is None) != options.no_source:
            raise ConfigError(
                "one of --source and --no-source must be given; try --source simulate:demo"
            )
        return _serve(options)
    except LocalizerError as error:
        print(f"localizer serve: {error}", file=sys.stderr)
        return USAGE_ERROR


def _serve(options: argparse.Namespace) -> int:
    _require_installed(options)
    locator = Locator(load_bundle(options.bundle))
    engine = _engine(options, locator)
    with listen(options.host, options.port) as listener:
        if not is_loopback(options.host):
            print(
                f"warning: {options.host} is reachable from the network, and there is no "
                "authentication yet: whoever reaches it sees every position",
                file=sys.stderr,
            )
        config = server_config(create_app(locator, engine), http=options.http, loop=options.loop)
        url = url_of(options.host, listener.getsockname()[1])
        words = f"listening on {url}\nlive map: {url}/"
        closers = [] if engine is None else [engine.hub.close]
        StreamServer(config, words, closers).run(sockets=[listener])
    return 0


def server_config(
    app: Callable[..., Any],
    *,
    http: Literal["auto", "h11", "httptools"] = "auto",
    loop: Literal["auto", "asyncio", "uvloop"] = "auto",
) -> uvicorn.Config:
    """Return how a service of ours is served.

    Args:
        app: what answers.
        http: uvicorn's parser of HTTP.
        loop: its event loop.
    """
    return uvicorn.Config(
        app,
        http=http,
        loop=loop,
        ws_max_size=MAX_SOCKET_MESSAGE,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )


def _require_installed(options: argparse.Namespace) -> None:
    for flag, name in (("--http", options.http), ("--loop", options.loop)):
        optional = name in ("httptools", "uvloop")
        if optional and importlib.util.find_spec(name) is None:
            raise ConfigError(
                f"{flag} {name} must be installed, but is not; "
                f"install the extra `edge`, or leave out {flag}"
            )


def _engine(options: argparse.Namespace, locator: Locator) -> LiveEngine | None:
    if options.no_source:
        return None
    return LiveEngine(
        locator,
        open_source(options.source, openers=RADIO_OPENERS),
        window_s=options.window,
        step_s=options.step,
        stale_after_s=options.stale_after,
    )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ConfigError: it cannot; the message says why.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without the protocol's number asyncio leaves Nagle's algorithm on: 40 ms more an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except (OSError, UnicodeError) as error:
        listener.close()
        raise ConfigError(
            f"the service must be able to listen on {host} port {port}, but: "
            f"{getattr(error, 'strerror', None) or error}; choose another --host or --port"
        ) from error
    return listener


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches what listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def url_of(host: str, port: int) -> str:
    """Return the address of what listens there, without a path."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class StreamServer(uvicorn.Server):
    """Says when it listens, and ends open streams before it waits for them."""

    def __init__(
        self, config: uvicorn.Config, words: str, closers: Sequence[Callable[[], None]]
    ) -> None:
        super().__init__(config)
        self._words = words
        self._closers = closers

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and print where."""
        await super().startup(sockets)
        if self.started:
            print(self._words, flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End cleanly at the first signal, at once at the second; uvicorn would raise it again."""
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End every stream, then the server."""
        for close in self._closers:
            close()
        await super().shutdown(sockets)
