"""ESPresense: one device a message, ``espresense/devices/<device>/<node>``."""

from __future__ import annotations

import re
from typing import Final

from pydantic import BaseModel, Field, FiniteFloat

from localizer.beacons import BeaconId, parse_beacon_id
from localizer.scans import Advertisement

_UUID_ID: Final = re.compile(r"(ibeacon|altbeacon):([0-9a-f-]{36})-(\d+)-(\d+)")
_EDDYSTONE_ID: Final = re.compile(r"eddy:([0-9a-f]{20}|[0-9a-f]{22})-([0-9a-f]{12})")


class _Device(BaseModel):
    id: str
    rssi: FiniteFloat
    at_1_m: FiniteFloat | None = Field(default=None, alias="rssi@1m")


def read_espresense(receiver: str, payload: bytes, arrived_ns: int) -> Advertisement | None:
    """Read a node's message about a device; None if that is no beacon.

    The node's `rssi` is a running median of its last packets, so neither the raw reading nor
    independent of the one before.

    Raises:
        ValidationError: the payload is no such message.
        SiteError: the id looks like a beacon's and is none.
    """
    device = _Device.model_validate_json(payload)
    beacon = beacon_of(device.id)
    if beacon is None:
        return None
    return Advertisement(beacon, device.rssi, arrived_ns, device.at_1_m, receiver)


def beacon_of(device_id: str) -> BeaconId | None:
    """Return the beacon that ESPresense means by an id; None for phones, watches and the rest.

    Raises:
        SiteError: major or minor do not fit.
    """
    text = device_id.strip().lower()
    if match := _UUID_ID.fullmatch(text):
        kind, uuid, major, minor = match.groups()
        if kind == "ibeacon":
            return parse_beacon_id(f"ibeacon:{uuid}:{major}:{minor}")
        plain = uuid.replace("-", "")
        return parse_beacon_id(f"altbeacon:{plain}{int(major):04x}{int(minor):04x}")
    if match := _EDDYSTONE_ID.fullmatch(text):
        namespace, instance = match.groups()
        if len(namespace) == 22:
            # ESPresense writes the fifth byte of the namespace twice (up to v4 at least).
            namespace = namespace[:10] + namespace[12:]
        return parse_beacon_id(f"eddystone:{namespace}:{instance}")
    return None
