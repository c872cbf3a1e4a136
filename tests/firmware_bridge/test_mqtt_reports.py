import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.mqtt import split_by_tag, to_track
from firmware_bridge.mqtt.espresense import beacon_of
from firmware_bridge.mqtt.gateways import LONGEST_PAYLOAD, GatewayReports, NotForUs, Report
from firmware_bridge.mqtt.tags import receiver_name
from localizer.beacons import BeaconId, parse_beacon_id
from localizer.errors import SiteError
from localizer.scans import Advertisement

UUID = "e5ca1ade-f007-ba11-0000-000000000001"
IBEACON = f"ibeacon:{UUID}:1:10"
S = 10**9
MS = 10**6


def read(topic: str, payload: Any, arrived_ns: int = 100 * S) -> Report:
    return GatewayReports().read(topic, json.dumps(payload).encode(), arrived_ns)


def heard(topic: str, payload: Any) -> Advertisement:
    (one,) = read(topic, payload).advertisements
    return one


ESPRESENSE = {
    "mac": "1a2b3c4d5e6f",
    "id": f"iBeacon:{UUID}-1-10",
    "idType": 20,
    "rssi@1m": -59,
    "rssi": -71.5,
    "rxAdj": 0,
    "distance": 3.1,
    "var": 0.2,
    "close": True,
    "int": 1030,
}

THEENGS = {
    "id": "1A:2B:3C:4D:5E:6F",
    "mac_type": 0,
    "rssi": -66,
    "brand": "GENERIC",
    "model": "iBeacon",
    "model_id": "IBEACON",
    "mfid": "4c00",
    "uuid": UUID.replace("-", ""),
    "major": 1,
    "minor": 10,
    "txpower": -59,
}

OWN = {"beacon": IBEACON, "rssi_dbm": -61}


def test_espresense_says_who_where_and_how_loud() -> None:
    one = heard(f"espresense/devices/iBeacon:{UUID}-1-10/Living Room", ESPRESENSE)
    assert one == Advertisement(BeaconId(IBEACON), -71.5, 100 * S, -59.0, "living-room")


@pytest.mark.parametrize(
    ("device", "beacon"),
    [
        (f"iBeacon:{UUID}-1-10", IBEACON),
        (f"iBeacon:{UUID.upper()}-01-0010", IBEACON),
        (
            f"altBeacon:{UUID}-1-10",
            f"altbeacon:{UUID.replace('-', '')}0001000a",
        ),
        (
            "eddy:00112233445566778899-aabbccddeeff",
            "eddystone:00112233445566778899:aabbccddeeff",
        ),
        # As ESPresense writes it, with the fifth byte twice.
        (
            "eddy:0011223344445566778899-aabbccddeeff",
            "eddystone:00112233445566778899:aabbccddeeff",
        ),
        ("apple:1005:9-24", None),
        ("name:my-watch", None),
        ("known:1a2b3c4d5e6f", None),
    ],
)
def test_ids_of_espresense(device: str, beacon: str | None) -> None:
    assert beacon_of(device) == beacon
    assert beacon is None or parse_beacon_id(beacon) == beacon


def test_theengs_with_what_it_decoded() -> None:
    one = heard("home/OpenMQTTGateway/BTtoMQTT/1A2B3C4D5E6F", THEENGS)
    assert one == Advertisement(BeaconId(IBEACON), -66.0, 100 * S, -59.0, "openmqttgateway")


@pytest.mark.parametrize(
    ("raw", "beacon", "power"),
    [
        (
            {"manufacturerdata": f"4c000215{UUID.replace('-', '')}0001000ac5"},
            IBEACON,
            -59,
        ),
        (
            {"manufacturerdata": "1801beac0102030405060708090a0b0c0d0e0f1011121314bf00"},
            "altbeacon:0102030405060708090a0b0c0d0e0f1011121314",
            -65,
        ),
        (
            {"servicedatauuid": "0xfeaa", "servicedata": "00ec00112233445566778899aabbccddeeff"},
            "eddystone:00112233445566778899:aabbccddeeff",
            -61,
        ),
        (
            {"servicedatauuid": "feaa", "servicedata": "00ec00112233445566778899aabbccddeeff0000"},
            "eddystone:00112233445566778899:aabbccddeeff",
            -61,
        ),
    ],
)
def test_theengs_with_raw_data(raw: dict[str, str], beacon: str, power: float) -> None:
    one = heard("home/gw/BTtoMQTT/1A2B3C4D5E6F", {"id": "1A", "rssi": -66, **raw})
    assert (one.beacon, one.measured_power_dbm) == (beacon, power)


def test_our_own_batches_are_put_in_the_order_of_time() -> None:
    packets = [
        {**OWN, "age_ms": 20},
        {**OWN, "rssi_dbm": -70.5, "age_ms": 250, "measured_power_dbm": -59},
        OWN,
    ]
    report = read("building/2/localizer/desk/adverts", {"adverts": packets})
    assert report.advertisements == [
        Advertisement(BeaconId(IBEACON), -70.5, 100 * S - 250 * MS, -59.0, "desk"),
        Advertisement(BeaconId(IBEACON), -61.0, 100 * S - 20 * MS, None, "desk"),
        Advertisement(BeaconId(IBEACON), -61.0, 100 * S, None, "desk"),
    ]


def test_the_example_in_the_documentation_is_read() -> None:
    text = (Path(__file__).parents[2] / "docs" / "mqtt.md").read_text(encoding="utf-8")
    example = text[text.index('    {"adverts": [') : text.index("| field |")]
    report = read("localizer/desk/adverts", json.loads(example))
    assert [one.beacon.partition(":")[0] for one in report.advertisements] == [
        "ibeacon",
        "eddystone",
    ]


