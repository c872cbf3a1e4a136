"""Advertisements that gateways report to an MQTT broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from firmware_bridge.backoff import Backoff
from firmware_bridge.live_stream import LiveStream
from firmware_bridge.mqtt.gateways import GatewayReports, NotForUs
from firmware_bridge.mqtt.settings import MqttSettings
from firmware_bridge.mqtt.tags import to_track
from localizer.clock import Clock
from localizer.scans import Advertisement
from localizer.site import Position
from localizer.sources.status import SourceStatus

if TYPE_CHECKING:
    from firmware_bridge.mqtt.connection import Received


class MqttSource:
    """Hears what gateways report; a `localizer.sources.Source`.

    It connects when it is iterated, and again for as long as it takes whenever the broker is away.

    Args:
        name: the string that it was opened with, without a password.
        settings: broker and topics.
        clock: the time base of the advertisements.
    """

    def __init__(self, name: str, settings: MqttSettings, clock: Clock) -> None:
        self.name = name
        self.clock = clock
        self._settings = settings
        self._reports = GatewayReports()
        self._backoff = Backoff(clock)
        self._stream = LiveStream(name, clock, self._listen)

    @property
    def status(self) -> SourceStatus:
        """How it is now; `SourceStatus.detail` has the last message that was no report."""
        return self._stream.status

    def __aiter__(self) -> AsyncIterator[Advertisement]:
        """Connect and listen."""
        return self._stream.start()

    def truth_at(self, time_ns: int) -> Position | None:
        """Return None: nobody knows."""
        return None

    async def aclose(self) -> None:
        """Disconnect and end the iteration."""
        await self._stream.aclose()

    async def _listen(self) -> None:
        # aiomqtt and paho are 5 MB of memory: only who listens loads them.
        from firmware_bridge.mqtt.connection import BrokerAway, receive

        while True:
            try:
                async for received in receive(self._settings):
                    self._take(received)
            except BrokerAway as away:
                self._stream.keeper.become("recovering", away.reason, str(away))
                await self._backoff.wait()

    def _take(self, received: Received | None) -> None:
        keeper = self._stream.keeper
        if received is None:
            self._backoff.came_up()
            keeper.become("running")
        elif received.retained:
            # Of a time that nobody knows: the broker keeps it until somebody else writes there.
            keeper.drop("retained")
        else:
            self._hear(received)

    def _hear(self, received: Received) -> None:
        keeper = self._stream.keeper
        try:
            heard = self._reports.read(received.topic, received.payload, self.clock.now_ns())
        except NotForUs as why:
            keeper.drop(why.reason)
            if why.reason == "malformed":
                keeper.become("running", None, f"last message left out, {received.topic}: {why}")
            return
        if heard.too_old:
            keeper.drop("too_old", heard.too_old)
        for one in heard.advertisements:
            self._give(one)

    def _give(self, one: Advertisement) -> None:
        tag = self._settings.tag
        if tag is None:
            self._stream.hear(one)
        elif one.beacon == tag:
            self._stream.hear(to_track(one))
        else:
            self._stream.keeper.drop("other_beacon")
