"""Advertisements that a microcontroller hears and sends over a serial port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from firmware_bridge.backoff import Backoff
from firmware_bridge.live_stream import LiveStream
from firmware_bridge.serial.adverts import ReportReader
from firmware_bridge.serial.frames import FrameDecoder
from localizer.clock import Clock
from localizer.scans import Advertisement
from localizer.site import Position
from localizer.sources.status import SourceStatus

if TYPE_CHECKING:
    from firmware_bridge.serial.port import PortReader


class SerialSource:
    """Hears what a device reports; a `localizer.sources.Source`.

    The port is opened when it is iterated, and again whenever the device comes back.

    Args:
        name: the string that it was opened with.
        device: the port, such as ``/dev/ttyACM0`` or ``COM3``.
        clock: the time base of the advertisements.
        baud: bits per second.
        silence_s: seconds without a message after which the port is opened anew.
    """

    def __init__(
        self, name: str, device: str, clock: Clock, *, baud: int, silence_s: float
    ) -> None:
        self.name = name
        self.clock = clock
        self._device = device
        self._baud = baud
        self._silence_s = silence_s
        self._stream = LiveStream(name, clock, self._listen)
        self._backoff = Backoff(clock)
        self._frames = FrameDecoder(self._stream.keeper.drop)
        self._reports = ReportReader(self._stream.keeper.drop)

    @property
    def status(self) -> SourceStatus:
        """How it is now: running once the device has said something that is understood."""
        return self._stream.status

    def __aiter__(self) -> AsyncIterator[Advertisement]:
        """Open the port and listen."""
        return self._stream.start()

    def truth_at(self, time_ns: int) -> Position | None:
        """Return None: nobody knows."""
        return None

    async def aclose(self) -> None:
        """Close the port and end the iteration."""
        await self._stream.aclose()

    async def _listen(self) -> None:
        # Only who listens loads pyserial.
        from firmware_bridge.serial.port import PortLost, PortReader

        while True:
            try:
                with PortReader(self._device, self._baud) as reader:
                    await self._read(reader)
            except PortLost as lost:
                self._stream.keeper.become("recovering", lost.reason, str(lost))
                await self._backoff.wait()

    async def _read(self, reader: PortReader) -> None:
        self._frames.restart()
        loop = asyncio.get_running_loop()
        heard_at = loop.time()
        while True:
            try:
                async with asyncio.timeout_at(heard_at + self._silence_s):
                    data = await reader.read()
            except TimeoutError:
                reader.fail_silent(self._silence_s, self._frames.last_error)
            if self._take(data):
                heard_at = loop.time()

    def _take(self, data: bytes) -> bool:
        """Give on what the bytes say, and return whether they were a message."""
        understood = False
        arrived_ns = self.clock.now_ns()
        for message in self._frames.feed(data):
            if self.status.state != "running":
                self._backoff.came_up()
                self._stream.keeper.become("running")
            understood = True
            for one in self._reports.read(message, arrived_ns):
                self._stream.hear(one)
        return understood
