"""Which radios the command line can open: the one place of `localizer` that names firmware_bridge.

The service uses it too: whatever is imported for people's eyes stays out.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from localizer.clock import Clock
from localizer.sources import Source
from localizer.sources.address import SourceAddress
from localizer.sources.opening import SourceOpener


# An adapter is imported when its scheme is chosen: each needs an extra of its own.
def _open_ble(address: SourceAddress, clock: Clock | None) -> Source:
    from firmware_bridge.ble import open_ble

    return open_ble(address, clock)


def _open_mqtt(address: SourceAddress, clock: Clock | None) -> Source:
    from firmware_bridge.mqtt import open_mqtt

    return open_mqtt(address, clock)


def _open_serial(address: SourceAddress, clock: Clock | None) -> Source:
    from firmware_bridge.serial import open_serial

    return open_serial(address, clock)


RADIO_OPENERS: Final[Mapping[str, SourceOpener]] = MappingProxyType(
    {"ble": _open_ble, "mqtt": _open_mqtt, "mqtts": _open_mqtt, "serial": _open_serial}
)
"""What `localizer.sources.open_source` takes as `openers` to open every kind of source."""
