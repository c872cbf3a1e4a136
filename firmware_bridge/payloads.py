"""Who sent a packet: the identity that a beacon puts into its own payload."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple
from uuid import UUID

from localizer.beacons import BeaconId

APPLE: Final = 0x004C
"""Bluetooth SIG's number of the company whose format iBeacon is."""

EDDYSTONE_SERVICE: Final = "0000feaa-0000-1000-8000-00805f9b34fb"
"""The 16-bit service FEAA in full, as operating systems give it."""

EDDYSTONE_LOSS_DB: Final = 41
"""What a signal loses on its first metre by Eddystone's specification, dB: the frame gives the
power at 0 m, and everybody else that at 1 m."""

RSSI_UNKNOWN_DBM: Final = -127
"""What Bluetooth controllers and stacks give where they measured nothing, dBm."""

_IBEACON: Final = struct.Struct(">2s16sHHb")
_ALTBEACON: Final = struct.Struct(">2s20sb")
_EDDYSTONE_UID: Final = struct.Struct(">Bb10s6s")
_SERVICE_DATA_16: Final = 0x16
_MANUFACTURER_DATA: Final = 0xFF
"""Types of advertising data (Bluetooth Assigned Numbers, 2.3)."""


class Identity(NamedTuple):
    """What a payload says about its sender."""

    beacon: BeaconId
    measured_power_dbm: float
    """RSSI at 1 m that the beacon announces, dBm."""


def identity_of(
    manufacturer_data: Mapping[int, bytes], service_data: Mapping[str, bytes]
) -> Identity | None:
    """Return who sent a packet; None if it is no beacon that we know.

    A packet that says several things at once is an iBeacon before an AltBeacon before an
    Eddystone.

    Args:
        manufacturer_data: bytes behind the company's number, by that number.
        service_data: bytes behind the service, by its 128-bit UUID in lower case.
    """
    found = ibeacon(manufacturer_data.get(APPLE, b""))
    if found is None:
        found = next(filter(None, map(altbeacon, manufacturer_data.values())), None)
    return found or eddystone_uid(service_data.get(EDDYSTONE_SERVICE, b""))


def identity_in(payload: bytes) -> Identity | None:
    """Return who sent a packet, from its raw advertising data; None if no known beacon or damaged.

    Args:
        payload: length, type and data, one structure after the other (Bluetooth Core, 3-C-11).
    """
    manufacturer: dict[int, bytes] = {}
    services: dict[str, bytes] = {}
    for kind, data in _structures(payload):
        if len(data) < 2:
            continue
        number = int.from_bytes(data[:2], "little")
        if kind == _MANUFACTURER_DATA:
            manufacturer[number] = data[2:]
        elif kind == _SERVICE_DATA_16:
            services[f"0000{number:04x}{EDDYSTONE_SERVICE[8:]}"] = data[2:]
    return identity_of(manufacturer, services)


def _structures(payload: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    # A length of 0 ends the data early, one that points behind the end ends what can be trusted.
    while at < len(payload) and 0 < payload[at] < len(payload) - at:
        yield payload[at + 1], payload[at + 2 : at + 1 + payload[at]]
        at += 1 + payload[at]


def ibeacon(data: bytes) -> Identity | None:
    """Read Apple's manufacturer data: 02 15, UUID, major, minor, measured power."""
    if not data.startswith(b"\x02\x15") or len(data) < _IBEACON.size:
        return None
    _, uuid, major, minor, power = _IBEACON.unpack_from(data)
    return Identity(BeaconId(f"ibeacon:{UUID(bytes=uuid)}:{major}:{minor}"), float(power))


def altbeacon(data: bytes) -> Identity | None:
    """Read any company's manufacturer data: BE AC, 20 bytes of id, reference RSSI."""
    if not data.startswith(b"\xbe\xac") or len(data) < _ALTBEACON.size:
        return None
    _, identity, power = _ALTBEACON.unpack_from(data)
    return Identity(BeaconId(f"altbeacon:{identity.hex()}"), float(power))


def eddystone_uid(data: bytes) -> Identity | None:
    """Read the service data of FEAA: frame type 00, power at 0 m, namespace, instance."""
    if not data.startswith(b"\x00") or len(data) < _EDDYSTONE_UID.size:
        return None
    _, power, namespace, instance = _EDDYSTONE_UID.unpack_from(data)
    beacon = BeaconId(f"eddystone:{namespace.hex()}:{instance.hex()}")
    return Identity(beacon, float(power - EDDYSTONE_LOSS_DB))


def why_unusable(rssi_dbm: float) -> str | None:
    """Return why an RSSI is no reading, as a reason to count it under; None if it is one.

    ``not_heard``: -127 dBm and below (or not a number), which stacks report for "unknown".
    ``positive_rssi``: 0 dBm and above, which no antenna receives.
    """
    if rssi_dbm >= 0:
        return "positive_rssi"
    return None if rssi_dbm > RSSI_UNKNOWN_DBM else "not_heard"
