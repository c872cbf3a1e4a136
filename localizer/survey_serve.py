"""The survey app as a process: opens survey and source, listens, and says where."""

from __future__ import annotations

import importlib.util
import logging
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from localizer.errors import ConfigError, LocalizerError

_MODULES: Final = {"fastapi": "fastapi", "uvicorn": "uvicorn", "PIL": "pillow"}
"""What the extra `survey` brings, by module."""

_ANY_ADDRESS: Final = ("0.0.0.0", "::")
_ELSEWHERE: Final = ("192.0.2.1", 9)
"""An address for documentation (RFC 5737): nothing is sent there, but the machine says by which of
its own it would be reached from outside."""


@dataclass(frozen=True, slots=True)
class SurveyOptions:
    """What the command line says."""

    site: str
    source: str
    file: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    token: str | None = None
    bundle: Path | None = None


def run_survey(options: SurveyOptions) -> None:
    """Serve the survey app until a signal ends it.

    Raises:
        ConfigError: the extra is not installed, the network would be served without a token, or
            the address is taken.
        SiteError: the site cannot be used.
        SurveyError: the survey file cannot be used.
        SourceError: the source cannot be opened.
        BundleError: the bundle does not match itself.
    """
    _require_installed()
    from localizer.api.app import create_app
    from localizer.serve import StreamServer, is_loopback, listen, server_config
    from localizer.survey_app.choosing import choose_survey
    from localizer.survey_app.only_one import only_one
    from localizer.survey_app.opening import open_survey_service

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    local = is_loopback(options.host)
    _require_token(options, local)
    with ExitStack() as alone, listen(options.host, options.port) as listener:
        path, is_new = choose_survey(options.site, options.file)
        alone.enter_context(only_one(path))
        try:
            service, locator, engine = open_survey_service(path, options.source, options.bundle)
            token = None if local else options.token
            app = create_app(locator, engine, survey=service, token=token)
        except LocalizerError:
            if is_new:
                path.unlink(missing_ok=True)
            raise
        words = _words(options, path, listener.getsockname()[1], local=local)
        closers = [service.shared.close_streams]
        if engine is not None:
            closers.append(engine.hub.close)
        server = StreamServer(server_config(app), words, closers)
        server.run(sockets=[listener])


def _require_installed() -> None:
    missing = [name for module, name in _MODULES.items() if not importlib.util.find_spec(module)]
    if missing:
        raise ConfigError(
            f"the extra `survey` must be installed, but {', '.join(missing)} is not; "
            "pip install 'ble-localizer[survey]'"
        )


def _require_token(options: SurveyOptions, local: bool) -> None:
    if not local and not options.token:
        raise ConfigError(
            f"a token must be given to listen on {options.host}, or whoever is on the network "
            "could change the survey; add --token (12 letters and digits or more), or leave out "
            "--host"
        )


def _words(options: SurveyOptions, path: Path, port: int, *, local: bool) -> str:
    from localizer.serve import url_of

    lines = [f"listening on {url_of(options.host, port)}", f"survey file: {path}"]
    query = "" if local else f"?token={options.token}"
    here = "127.0.0.1" if options.host in _ANY_ADDRESS else options.host
    lines.append(f"survey app: {url_of(here, port)}/survey{query}")
    address = own_address() if options.host in _ANY_ADDRESS else None
    if address is not None:
        lines.append(f"on a phone: {url_of(address, port)}/survey{query}")
    if options.bundle is not None:
        lines.append(f"live map: {url_of(here, port)}/{query}")
    return "\n".join(lines)


def own_address() -> str | None:
    """Return the address by which this machine is reached from its network; None without one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
        except OSError:
            return None
        return str(probe.getsockname()[0])
