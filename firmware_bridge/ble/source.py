"""The Bluetooth radio as a source: keeps a scan going, whatever happens to the adapter."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable
from typing import Final

from bleak.backends.scanner import AdvertisementData

from firmware_bridge.backoff import Backoff
from firmware_bridge.ble.radio import START_S, Radio, leave_bus
from firmware_bridge.ble.reasons import trouble, trouble_of
from firmware_bridge.ble.watch import Watch
from firmware_bridge.live_stream import LiveStream
from firmware_bridge.payloads import identity_of
from localizer.clock import Clock
from localizer.errors import SourceError
from localizer.scans import Advertisement
from localizer.site import Position
from localizer.sources.status import SourceStatus

LEFT_BEHIND: Final = frozenset({"busy", "no_answer", "silence"})
"""Troubles that a scan which nobody can stop any more would explain."""

_log: Final = logging.getLogger(__name__)


class BleSource:
    """Every beacon that the adapter hears; a `localizer.sources.Source` that never ends by itself.

    A packet is given on as often as it is heard. What no beacon sent is counted as ``other``.

    Args:
        name: the string that it was opened with.
        adapter: such as ``hci0``; None for the first that is switched on.
        clock: what the packets' times are on.
        silence_s: seconds without a packet until the scanner is made anew.
        make_watch: makes what listens for the system's signals, one for every try.
    """

    def __init__(
        self,
        name: str,
        adapter: str | None,
        clock: Clock,
        *,
        silence_s: float,
        make_watch: Callable[[str], Watch] | None = None,
    ) -> None:
        self.name = name
        self.clock = clock
        self._adapter = adapter
        self._silence_s = silence_s
        self._make_watch = make_watch or _systems_watch
        self._stream = LiveStream(name, clock, self._keep_scanning)
        self._backoff = Backoff(clock)
        self._heard_s = 0.0
        self._is_up = False
        self._is_silent = False

    @property
    def status(self) -> SourceStatus:
        """How it is now."""
        return self._stream.status

    def __aiter__(self) -> AsyncIterator[Advertisement]:
        """Start scanning."""
        return self._stream.start()

    def truth_at(self, time_ns: int) -> Position | None:
        """Return None: a radio does not know where it is."""
        return None

    async def aclose(self) -> None:
        """Stop scanning and end the iteration."""
        await self._stream.aclose()

    async def _keep_scanning(self) -> None:
        while True:
            watch = self._make_watch(self.name)
            try:
                await self._scan_once(watch)
                await self._wait(watch)
            finally:
                watch.close()

    async def _scan_once(self, watch: Watch) -> None:
        """Scan until that is no longer possible, and say why."""
        radio = Radio(self._on_packet)
        try:
            error = await self._scan_until_trouble(watch, radio)
            self._is_up, self._is_silent = False, error.reason == "silence"
            if error.reason != self.status.reason:
                _log.warning("%s: %s", self.name, error)
            self._stream.keeper.become("recovering", error.reason, str(error))
        finally:
            await radio.stop()
        if error.reason in LEFT_BEHIND:
            await leave_bus()

    async def _scan_until_trouble(self, watch: Watch, radio: Radio) -> SourceError:
        try:
            async with asyncio.timeout(START_S):
                await watch.open()
                await radio.start(await watch.choose(self._adapter))
            self._backoff.came_up()
            # After silence a scan that has begun proves nothing: the first packet does.
            if not self._is_silent:
                self._come_up()
            return await self._listen(watch)
        except Exception as error:  # bleak lets its own assertions and D-Bus' errors through
            return trouble_of(error, self.name)

    def _come_up(self) -> None:
        self._is_up = True
        self._stream.keeper.become("running")

    async def _listen(self, watch: Watch) -> SourceError:
        loop = asyncio.get_running_loop()
        self._heard_s = loop.time()
        while (left_s := self._heard_s + self._silence_s - loop.time()) > 0:
            error = await watch.trouble_within(left_s)
            if error is not None:
                return error
        return trouble(self.name, "silence", f"for {self._silence_s:g} s")

    async def _wait(self, watch: Watch) -> None:
        """Wait until a new try is due, or until the system says that it may work."""
        better = asyncio.create_task(watch.better())
        due = asyncio.create_task(self._backoff.wait())
        try:
            await asyncio.wait([better, due], return_when=asyncio.FIRST_COMPLETED)
            if better.done():
                self._backoff = Backoff(self.clock)
        finally:
            better.cancel()
            due.cancel()

    def _on_packet(self, packet: AdvertisementData) -> None:
        self._heard_s = asyncio.get_running_loop().time()
        if not self._is_up:
            self._come_up()
        found = identity_of(packet.manufacturer_data, packet.service_data)
        if found is None:
            self._stream.keeper.drop("other")
            return
        self._stream.hear(
            Advertisement(
                found.beacon, float(packet.rssi), self.clock.now_ns(), found.measured_power_dbm
            )
        )


def _systems_watch(source: str) -> Watch:
    if sys.platform != "linux":
        return Watch()
    from firmware_bridge.ble.bluez import BluezWatch

    return BluezWatch(source)
