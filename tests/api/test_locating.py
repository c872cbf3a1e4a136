import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localizer.api.locating import MAX_BODY_BYTES, LocateEndpoint
from localizer.api.messages import MAX_READINGS, LocateAnswer
from localizer.api.problems import MEDIA_TYPE
from localizer.beacons import BeaconId
from localizer.scans import Scan
from tests.api.clients import client
from tests.edge_bundle import demo_locator, spread_locator

B01, B02 = "name:demo:b01", "name:demo:b02"


def locate(readings: Any) -> Any:
    with client() as made:
        answer = made.post("/v1/locate", json={"readings": readings})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        LocateAnswer.model_validate_json(answer.content)
        return answer.json()


def refused(**request: Any) -> Any:
    with client() as made:
        answer = made.post("/v1/locate", **request)
        assert answer.headers["content-type"] == MEDIA_TYPE
        problem = answer.json()
        assert problem["status"] == answer.status_code
        return problem


def test_a_scan_gets_its_position() -> None:
    answer = locate({B02: -70, B01: -50})
    assert answer["status"] == "ok"
    assert (answer["x_m"], answer["y_m"]) == pytest.approx((2.416, 1.4295), abs=0.001)
    assert answer["cause"] is None
    assert answer["floor"] == "0"
    assert answer["bundle"] == "demo-weighted_centroid-test"
    assert answer["heard"] == [
        {"beacon": B01, "rssi_dbm": -50.0},
        {"beacon": B02, "rssi_dbm": -70.0},
    ]


def test_it_is_what_the_locator_says() -> None:
    answer = locate({B01: -61.5, B02: -70.25})
    position = (
        demo_locator()
        .locate(Scan(0, 0.0, {BeaconId(B01): (-61.5,), BeaconId(B02): (-70.25,)}))
        .position
    )
    assert position is not None
    assert (answer["x_m"], answer["y_m"]) == pytest.approx((position.x_m, position.y_m), abs=6e-4)


def test_radii_come_with_a_position_from_a_bundle_with_a_distribution() -> None:
    endpoint = LocateEndpoint(spread_locator())
    found, silent = (
        LocateAnswer.model_validate_json(endpoint.answer(json.dumps({"readings": r}).encode()))
        for r in ({B01: -50}, {})
    )
    assert found.r68_m is not None
    assert found.r95_m is not None
    assert 0 < found.r68_m < found.r95_m
    assert (silent.r68_m, silent.r95_m) == (None, None)
    without = locate({B01: -50})
    assert (without["r68_m"], without["r95_m"]) == (None, None)


def test_unknown_beacons_are_ignored_and_counted() -> None:
    alone, beside = locate({B01: -50}), locate({B01: -50, "name:shop:1": -30})
    assert beside["ignored"] == 1
    assert {**beside, "ignored": 0} == alone


@pytest.mark.parametrize(
    ("readings", "cause"), [({}, "nothing_heard"), ({"name:shop:1": -30}, "no_known_beacon")]
)
def test_without_known_beacons_there_is_no_position(readings: dict[str, float], cause: str) -> None:
    answer = locate(readings)
    assert (answer["status"], answer["cause"]) == ("no_signal", cause)
    assert answer["x_m"] is None
    assert answer["y_m"] is None
    assert answer["heard"] == []


def test_spellings_of_one_beacon_are_readings_of_one_beacon() -> None:
    assert locate({"  NAME:Demo:B01 ": -50}) == locate({B01: -50})
    both = locate({"NAME:demo:b01": -60, B01: -50})
    assert both["heard"] == [{"beacon": B01, "rssi_dbm": -55.0}]


@pytest.mark.parametrize(
    "value", [0, 5, -127, -200, "NaN", "Infinity", "-Infinity", '"-50"', "true", "null", "[-50]"]
)
def test_a_level_must_be_one(value: object) -> None:
    problem = refused(content=f'{{"readings": {{"{B01}": {value}}}}}')
    assert problem["status"] == 422
    assert problem["type"] == "urn:localizer:problem:invalid-field"
    assert problem["field"] == f"readings.{B01}"
    assert problem["got"]


@pytest.mark.parametrize(
    "beacon", ["aa:bb:cc:dd:ee:ff", "", "name:demo", "ibeacon:x:1:2", "é" * 500]
)
def test_an_id_must_be_of_a_known_form(beacon: str) -> None:
    problem = refused(json={"readings": {B01: -50, beacon: -60}})
    assert problem["status"] == 422
    assert problem["field"].startswith("readings.")
    assert len(problem["field"]) < 200
    assert "must have one of the forms" in problem["detail"]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"", "body"),
        (b'{"readings":', "body"),
        (b"\xff\xfe", "body"),
        (b"[]", "body"),
        (b"{}", "readings"),
        (b'{"readings": []}', "readings"),
        (b'{"readings": {}, "extra": 1}', "extra"),
    ],
)
def test_a_body_must_be_a_locate_request(content: bytes, field: str) -> None:
    problem = refused(content=content)
    assert (problem["status"], problem["field"]) == (422, field)


def test_there_are_bounds_on_readings_and_bytes() -> None:
    many = {f"name:shop:{i}": -50 for i in range(MAX_READINGS + 1)}
    assert refused(json={"readings": many})["field"] == "readings"
    del many["name:shop:0"]
    assert locate(many)["ignored"] == MAX_READINGS
    problem = refused(content=b" " * (MAX_BODY_BYTES + 1))
    assert (problem["status"], problem["field"]) == (413, "body")


async def chunks() -> AsyncIterator[bytes]:
    for _ in range(100):
        yield b" " * 65_536


def test_a_body_without_a_length_is_bounded_too() -> None:
    problem = refused(content=chunks())
    assert problem["status"] == 413


def test_other_methods_are_named() -> None:
    with client() as made:
        answer = made.request("PUT", "/v1/locate", json={})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["type"] == "urn:localizer:problem:method-not-allowed"


_ENDPOINTS: list[LocateEndpoint] = []


@given(st.dictionaries(st.sampled_from([f"name:demo:b{i:02d}" for i in range(1, 13)]),
                       st.floats(-126.9, -0.1)))  # fmt: skip
def test_every_scan_in_range_has_an_answer(readings: dict[str, float]) -> None:
    if not _ENDPOINTS:
        _ENDPOINTS.append(LocateEndpoint(demo_locator()))
    answer = LocateAnswer.model_validate_json(
        _ENDPOINTS[0].answer(json.dumps({"readings": readings}).encode())
    )
    assert (answer.status == "ok") == (answer.x_m is not None) == bool(readings)
    assert len(answer.heard) == len(readings)
