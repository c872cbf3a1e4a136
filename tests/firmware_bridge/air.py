"""Beacons that a test lets a fake BlueZ hear."""

from __future__ import annotations

import struct
from typing import Final
from uuid import UUID

from tests.firmware_bridge.fake_bluez import Packet

UUID_TEXT: Final = "fda50693-a4e2-4fb1-afcf-c6eb07647825"


def packet(minor: int = 1, rssi: int = -60) -> Packet:
    """Return an iBeacon's packet of major 9."""
    data = b"\x02\x15" + UUID(UUID_TEXT).bytes + struct.pack(">HHb", 9, minor, -59)
    return Packet(f"AA:00:00:00:{minor >> 8:02X}:{minor & 255:02X}", rssi, {0x004C: data})


PACKETS: Final = [packet(minor, -50 - minor) for minor in range(10)]
