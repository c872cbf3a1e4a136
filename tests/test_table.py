from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from localizer.beacons import BeaconId
from localizer.errors import SurveyError
from localizer.features import Aggregation, scan_to_vector
from localizer.scans import Fingerprint
from localizer.site import Position
from localizer.table import FingerprintTable, table_from_fingerprints
from tests import strategies
from tests.strategies import fingerprint

B1, B2, B3 = (BeaconId(f"name:uci:b300{number}") for number in (1, 2, 3))


@pytest.fixture
def table() -> FingerprintTable:
    rows = [
        fingerprint(1, readings={B1: (-70.0, -60.0, -62.0)}, visit="a"),
        fingerprint(2, readings={B3: (-80.0,), B1: (-50.5,)}, position=None, visit="b"),
        fingerprint(3, readings={}, position=Position(1.0, 2.0, "0"), visit="c"),
        replace(fingerprint(4, visit="a"), synthetic="copy"),
    ]
    return table_from_fingerprints(rows, [B3, B1], "median")


def test_columns_follow_the_beacons_and_other_beacons_are_left_out(
    table: FingerprintTable,
) -> None:
    assert table.beacons == (B3, B1)
    nan = np.nan
    expected = [[nan, -62.0], [-80.0, -50.5], [nan, nan], [nan, -70.0]]
    np.testing.assert_array_equal(table.rssi_dbm, np.array(expected, np.float32))
    np.testing.assert_array_equal(table.mask, ~np.isnan(expected))


def test_every_array_has_its_type(table: FingerprintTable) -> None:
    assert table.rssi_dbm.dtype == np.float32
    assert table.mask.dtype == np.bool_
    assert table.position_m.dtype == np.float64
    assert table.time.dtype == "datetime64[us]"
    assert table.place.dtype == np.int64
    assert table.synthetic.tolist() == [False, False, False, True]
    assert table.visit.tolist() == ["a", "b", "c", "a"]
    assert table.device.tolist() == ["phone"] * 4
    assert table.time[0] == np.datetime64("2016-04-19T12:00:01.000000")


def test_the_unlabelled_have_no_position_no_floor_and_no_place(table: FingerprintTable) -> None:
    assert table.labelled.tolist() == [True, False, True, True]
    assert np.isnan(table.position_m[1]).all()
    assert table.floor.tolist() == ["1", "", "0", "1"]
    assert table.place.tolist() == [1, -1, 0, 1]


def test_time_is_utc_to_the_microsecond() -> None:
    when = datetime(2016, 4, 19, 12, 0, 0, 123457, tzinfo=UTC)
    table = table_from_fingerprints([replace(fingerprint(), time_utc=when)], [B1], "mean")
    assert table.time[0] == np.datetime64("2016-04-19T12:00:00.123457")


@pytest.mark.parametrize("beacons", [[], [B1, B2]])
def test_no_fingerprints_give_a_table_of_no_rows(beacons: list[BeaconId]) -> None:
    table = table_from_fingerprints([], beacons, "mean")
    assert len(table) == 0
    assert table.rssi_dbm.shape == table.mask.shape == (0, len(beacons))
    assert table.position_m.shape == (0, 2)
    assert table.place.shape == table.labelled.shape == table.time.shape == (0,)
    assert table.session.dtype.kind == "U"
    assert len(table.rows(np.array([], np.int64))) == 0


def test_a_table_of_unlabelled_rows_has_no_places() -> None:
    table = table_from_fingerprints([fingerprint(position=None)] * 3, [B1], "mean")
    assert table.place.tolist() == [-1, -1, -1]


@given(st.lists(strategies.fingerprints, max_size=5), st.sampled_from(["mean", "median", "max"]))
def test_rows_are_what_the_one_function_gives(
    fingerprints: list[Fingerprint], aggregation: Aggregation
) -> None:
    beacons = sorted({beacon for one in fingerprints for beacon in one.scan.readings})[1:]
    table = table_from_fingerprints(iter(fingerprints), beacons, aggregation)
    assert len(table) == len(fingerprints)
    for at, one in enumerate(fingerprints):
        rssi, mask = scan_to_vector(one.scan, beacons, aggregation)
        np.testing.assert_array_equal(table.rssi_dbm[at], rssi)
        np.testing.assert_array_equal(table.mask[at], mask)
        assert table.labelled[at] == (one.position is not None)
    assert table.session.tolist() == [one.session for one in fingerprints]


@pytest.mark.parametrize(
    "which", [np.array([True, False, True, True]), np.array([0, 2, 3]), np.array([3, 2, 0])]
)
def test_rows_picks_by_mask_or_index(table: FingerprintTable, which: NDArray[Any]) -> None:
    part = table.rows(which)
    assert len(part) == 3
    np.testing.assert_array_equal(part.rssi_dbm, table.rssi_dbm[which])
    assert part.visit.tolist() == table.visit[which].tolist()
    assert part.beacons == table.beacons


def test_rows_picks_a_slice(table: FingerprintTable) -> None:
    assert table.rows(slice(1, None)).visit.tolist() == ["b", "c", "a"]


def test_places_do_not_depend_on_the_order_of_the_rows() -> None:
    rng = np.random.default_rng(3)
    spots = [Position(float(x), float(y), f) for x in (10, 9) for y in (2, -1) for f in "21"]
    table = table_from_fingerprints([fingerprint(position=at) for at in spots * 2], [B1], "mean")
    assert sorted(set(table.place.tolist())) == list(range(8))
    order = rng.permutation(len(table))
    np.testing.assert_array_equal(table.rows(order).place, table.place[order])


def test_arrays_of_other_sizes_are_refused(table: FingerprintTable) -> None:
    with pytest.raises(SurveyError, match=r"mask must have shape \(4, 2\), but got \(3, 2\)"):
        replace(table, mask=table.mask[1:])
    with pytest.raises(SurveyError, match="position_m"):
        replace(table, position_m=table.position_m[:, :1])


def test_a_beacon_twice_and_an_unknown_aggregation_are_refused() -> None:
    with pytest.raises(SurveyError, match="once"):
        table_from_fingerprints([], [B1, B1], "mean")
    with pytest.raises(SurveyError, match="'mode'"):
        table_from_fingerprints([], [B1], "mode")  # type: ignore[arg-type]
