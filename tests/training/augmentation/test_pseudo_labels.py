from dataclasses import replace

import numpy as np
import pytest

from localizer.errors import ConfigError
from localizer.site import Beacon, Floor, Position, Site
from localizer.table import FingerprintTable
from tests.training.augmentation.tables import BEACONS, NAN, SITE, table, unlabelled
from training.augmentation.pseudo_labels import pseudo_labels
from training.augmentation.rows import Material

PLACES = ((2.0, 2.0), (18.0, 2.0), (2.0, 18.0))


def site(*floors: str) -> Site:
    """The beacons hang at the three places, each on the floor named."""
    beacons = tuple(
        Beacon(one, Position(x_m=x, y_m=y, floor=floor))
        for one, (x, y), floor in zip(BEACONS, PLACES, floors, strict=True)
    )
    outline = SITE.floors[0].outline
    plans = tuple(Floor(name, name, outline) for name in sorted(set(floors)))
    return replace(SITE, floors=plans, beacons=beacons)


ONE_FLOOR = site("0", "0", "0")


def survey() -> FingerprintTable:
    """Two scans at each beacon, which hear it at -55 dBm and the others at -85."""
    rows = [[-55.0 if i == j else -85.0 for j in range(3)] for i in (0, 0, 1, 1, 2, 2)]
    return table(rows, [PLACES[i] for i in (0, 0, 1, 1, 2, 2)])


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def at_first(count: int) -> list[list[float]]:
    return [[-55.0, -85.0, NAN]] * count


def test_scans_of_a_window_share_the_mean_of_their_positions() -> None:
    new = pseudo_labels(Material(survey(), unlabelled(at_first(5)), ONE_FLOOR, 0), rng())
    assert not new.labelled
    assert new.sources[1] == (1, 0, 2, 3, 4)
    assert len(np.unique(new.position_m, axis=0)) == 1
    assert np.linalg.norm(new.position_m[0] - PLACES[0]) < 1
    assert new.rssi_dbm[0, :2].tolist() == [-55, -85]


def test_unsure_short_and_single_beacon_windows_are_left_out() -> None:
    jumping = [[-55.0, -85.0, NAN], [-85.0, -55.0, NAN], [-85.0, NAN, -55.0]] * 2
    alone = [[-55.0, NAN, NAN]] * 5
    for scans in (jumping, alone, at_first(2)):
        new = pseudo_labels(Material(survey(), unlabelled(scans), ONE_FLOOR, 0), rng())
        assert new.sources == ()


def test_no_more_windows_than_surveyed_places() -> None:
    new = pseudo_labels(Material(survey(), unlabelled(at_first(50)), ONE_FLOOR, 0), rng())
    assert len(new.sources) == 3 * 5


def test_scans_of_another_floor_are_left_out() -> None:
    two = site("0", "1", "1")
    upstairs = [[-85.0, -55.0, -60.0]] * 5
    with pytest.raises(ConfigError, match="has 5, none of them on this floor"):
        pseudo_labels(Material(survey(), unlabelled(upstairs), two, 0), rng())
    both = unlabelled([*at_first(5), *upstairs])
    new = pseudo_labels(Material(survey(), both, two, 0), rng())
    assert {row for (row, *_) in new.sources} == set(range(5))
