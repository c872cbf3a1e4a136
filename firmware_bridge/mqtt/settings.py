"""What stands in the string of an MQTT source, and in the files that it names."""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from localizer.beacons import BeaconId, parse_beacon_id
from localizer.errors import SiteError
from localizer.sources.address import OptionReader, SourceAddress

PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
"""The registered ports, by scheme."""

USUAL_PREFIXES: Final = ("localizer", "espresense", "home")
"""Where the three kinds of gateways report unless they are told otherwise: ours, ESPresense,
Theengs and OpenMQTTGateway."""

_FILTER: Final = re.compile(r"(?=.)(?:(?:\+|[^+#/\0]*)/)*(?:\+|#|[^+#/\0]*)")
"""A topic filter (MQTT 5, 4.7): levels between slashes, each a name, ``+``, or ``#`` at the end."""

DIRECTIONS: Final = ("receivers-move", "tags-move")


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """How to reach a broker, and what to take from it."""

    host: str
    port: int
    topics: tuple[str, ...]
    """Filters to subscribe to."""
    qos: int = 0
    tag: BeaconId | None = None
    """The tag that moves among fixed receivers; None if the receivers move."""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)


def read_settings(address: SourceAddress) -> MqttSettings:
    """Read an address's target and options.

    Raises:
        SourceError: something is missing, unknown or contradicts itself.
    """
    options = OptionReader(address)
    target = _split_target(address)
    tls = _tls(address, options.text("ca"))
    user, password = _credentials(address, options, target)
    settings = MqttSettings(
        host=target.hostname or "",
        port=target.port or PORTS[address.scheme],
        topics=_topics(address, options.text("topic"), unquote(target.path).strip("/")),
        qos=_qos(address, options.whole("qos", 0)),
        tag=_tag(address, options.text("direction"), options.text("tag")),
        user=user,
        password=password,
        tls=tls,
    )
    options.refuse_others()
    return settings


def _split_target(address: SourceAddress) -> SplitResult:
    scheme = address.scheme
    try:
        target = urlsplit(address.target, allow_fragments=False)
        complete = bool(target.hostname) and target.port != 0
    except ValueError:
        complete = False
    if not complete:
        address.fail(
            f"a broker must be {scheme}://host[:port][/prefix], but the host or the port is "
            "missing or wrong; write special characters of a password as %XX",
            "bad_address",
        )
    if any(sign in unquote(target.path) for sign in "#+"):
        address.fail("a prefix must have no # or +; give a filter as topic=…", "bad_address")
    return target


def _topics(address: SourceAddress, chosen: str | None, prefix: str) -> tuple[str, ...]:
    if chosen is not None:
        filters = tuple(chosen.split(","))
        for one in filters:
            if not _FILTER.fullmatch(one):
                address.fail(
                    "a topic must have + for one whole level and # for all that follow, at the "
                    f"end, but got {one!r}; write + as %2B and # as %23, commas between filters",
                    "bad_topic",
                )
        return filters
    return tuple(
        filter_
        for root in ((prefix,) if prefix else USUAL_PREFIXES)
        for filter_ in _filters_of(root)
    )


def _filters_of(root: str) -> tuple[str, ...]:
    own, espresense, theengs = USUAL_PREFIXES
    filters = {
        own: f"{root}/+/adverts",
        espresense: f"{root}/devices/+/+",
        theengs: f"{root}/+/BTtoMQTT/+",
    }
    return (filters[root],) if root in filters else tuple(filters.values())


def _qos(address: SourceAddress, qos: int) -> int:
    if qos > 1:
        address.fail(
            f"qos must be 0 or 1, but got {qos}; an RSSI that comes late is of no use", "bad_choice"
        )
    return qos


def _tag(address: SourceAddress, direction: str | None, tag: str | None) -> BeaconId | None:
    if direction is not None and direction not in DIRECTIONS:
        address.fail(f"direction must be one of {DIRECTIONS}, but got {direction!r}", "bad_choice")
    if (direction == "tags-move") != (tag is not None):
        address.fail(
            "direction=tags-move and tag=ID must stand together, but one of them is missing; "
            "a source follows one tag",
            "bad_choice",
        )
    if tag is None:
        return None
    try:
        return parse_beacon_id(tag)
    except SiteError as error:
        address.fail(str(error), "bad_tag")


def _credentials(
    address: SourceAddress, options: OptionReader, target: SplitResult
) -> tuple[str | None, str | None]:
    file, variable = options.text("password_file"), options.text("password_env")
    in_text = None if target.password is None else unquote(target.password)
    if sum(way is not None for way in (file, variable, in_text)) > 1:
        address.fail(
            "the password must come in one way, but several are given; keep password_file",
            "bad_option",
        )
    user = unquote(target.username) if target.username else None
    password = in_text
    if file is not None:
        password = _password_file(address, Path(file).expanduser())
    elif variable is not None:
        password = os.environ.get(variable)
        if password is None:
            address.fail(
                f"password_env must name an environment variable, but {variable!r} is not set",
                "no_password",
            )
    if password is not None and user is None:
        address.fail("a password must have its user, as in mqtt://user@host", "bad_address")
    return user, password


def _password_file(address: SourceAddress, path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        address.fail(f"password_file must be readable, but {path}: {why}", "no_password")
    if not lines:
        address.fail(f"password_file must hold the password, but {path} is empty", "no_password")
    return lines[0]


def _tls(address: SourceAddress, authority: str | None) -> ssl.SSLContext | None:
    if address.scheme != "mqtts":
        if authority is not None:
            address.fail("ca=FILE must come with mqtts://, but got mqtt://", "bad_option")
        return None
    try:
        return ssl.create_default_context(
            cafile=None if authority is None else str(Path(authority).expanduser())
        )
    except (OSError, ssl.SSLError) as error:
        address.fail(
            f"ca must be a readable file of PEM certificates, but {authority}: {error}", "bad_ca"
        )
