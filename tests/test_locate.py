from pathlib import Path

import numpy as np
import pytest

from localizer.beacons import BeaconId
from localizer.bundle import Bundle, load_bundle
from localizer.errors import FeatureError
from localizer.locate import CHUNK, Locator
from localizer.scans import Scan
from tests.edge_bundle import write_bundle


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
