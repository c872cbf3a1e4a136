from dataclasses import replace

import numpy as np
import pytest

from localizer.errors import ConfigError
from localizer.site import Floor
from localizer.table import FingerprintTable
from tests.training.augmentation.tables import NAN, NO_ROWS, SITE, table
from training.augmentation.interpolation import SCANS_A_PLACE, interpolation
from training.augmentation.rows import Material


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def corridor() -> FingerprintTable:
    """Three places 4 m apart: beacon 1 falls by 10 dB a place, 2 is at the last place alone."""
    places = [(2.0 + 4 * i, 10.0) for i in (0, 0, 1, 1, 2, 2)]
    rows = [[-50 - 10 * (i // 2), NAN if i < 4 else -60, NAN] for i in range(6)]
    return table(rows, places)


def test_new_places_lie_halfway_and_hear_what_lies_between() -> None:
    new = interpolation(Material(corridor(), NO_ROWS, SITE, 0), rng())
    assert {tuple(at) for at in new.position_m} == {(4.0, 10.0), (8.0, 10.0)}
    first = new.rssi_dbm[new.position_m[:, 0] == 4]
    # No noise was measured, so the level is that of the inverse squares 1/4, 1/4 and 1/36.
    level = np.average([-50, -60, -70], weights=[1 / 4, 1 / 4, 1 / 36])
    assert first[:, 0] == pytest.approx(np.full(SCANS_A_PLACE, level), abs=1e-9)
    assert np.isnan(new.rssi_dbm[:, 2]).all()


def test_a_beacon_is_heard_in_the_share_that_lies_between() -> None:
    shares = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        new = interpolation(Material(corridor(), NO_ROWS, SITE, 0), rng)
        shares.append(np.isfinite(new.rssi_dbm[new.position_m[:, 0] == 8, 1]).mean())
    assert np.mean(shares) == pytest.approx(9 / 19, abs=0.04)


def test_sources_are_the_scans_of_the_neighbours_nearest_first() -> None:
    new = interpolation(Material(corridor(), NO_ROWS, SITE, 0), rng())
    rows = new.sources[0]
    assert set(rows) == set(range(6))
    assert set(rows[:4]) == {0, 1, 2, 3}


def test_no_place_where_nobody_can_walk() -> None:
    wall = ((3.0, 0.0), (5.0, 0.0), (5.0, 20.0), (3.0, 20.0))
    site = replace(SITE, floors=(Floor("0", "Ground", SITE.floors[0].outline, (wall,)),))
    new = interpolation(Material(corridor(), NO_ROWS, site, 0), rng())
    assert {tuple(at) for at in new.position_m} == {(8.0, 10.0)}


def test_one_place_is_too_few() -> None:
    rows = table([[-60, NAN, NAN]] * 2, [(1.0, 1.0)] * 2)
    with pytest.raises(ConfigError, match="two surveyed places or more"):
        interpolation(Material(rows, NO_ROWS, SITE, 0), rng())
