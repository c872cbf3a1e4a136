from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localizer.beacons import BeaconId
from localizer.errors import FeatureError
from localizer.features import (
    ALIGNED_SCALE,
    PAPER_VECTOR_SCALE,
    VECTOR_CHANNELS,
    FeatureSpec,
    features,
    scan_to_vector,
)
from localizer.scans import Scan

IDS = tuple(BeaconId(f"name:t:{i}") for i in range(3))
SPEC = FeatureSpec(IDS, "vector", "aligned", "mean", ALIGNED_SCALE, VECTOR_CHANNELS)

rssi_or_silence = st.one_of(st.none(), st.floats(-120, -20, width=32))


def vector_of(values: list[float | None], spec: FeatureSpec = SPEC) -> list[float]:
    rssi = np.asarray([[np.nan if v is None else v for v in values]], np.float32)
    return [float(v) for v in features(rssi, ~np.isnan(rssi), spec)["vector"][0]]


def test_a_scan_becomes_one_value_and_one_bit_a_beacon_in_the_order_of_the_spec() -> None:
    scan = Scan(0, 1.0, {IDS[2]: (-60.0, -70.0), IDS[0]: (-80.0,), BeaconId("name:x:y"): (-1.0,)})
    vector = scan_to_vector(scan, IDS)
    assert vector.mask.tolist() == [True, False, True]
    assert vector.rssi_dbm[[0, 2]].tolist() == [-80.0, -65.0]
    assert np.isnan(vector.rssi_dbm[1])


@pytest.mark.parametrize(("how", "value"), [("mean", -65.0), ("median", -62.0), ("max", -60.0)])
def test_several_readings_become_one(how: Any, value: float) -> None:
    readings = (-60.0, -62.0, -73.0)
    vector = scan_to_vector(Scan(0, 1.0, {IDS[0]: readings}), IDS, how)
    assert vector.rssi_dbm[0] == value


@given(st.lists(rssi_or_silence, min_size=3, max_size=3))
def test_silence_is_0_and_hearing_is_0_to_1_whatever_stands_under_the_mask(values: Any) -> None:
    rssi = np.asarray([[0.0 if v is None else v for v in values]], np.float32)
    mask = np.asarray([[v is not None for v in values]])
    vector = features(rssi, mask, SPEC)["vector"][0]
    level, heard = vector[:3], vector[3:]
    assert heard.tolist() == mask[0].tolist()
    assert (level[~mask[0]] == 0).all()
    assert ((level >= 0) & (level <= 1)).all()


@given(st.floats(-120, -20), st.floats(-120, -20))
def test_louder_is_never_smaller(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert vector_of([low, None, None])[0] <= vector_of([high, None, None])[0]


def test_the_paper_feeds_raw_dbm_and_minus_200() -> None:
    paper = replace(SPEC, convention="paper", scale=PAPER_VECTOR_SCALE, channels=("level",))
    assert vector_of([-63.0, None, -88.0], paper) == [-63.0, -200.0, -88.0]


def test_a_batch_gives_what_its_rows_give() -> None:
    rssi = np.asarray([[-60, np.nan, -70], [np.nan] * 3, [-90, -50, np.nan]], np.float32)
    mask = ~np.isnan(rssi)
    batch = features(rssi, mask, SPEC)["vector"]
    rows = [features(rssi[i : i + 1], mask[i : i + 1], SPEC)["vector"][0] for i in range(3)]
    assert (batch == np.stack(rows)).all()
    assert batch.dtype == np.float32


@pytest.mark.parametrize("shape", [(1, 2), (3,), (1, 4)])
def test_readings_of_another_number_of_beacons_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(FeatureError, match=r"\[n, 3\]"):
        features(np.zeros(shape, np.float32), np.zeros(shape, bool), SPEC)


@pytest.mark.parametrize(
    "change",
    [
        {"beacons": ()},
        {"beacons": (IDS[0], IDS[0])},
        {"channels": ("walkable",)},
        {"channels": ()},
        {"kind": "image", "channels": ("level",)},
    ],
)
def test_a_spec_that_contradicts_itself_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(FeatureError):
        replace(SPEC, **change)
