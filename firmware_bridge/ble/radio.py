"""One scan with bleak, from its start to its end; a new one for every try."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from typing import Final

from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

START_S: Final = 5.0
"""Seconds that a scan may take to start: BlueZ answers within one, and a controller whose firmware
hangs never does."""

STOP_S: Final = 2.0
"""Seconds that a scan may take to stop; what it was scanning with may be gone."""

_log: Final = logging.getLogger(__name__)


class Radio:
    """One bleak scanner, used once.

    Args:
        on_packet: told of every packet while the scan lasts.
    """

    def __init__(self, on_packet: Callable[[AdvertisementData], None]) -> None:
        self._on_packet = on_packet
        self._scanner: BleakScanner | None = None
        self._listening = False

    async def start(self, adapter: str | None) -> None:
        """Start an active scan.

        Raises:
            Exception: whatever bleak, D-Bus or the socket to it raise; `reasons.trouble_of` says
                what they mean.
        """
        self._listening = True
        # Passive scans, and scans without this filter, give an RSSI only once it moved by 8 dB.
        self._scanner = BleakScanner(
            self._heard, scanning_mode="active", bluez={"adapter": adapter} if adapter else {}
        )
        await self._scanner.start()

    async def stop(self) -> None:
        """Stop, whatever is left of it."""
        self._listening = False
        if self._scanner is None:
            return
        try:
            async with asyncio.timeout(STOP_S):
                await self._scanner.stop()
        except Exception as error:
            # That of a lost service or bus is no news: that it is lost has been said already.
            _log.info("a scan could not be stopped: %s: %s", type(error).__name__, error)

    def _heard(self, device: BLEDevice, packet: AdvertisementData) -> None:
        if self._listening:
            self._on_packet(packet)


async def leave_bus() -> None:
    """Make bleak connect to D-Bus anew.

    BlueZ ties a scan to the connection that asked for it. Where start or stop got no answer, a
    scan may be left behind that nobody can stop any more, and that keeps the next one from
    starting (``InProgress``) until its connection ends.
    """
    if sys.platform != "linux":
        return
    from bleak.backends.bluezdbus import manager

    instance = manager._global_instances.get(asyncio.get_running_loop())
    if instance is not None and instance._bus is not None:
        instance._bus.disconnect()
