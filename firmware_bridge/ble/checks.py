"""What `localizer doctor` asks this machine's Bluetooth before it listens."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from firmware_bridge.ble.radio import START_S
from firmware_bridge.ble.reasons import trouble_of
from localizer.doctor import Finding
from localizer.errors import SourceError

if TYPE_CHECKING:
    from firmware_bridge.ble.bluez import Adapter

OLDEST_BLUEZ: Final = (5, 55)
"""What bleak supports; older ones lose advertisements and adapters."""

_CHECK_OF: Final = {
    "access_denied": "permission",
    "no_adapter": "adapter",
    "powered_off": "adapter",
}
"""The check that a trouble belongs to; the rest is the service's."""


async def examine_bluetooth(source: str, adapter: str | None) -> list[Finding]:
    """Return how service, permission, adapter and competitors are; nothing to ask but on Linux.

    Args:
        source: the string that the source was opened with.
        adapter: such as ``hci0``; None for the first that is switched on.
    """
    if sys.platform != "linux":
        return []
    return [await _version(), *await _examine(source, adapter)]


async def _examine(source: str, adapter: str | None) -> list[Finding]:
    from firmware_bridge.ble.bluez import BluezWatch  # dbus_fast is there on Linux alone

    watch = BluezWatch(source)
    try:
        async with asyncio.timeout(START_S):
            await watch.open()
            adapters = await watch.adapters()
            chosen = await watch.choose(adapter)
    except Exception as error:  # the bus and its library have many
        return [_finding(trouble_of(error, source))]
    finally:
        watch.close()
    return list(_of_adapters(adapters, chosen))


def _finding(error: SourceError) -> Finding:
    check = _CHECK_OF.get(error.reason, "service")
    return Finding(check, "fail", error.reason.replace("_", " "), str(error))


def _of_adapters(adapters: list[Adapter], chosen: str) -> Iterator[Finding]:
    yield Finding("permission", "ok", "BlueZ answers us")
    names = ", ".join(f"{one.name} {'on' if one.powered else 'off'}" for one in adapters)
    yield Finding("adapter", "ok", f"{chosen} is on (there are: {names})")
    if next(one.discovering for one in adapters if one.name == chosen):
        yield Finding(
            "competing scans",
            "warn",
            f"somebody scans with {chosen} already",
            "end it while you survey (a desktop's Bluetooth settings, another service): what it "
            "asks for decides as well how often an RSSI is reported",
        )
    else:
        yield Finding("competing scans", "ok", f"nobody else scans with {chosen}")


async def _version() -> Finding:
    text = await _bluetoothctl()
    match = re.search(r"(\d+)\.(\d+)", text)
    if match is None:
        advice = "install Debian's package `bluez`, unless BlueZ runs outside of this container"
        return Finding("BlueZ", "warn", "its version is unknown: there is no bluetoothctl", advice)
    found = (int(match[1]), int(match[2]))
    if found >= OLDEST_BLUEZ:
        return Finding("BlueZ", "ok", f"version {match[0]}")
    oldest = ".".join(map(str, OLDEST_BLUEZ))
    said = f"version {match[0]}, but {oldest} or newer is needed"
    return Finding("BlueZ", "fail", said, "update the system")


async def _bluetoothctl() -> str:
    """Return what bluetoothctl says of its version, which is BlueZ's; empty if there is none."""
    try:
        process = await asyncio.create_subprocess_exec(
            "bluetoothctl", "--version", stdout=asyncio.subprocess.PIPE
        )
    except OSError:
        return ""
    try:
        async with asyncio.timeout(START_S):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return ""
    return said.decode(errors="replace")
