import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localizer.beacons import BeaconId
from localizer.fixes import (
    OUTSIDE_MARGIN_M,
    Fix,
    Heard,
    Judge,
    error_m,
    fix_to_dict,
    fix_to_json,
    heard_in,
)
from localizer.locate import PositionEstimate
from localizer.scans import Scan
from localizer.site import Position
from tests.edge_bundle import demo_locator

B01, B02 = BeaconId("name:demo:b01"), BeaconId("name:demo:b02")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def judge() -> Judge:
    return Judge(demo_locator().bundle)


def fix(**changes: object) -> Fix:
    fields: dict[str, object] = {
        "seq": 7,
        "time_utc": NOON,
        "published_utc": NOON,
        "x_m": 1.23456,
        "y_m": 2.0,
        "floor": "0",
        "status": "ok",
        "cause": None,
        "heard": (Heard(B01, -50.0),),
        "bundle": "b",
    }
    return Fix(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_position_on_the_floor_stands() -> None:
    estimate = PositionEstimate(Position(3.0, 4.0, "0"), 2, "b")
    assert judge().judge(estimate, heard_other=False) == ("ok", None, Position(3.0, 4.0, "0"))


@pytest.mark.parametrize("x_m", [-OUTSIDE_MARGIN_M, 24 + OUTSIDE_MARGIN_M])
def test_a_position_within_the_margin_stands_and_beyond_it_does_not(x_m: float) -> None:
    assert judge().judge_xy(x_m, 5.0).status == "ok"
    beyond = judge().judge_xy(x_m + math.copysign(0.01, x_m), 5.0)
    assert beyond == ("out_of_area", "outside_floor", None)


@pytest.mark.parametrize("y_m", [-OUTSIDE_MARGIN_M - 0.01, 16 + OUTSIDE_MARGIN_M + 0.01])
def test_the_margin_holds_along_y_too(y_m: float) -> None:
    assert judge().judge_xy(5.0, y_m).status == "out_of_area"


@given(st.floats(), st.floats())
def test_whatever_a_model_says_only_finite_positions_near_the_floor_leave(
    x: float, y: float
) -> None:
    verdict = judge_once().judge_xy(x, y)
    assert (verdict.status == "ok") == (verdict.position is not None)
    if verdict.position is not None:
        assert -3 <= verdict.position.x_m <= 27
        assert -3 <= verdict.position.y_m <= 19
    else:
        assert verdict.cause is not None


_JUDGES: list[Judge] = []


def judge_once() -> Judge:
    if not _JUDGES:
        _JUDGES.append(judge())
    return _JUDGES[0]


@pytest.mark.parametrize(
    ("heard", "other", "cause"),
    [
        (0, False, "nothing_heard"),
        (0, True, "no_known_beacon"),
        (1, False, "too_few_beacons"),
        (1, True, "too_few_beacons"),
    ],
)
def test_no_position_says_why(heard: int, other: bool, cause: str) -> None:
    verdict = judge().judge(PositionEstimate(None, heard, "b"), heard_other=other)
    assert verdict == ("no_signal", cause, None)


def test_heard_is_of_the_bundle_aggregated_and_loudest_first() -> None:
    scan = Scan(0, 1.0, {B01: (-80.0, -70.0), B02: (-60.04,), BeaconId("name:x:y"): (-10.0,)})
    heard = heard_in(scan, demo_locator().bundle)
    assert heard == (Heard(B02, -60.0), Heard(B01, -75.0))


def test_single_readings_give_the_same_as_aggregated_ones() -> None:
    bundle = demo_locator().bundle
    single = heard_in(Scan(0, 1.0, {B01: (-70.0,), B02: (-70.0,)}), bundle)
    twice = heard_in(Scan(0, 1.0, {B02: (-70.0, -70.0), B01: (-70.0, -70.0)}), bundle)
    assert single == twice == (Heard(B01, -70.0), Heard(B02, -70.0))


def test_a_fix_as_json_is_one_line_in_millimetres() -> None:
    text = fix_to_json(fix(truth=(1.0, 2.0), error_m=0.23456))
    assert "\n" not in text
    document = json.loads(text)
    assert document["x_m"] == 1.235
    assert document["error_m"] == 0.235
    assert document["truth"] == {"x_m": 1.0, "y_m": 2.0}
    assert document["time_utc"] == "2026-11-21T12:00:00.000Z"
    assert document["heard"] == [{"beacon": B01, "rssi_dbm": -50.0}]


def test_radii_are_sent_in_millimetres_and_null_without_a_distribution() -> None:
    document = fix_to_dict(fix(r68_m=1.23456, r95_m=3.0))
    assert (document["r68_m"], document["r95_m"]) == (1.235, 3.0)
    assert (fix_to_dict(fix())["r68_m"], fix_to_dict(fix())["r95_m"]) == (None, None)


def test_a_fix_without_position_has_nulls() -> None:
    document = fix_to_dict(fix(x_m=None, y_m=None, status="no_signal", cause="nothing_heard"))
    assert document["x_m"] is None
    assert document["y_m"] is None
    assert document["truth"] is None


def test_nan_raises_instead_of_leaving() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        fix_to_json(fix(x_m=math.nan))


def test_the_error_needs_both() -> None:
    here, there = Position(0.0, 0.0), Position(3.0, 4.0)
    assert error_m(here, there) == 5.0
    assert error_m(None, there) is None
    assert error_m(here, None) is None
