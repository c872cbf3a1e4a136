"""Theengs and OpenMQTTGateway: one packet a message, ``home/<gateway>/BTtoMQTT/<device>``."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, FiniteFloat

from firmware_bridge.payloads import EDDYSTONE_SERVICE, Identity, identity_of
from localizer.beacons import parse_beacon_id
from localizer.errors import SiteError
from localizer.scans import Advertisement

_U16 = Annotated[int, Field(ge=0, le=65_535)]


class _Device(BaseModel):
    rssi: FiniteFloat
    uuid: UUID | None = None
    major: _U16 | None = None
    minor: _U16 | None = None
    txpower: FiniteFloat | None = None
    manufacturerdata: str = ""
    servicedata: str = ""
    servicedatauuid: str = ""


def read_theengs(receiver: str, payload: bytes, arrived_ns: int) -> Advertisement | None:
    """Read a gateway's message about one packet; None if that is of no beacon.

    What the gateway has decoded (`uuid`, `major`, `minor`, `txpower`) comes before the raw
    `manufacturerdata` and `servicedata`.

    Raises:
        ValidationError: the payload is no such message.
        SiteError: what should be hexadecimal digits is not.
    """
    device = _Device.model_validate_json(payload)
    if device.uuid is not None and device.major is not None and device.minor is not None:
        beacon = parse_beacon_id(f"ibeacon:{device.uuid}:{device.major}:{device.minor}")
        return Advertisement(beacon, device.rssi, arrived_ns, device.txpower, receiver)
    identity = _from_raw(device)
    if identity is None:
        return None
    return Advertisement(
        identity.beacon, device.rssi, arrived_ns, identity.measured_power_dbm, receiver
    )


def _from_raw(device: _Device) -> Identity | None:
    manufacturer = _bytes(device.manufacturerdata)
    service = _bytes(device.servicedata)
    # The company's number stands first, as in the air.
    company = int.from_bytes(manufacturer[:2], "little")
    return identity_of({company: manufacturer[2:]}, {_full_uuid(device.servicedatauuid): service})


def _bytes(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError as error:
        raise SiteError(
            f"manufacturerdata and servicedata must be hexadecimal digits, but got {digits[:80]!r}"
        ) from error


def _full_uuid(text: str) -> str:
    short = text.strip().lower().removeprefix("0x")
    return f"0000{short}{EDDYSTONE_SERVICE[8:]}" if len(short) == 4 else short
