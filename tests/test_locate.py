from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from localizer.beacons import BeaconId
from localizer.bundle import Bundle, load_bundle
from localizer.errors import FeatureError
from localizer.locate import CHUNK, Locator
from localizer.runtime import ModelOutputs
from localizer.scans import Scan
from tests.edge_bundle import SPREAD_M, spread_locator, write_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(write_bundle(tmp_path_factory.mktemp("bundle")))


def test_next_to_a_beacon_the_position_is_the_beacon(bundle: Bundle) -> None:
    beacon = bundle.site.beacons[4]
    estimate = Locator(bundle).locate(Scan(0, 1.0, {beacon.id: (-50.0, -52.0)}))
    assert estimate.position is not None
    assert beacon.position is not None
    assert (estimate.position.x_m, estimate.position.y_m) == pytest.approx(
        (beacon.position.x_m, beacon.position.y_m), abs=1e-3
    )
    assert (estimate.heard, estimate.bundle) == (1, bundle.id)


def test_nothing_heard_has_no_position(bundle: Bundle) -> None:
    locator = Locator(bundle)
    for readings in ({}, {BeaconId("name:other:site"): (-50.0,)}):
        estimate = locator.locate(Scan(0, 1.0, readings))
        assert estimate.position is None
        assert estimate.heard == 0


def test_a_batch_larger_than_a_chunk_gives_what_single_scans_give(bundle: Bundle) -> None:
    rng = np.random.default_rng(3)
    width = len(bundle.spec.beacons)
    rssi = rng.uniform(-95, -45, (CHUNK + 7, width)).astype(np.float32)
    mask = rng.random(rssi.shape) < 0.4
    mask[5] = False
    locator = Locator(bundle)
    batch = locator.fresh().locate_array(rssi, mask)
    assert np.isnan(batch[5]).all()
    for i in (0, 17, CHUNK, CHUNK + 6):
        readings = {
            b: (float(r),)
            for b, r, m in zip(bundle.spec.beacons, rssi[i], mask[i], strict=True)
            if m
        }
        position = locator.locate(Scan(0, 1.0, readings)).position
        assert position is not None
        assert (position.x_m, position.y_m) == pytest.approx(tuple(batch[i]), abs=1e-3)


def test_arrays_of_another_width_are_refused(bundle: Bundle) -> None:
    with pytest.raises(FeatureError):
        Locator(bundle).locate_array(np.zeros((2, 3), np.float32), np.ones((2, 3), bool))


def test_a_missing_bundle_names_the_path() -> None:
    with pytest.raises(Exception, match="nowhere"):
        load_bundle(Path("nowhere"))


def near(locator: Locator, at: int) -> Scan:
    return Scan(0, 1.0, {locator.bundle.site.beacons[at].id: (-50.0,)})


def test_a_distribution_gives_radii_and_a_covariance() -> None:
    locator = spread_locator()
    said = locator.locate(near(locator, 5))
    # A circular normal: 68 % within 1.51 sd, 95 % within 2.45 sd; cells are 2 m wide.
    assert said.r68_m == pytest.approx(1.51 * SPREAD_M, abs=1.0)
    assert said.r95_m == pytest.approx(2.45 * SPREAD_M, abs=1.0)
    assert said.covariance_m2 is not None
    (xx, xy), (yx, yy) = said.covariance_m2
    assert xy == yx == pytest.approx(0, abs=0.2)
    assert xx == pytest.approx(SPREAD_M**2, rel=0.15)
    assert yy == pytest.approx(SPREAD_M**2, rel=0.15)


def test_a_model_without_a_distribution_gives_neither(bundle: Bundle) -> None:
    said = Locator(bundle).locate(near(Locator(bundle), 5))
    assert said.position is not None
    assert (said.covariance_m2, said.r68_m, said.r95_m) == (None, None, None)
    ones = np.ones((2, len(bundle.spec.beacons)), bool)
    found = Locator(bundle).estimate_array(np.full(ones.shape, -60, np.float32), ones)
    assert np.isfinite(found.position_m).all()
    assert np.isnan(found.radii_m).all()


def test_radii_of_a_batch_are_those_of_single_scans() -> None:
    locator = spread_locator()
    width = len(locator.bundle.spec.beacons)
    rssi = np.random.default_rng(4).uniform(-95, -45, (CHUNK + 2, width)).astype(np.float32)
    mask = rssi > -80
    mask[3] = False
    found = locator.fresh().estimate_array(rssi, mask)
    np.testing.assert_array_equal(found.position_m, locator.fresh().locate_array(rssi, mask))
    assert np.isnan(found.radii_m[3]).all()
    for i in (0, CHUNK - 1, CHUNK + 1):
        readings = {locator.bundle.spec.beacons[j]: (float(rssi[i, j]),)
                    for j in np.flatnonzero(mask[i])}  # fmt: skip
        one = locator.locate(Scan(0, 1.0, readings))
        assert [one.r68_m, one.r95_m] == pytest.approx(found.radii_m[i].tolist(), abs=1e-3)


def test_a_distribution_that_is_no_number_leaves_the_position_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    locator = spread_locator()
    run_all = locator.bundle.model.run_all

    def broken(inputs: Mapping[str, NDArray[np.float32]]) -> ModelOutputs:
        said = run_all(inputs)
        assert said.log_probability is not None
        return said._replace(log_probability=said.log_probability * np.nan)

    monkeypatch.setattr(locator.bundle.model, "run_all", broken)
    said = locator.locate(near(locator, 5))
    assert said.position is not None
    assert (said.covariance_m2, said.r68_m, said.r95_m) == (None, None, None)
