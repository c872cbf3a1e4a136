"""One connection to a broker: what comes over it, and why it came to an end."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Any, Final, Literal, NamedTuple, NoReturn, cast

from aiomqtt import Client, Message, MqttCodeError, MqttError

from firmware_bridge.mqtt.settings import MqttSettings

ANSWER_S: Final = 3.0
"""Seconds for a broker's answer. One that needs more cannot carry a stream of positions. Who closes
a source while it waits for one waits as long."""

KEEPALIVE_S: Final = 15
"""Seconds of silence after which the broker is asked whether it is there. A broker that lost its
network without a word is noticed within twice that."""

_REFUSED: Final = 128
"""Reason codes from here on say no (MQTT 5, 2.4; a subscription's also in 3.1.1)."""

_LOGIN_CODES: Final = frozenset({4, 5, 134, 135})
"""Bad user name or password, and not authorised; as MQTT 3.1.1 and as MQTT 5 number them."""

AwayReason = Literal[
    "connection_refused", "unreachable", "not_authorised", "connection_lost", "tls_failed"
]


_LOGGER: Final = logging.getLogger(__name__)
_LOGGER.setLevel(logging.CRITICAL)
"""What the library would log on every lost connection is in the source's status."""


class BrokerAway(Exception):
    """There is no connection, for a reason that may pass. Never leaves this package."""

    def __init__(self, message: str, reason: AwayReason) -> None:
        super().__init__(message)
        self.reason: AwayReason = reason


class Received(NamedTuple):
    """One message."""

    topic: str
    payload: bytes
    retained: bool
    """Whether the broker had kept it from earlier."""


class _Batches(asyncio.Queue[Any]):
    """Gives all that waits at once, a list.

    aiomqtt makes a task for every item that it takes, which costs as much as to read a message.
    """

    _queue: deque[Message]

    def _get(self) -> list[Message]:
        batch = list(self._queue)
        self._queue.clear()
        return batch


async def receive(settings: MqttSettings) -> AsyncGenerator[Received | None, None]:
    """Connect, subscribe, yield None, and then every message.

    Raises:
        BrokerAway: there is no connection, or no longer.
    """
    await _reach(settings)
    client = _client(settings)
    await _enter(client, settings)
    try:
        await subscribe(client, settings)
        yield None
        async for batch in client.messages:
            for message in cast(list[Message], batch):
                yield Received(message.topic.value, message.payload, message.retain)
    except MqttError as error:
        raise BrokerAway(
            f"the broker at {settings.host}:{settings.port} ended the connection ({error}); "
            "it is tried again",
            "connection_lost",
        ) from error
    finally:
        with suppress(MqttError):
            await client.__aexit__(None, None, None)


async def _reach(settings: MqttSettings) -> None:
    """Open a connection and close it again.

    Paho connects in a thread that nothing can stop, and leaves behind what TLS refused. So whether
    the broker is there is found out beforehand, at the price of one connection more.
    """
    try:
        async with asyncio.timeout(ANSWER_S):
            _, writer = await asyncio.open_connection(
                settings.host, settings.port, ssl=settings.tls
            )
    except OSError as error:
        _fail(error, settings)
    writer.transport.abort()


def _client(settings: MqttSettings) -> Client:
    return Client(
        settings.host,
        settings.port,
        username=settings.user,
        password=settings.password,
        tls_context=settings.tls,
        timeout=ANSWER_S,
        keepalive=KEEPALIVE_S,
        queue_type=_Batches,
        logger=_LOGGER,
    )


async def _enter(client: Client, settings: MqttSettings) -> None:
    entering = asyncio.ensure_future(client.__aenter__())
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        # Paho connects in a thread that nothing can stop: what it opens must be closed afterwards.
        await asyncio.gather(entering, return_exceptions=True)
        await _leave(client)
        raise
    except MqttError as error:
        await _leave(client)
        _fail(error, settings)


async def _leave(client: Client) -> None:
    """Close what is open: the goodbye itself closes a connection that was never answered."""
    client.timeout = 0.0
    with suppress(MqttError):
        await client.__aexit__(None, None, None)


async def subscribe(client: Client, settings: MqttSettings) -> None:
    """Subscribe to all topics.

    Raises:
        BrokerAway: the broker refuses one of them.
    """
    answers: Sequence[Any] = await client.subscribe(
        [(topic, settings.qos) for topic in settings.topics]
    )
    for topic, answer in zip(settings.topics, answers, strict=False):
        if int(getattr(answer, "value", answer)) >= _REFUSED:
            raise BrokerAway(
                f"the broker must let us read {topic!r}, but refuses; allow the user to read it",
                "not_authorised",
            )


def _fail(error: MqttError | OSError, settings: MqttSettings) -> NoReturn:
    reason, advice = _cause(error)
    said = str(error) or "no answer in time"
    raise BrokerAway(
        f"no connection to the broker at {settings.host}:{settings.port} ({said}); {advice}",
        reason,
    ) from error


def _cause(error: MqttError | OSError) -> tuple[AwayReason, str]:
    if isinstance(error, MqttCodeError):
        code = error.rc if isinstance(error.rc, int) else getattr(error.rc, "value", None)
        if code in _LOGIN_CODES:
            return "not_authorised", "check user and password"
        return "connection_refused", "the broker's log says why"
    # aiomqtt hides what paho met behind `from None`; it is still there.
    met = error.__context__ if isinstance(error, MqttError) else error
    if isinstance(met, ssl.SSLError):
        return "tls_failed", "check the certificate, its host name, ca=FILE and the port"
    if isinstance(met, ConnectionRefusedError):
        return "connection_refused", "is the broker running, and is this its port?"
    if isinstance(met, ConnectionError):
        return "connection_lost", "is the broker of the other kind, mqtt:// or mqtts://?"
    return "unreachable", "check the name, the network and the port"
