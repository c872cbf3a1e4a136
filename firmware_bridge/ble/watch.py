"""What tells at once that a scan has ended, or may be tried again, where the system says so."""

from __future__ import annotations

import asyncio

from localizer.errors import SourceError


class Watch:
    """Knows nothing: macOS and Windows send no signals. Silence alone tells there.

    BlueZ's watch (`firmware_bridge.ble.bluez.BluezWatch`) is one of these and knows more.
    """

    def __init__(self) -> None:
        self.trouble: SourceError | None = None
        """Why the scan has ended, once a signal said so."""
        self._worse = asyncio.Event()
        self._better = asyncio.Event()

    async def open(self) -> None:
        """Begin to listen for signals."""

    async def choose(self, adapter: str | None) -> str | None:
        """Return the adapter to scan with; None leaves the choice to the system."""
        return adapter

    def close(self) -> None:
        """Listen no more."""

    async def trouble_within(self, seconds: float) -> SourceError | None:
        """Return why the scan has ended as soon as it has; None if it goes on for so long."""
        await _set_within(self._worse, seconds)
        return self.trouble

    async def better(self) -> None:
        """Return when a signal has said that a new scan may work."""
        await self._better.wait()

    def _got_worse(self, trouble: SourceError) -> None:
        if self.trouble is None or self.trouble.reason == "scan_stopped":
            self.trouble = trouble
        self._better.clear()
        self._worse.set()

    def _got_better(self) -> None:
        self._better.set()


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