def test_our_own_clock_takes_the_delivery_out_of_the_times() -> None:
    reports = GatewayReports()

    def times(time_ms: int, arrived_ns: int) -> list[int]:
        packets = [{**OWN, "time_ms": time_ms - 100}, {**OWN, "time_ms": time_ms}]
        message = json.dumps({"time_ms": time_ms, "adverts": packets}).encode()
        found = reports.read("localizer/desk/adverts", message, arrived_ns).advertisements
        return [one.time_ns for one in found]

    assert times(1_000, 50 * S) == [50 * S - 100 * MS, 50 * S]
    # A second later by the device, and 300 ms late.
    assert times(2_000, 51 * S + 300 * MS) == [51 * S - 100 * MS, 51 * S]


def test_what_was_heard_long_ago_is_left_out() -> None:
    packets = [OWN, {**OWN, "age_ms": 60_001}]
    report = read("localizer/desk/adverts", {"adverts": packets})
    assert (len(report.advertisements), report.too_old) == (1, 1)


@pytest.mark.parametrize(
    ("topic", "payload", "reason", "words"),
    [
        ("localizer/desk/adverts", [], "malformed", "object"),
        ("localizer/desk/adverts", {"adverts": [{"beacon": IBEACON}]}, "malformed", "rssi_dbm"),
        ("localizer/desk/adverts", {"adverts": [{**OWN, "age": 3}]}, "malformed", "age"),
        ("localizer/desk/adverts", {"adverts": [{**OWN, "age_ms": -3}]}, "malformed", "age_ms"),
        ("localizer/desk/adverts", {"adverts": [{**OWN, "time_ms": 3}]}, "malformed", "time_ms"),
        (
            "localizer/desk/adverts",
            {"adverts": [{**OWN, "time_ms": 3}], "time_ms": 2},
            "malformed",
            "earlier",
        ),
        (
            "localizer/desk/adverts",
            {"adverts": [{**OWN, "time_ms": 3, "age_ms": 2}], "time_ms": 4},
            "malformed",
            "together",
        ),
        (
            "localizer/desk/adverts",
            {"adverts": [{**OWN, "beacon": "1A:2B:3C:4D:5E:6F"}]},
            "malformed",
            "beacon id",
        ),
        ("localizer/ /adverts", {"adverts": []}, "malformed", "receiver"),
        ("espresense/devices/x/desk", {"id": "x"}, "malformed", "rssi"),
        (
            "espresense/devices/x/desk",
            {"id": f"iBeacon:{UUID}-1-70000", "rssi": -60},
            "malformed",
            "65535",
        ),
        ("espresense/devices/x/desk", {"id": "apple:1", "rssi": -60}, "no_beacon", "id that stays"),
        ("home/gw/BTtoMQTT/1A", {"id": "1A", "rssi": -60}, "no_beacon", "id that stays"),
        ("home/gw/BTtoMQTT/1A", {"id": "1A"}, "malformed", "rssi"),
        ("home/gw/BTtoMQTT/1A", {"rssi": -60, "manufacturerdata": "xyz"}, "malformed", "hexa"),
        ("home/gw/SYStoMQTT", {"uptime": 3}, "other_topic", "topic"),
    ],
)
def test_what_is_no_report_says_why(topic: str, payload: Any, reason: str, words: str) -> None:
    with pytest.raises(NotForUs, match=words) as caught:
        read(topic, payload)
    assert caught.value.reason == reason


@given(
    st.sampled_from(["a/b/adverts", "a/devices/b/c", "a/b/BTtoMQTT/c", "a", "", "/"]),
    st.binary(max_size=80) | st.text(max_size=80).map(str.encode),
)
def test_arbitrary_payloads_raise_nothing_else(topic: str, payload: bytes) -> None:
    with pytest.raises(NotForUs):
        GatewayReports().read(topic, payload, 0)


def test_a_payload_without_end_is_refused_unread() -> None:
    with pytest.raises(NotForUs, match="at most"):
        GatewayReports().read("localizer/desk/adverts", b"[" * (LONGEST_PAYLOAD + 1), 0)


@pytest.mark.parametrize(
    ("text", "name"),
    [("Living Room", "living-room"), ("kitchen", "kitchen"), ("Büro 1", "b-ro-1"), ("__x__", "x")],
)
def test_names_of_receivers(text: str, name: str) -> None:
    assert receiver_name(text) == name
    assert parse_beacon_id(f"receiver:{name}") == f"receiver:{name}"


@given(st.text(max_size=100))
def test_every_name_that_is_taken_makes_an_id(text: str) -> None:
    try:
        name = receiver_name(text)
    except SiteError:
        return
    parse_beacon_id(f"receiver:{name}")


def test_tags_become_tracks() -> None:
    one, other = BeaconId("name:tag:1"), BeaconId("name:tag:2")
    stream = [
        Advertisement(one, -50.0, 1, None, "desk"),
        Advertisement(other, -60.0, 2, -59.0, "desk"),
        Advertisement(one, -70.0, 3, None, "door"),
    ]
    assert split_by_tag(stream) == {
        one: [
            Advertisement(BeaconId("receiver:desk"), -50.0, 1),
            Advertisement(BeaconId("receiver:door"), -70.0, 3),
        ],
        other: [Advertisement(BeaconId("receiver:desk"), -60.0, 2, -59.0)],
    }


def test_a_tag_needs_a_receiver() -> None:
    with pytest.raises(SiteError, match="several receivers"):
        to_track(Advertisement(BeaconId("name:tag:1"), -50.0, 1))
