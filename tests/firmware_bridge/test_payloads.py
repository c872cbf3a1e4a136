import struct
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.payloads import (
    APPLE,
    EDDYSTONE_SERVICE,
    Identity,
    altbeacon,
    eddystone_uid,
    ibeacon,
    identity_in,
    identity_of,
    why_unusable,
)
from localizer.beacons import BeaconId, parse_beacon_id

UUID_TEXT = "fda50693-a4e2-4fb1-afcf-c6eb07647825"
# Written by hand from Apple's and Radius Networks' published layouts, not by the code under test.
IBEACON = bytes.fromhex("0215 fda50693a4e24fb1afcfc6eb07647825 0001 ffff c5")
ALTBEACON = bytes.fromhex("beac 2f234454cf6d4a0fadf2f4911ba9ffa600010002 c5 00")
EDDYSTONE = bytes.fromhex("00 ee edd1ebeac04e5defa017 0123456789ab 0000")


def test_an_ibeacon_is_read() -> None:
    assert ibeacon(IBEACON) == Identity(BeaconId(f"ibeacon:{UUID_TEXT}:1:65535"), -59.0)


def test_an_altbeacon_of_any_company_is_read() -> None:
    beacon = BeaconId("altbeacon:2f234454cf6d4a0fadf2f4911ba9ffa600010002")
    assert identity_of({0x0118: ALTBEACON}, {}) == Identity(beacon, -59.0)
    assert identity_of({0xFFFF: ALTBEACON}, {}) == Identity(beacon, -59.0)


def test_an_eddystone_announces_its_power_at_0_m() -> None:
    beacon = BeaconId("eddystone:edd1ebeac04e5defa017:0123456789ab")
    assert eddystone_uid(EDDYSTONE) == Identity(beacon, -18.0 - 41.0)
    # Older beacons leave out the two reserved bytes.
    assert eddystone_uid(EDDYSTONE[:-2]) == eddystone_uid(EDDYSTONE)


@given(
    uuid=st.uuids(),
    major=st.integers(0, 65_535),
    minor=st.integers(0, 65_535),
    power=st.integers(-128, 127),
)
def test_every_ibeacon_has_a_canonical_id(uuid: UUID, major: int, minor: int, power: int) -> None:
    data = b"\x02\x15" + uuid.bytes + struct.pack(">HHb", major, minor, power)
    found = ibeacon(data)
    assert found == Identity(parse_beacon_id(f"ibeacon:{uuid}:{major}:{minor}"), power)


@given(data=st.binary(max_size=40))
def test_any_bytes_give_a_canonical_id_or_none(data: bytes) -> None:
    for start in (b"", b"\x02\x15", b"\xbe\xac", b"\x00"):
        for read in (ibeacon, altbeacon, eddystone_uid, identity_in):
            found = read(start + data)
            assert found is None or parse_beacon_id(found.beacon) == found.beacon


@pytest.mark.parametrize("data", [IBEACON, ALTBEACON[:23], EDDYSTONE[:18]])
def test_a_payload_that_is_cut_short_is_no_beacon(data: bytes) -> None:
    for end in range(len(data)):
        for read in (ibeacon, altbeacon, eddystone_uid):
            assert read(data[:end]) is None


def test_the_same_bytes_of_another_company_or_frame_are_no_beacon() -> None:
    assert identity_of({0x0059: IBEACON}, {}) is None
    assert identity_of({APPLE: b"\x10\x05" + IBEACON[2:]}, {}) is None
    # An Eddystone-URL and a service that is not Eddystone's.
    assert identity_of({}, {EDDYSTONE_SERVICE: b"\x10" + EDDYSTONE[1:]}) is None
    assert identity_of({}, {EDDYSTONE_SERVICE.replace("feaa", "feab"): EDDYSTONE}) is None


def test_the_first_of_several_identities_is_always_the_same() -> None:
    apple, other = {APPLE: IBEACON}, {0x0118: ALTBEACON}
    services = {EDDYSTONE_SERVICE: EDDYSTONE}
    assert identity_of({**other, **apple}, services) == ibeacon(IBEACON)
    assert identity_of(other, services) == altbeacon(ALTBEACON)
    assert identity_of({}, services) == eddystone_uid(EDDYSTONE)


def structure(kind: int, data: bytes) -> bytes:
    return bytes([len(data) + 1, kind]) + data


FLAGS = structure(0x01, b"\x06")


def test_raw_advertising_data_is_taken_apart() -> None:
    assert identity_in(FLAGS + structure(0xFF, b"\x4c\x00" + IBEACON)) == ibeacon(IBEACON)
    assert identity_in(structure(0xFF, b"\x18\x01" + ALTBEACON)) == altbeacon(ALTBEACON)
    frame = FLAGS + structure(0x03, b"\xaa\xfe") + structure(0x16, b"\xaa\xfe" + EDDYSTONE)
    assert identity_in(frame) == eddystone_uid(EDDYSTONE)


def test_raw_data_ends_at_a_zero_or_at_a_length_that_lies() -> None:
    whole = structure(0xFF, b"\x4c\x00" + IBEACON)
    assert identity_in(b"\x00" + whole) is None
    assert identity_in(whole[:-1]) is None
    assert identity_in(whole + b"\x00\x00\x00") == ibeacon(IBEACON)
    assert identity_in(structure(0xFF, b"\x4c") + whole) == ibeacon(IBEACON)
    assert identity_in(b"") is None


@pytest.mark.parametrize(
    ("rssi_dbm", "reason"),
    [
        (-127, "not_heard"),
        (-128, "not_heard"),
        (float("nan"), "not_heard"),
        (0, "positive_rssi"),
        (20, "positive_rssi"),
        (127, "positive_rssi"),
        (-126.9, None),
        (-1, None),
    ],
)
def test_what_no_antenna_reports_is_no_reading(rssi_dbm: float, reason: str | None) -> None:
    assert why_unusable(rssi_dbm) == reason
