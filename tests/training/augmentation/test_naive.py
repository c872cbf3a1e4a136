from pathlib import Path

import numpy as np

from localizer.table import FingerprintTable
from tests.real_data import uci_files
from tests.training.augmentation.tables import NAN, NO_ROWS, SITE, table
from training.augmentation.naive import few_scan_places, naive
from training.augmentation.rows import Material
from training.surveys import open_survey

HERE = (1.0, 1.0)


def material(rows: FingerprintTable) -> Material:
    return Material(rows, NO_ROWS, SITE, 0)


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_one_new_scan_a_scan_between_the_extremes_of_beacons_heard_in_all() -> None:
    rows = table([[-60, -70, NAN], [-64, -70, -80], [-62, -70, -90]], [HERE] * 3)
    new = naive(material(rows), rng())
    assert new.rssi_dbm.shape == (3, 3)
    assert ((new.rssi_dbm[:, 0] >= -64) & (new.rssi_dbm[:, 0] <= -60)).all()
    assert len(set(new.rssi_dbm[:, 0])) == 3
    assert (new.rssi_dbm[:, 1] == -70).all()
    assert np.isnan(new.rssi_dbm[:, 2]).all()
    assert new.sources == ((0, 1, 2), (1, 0, 2), (2, 0, 1))


def test_places_with_one_scan_or_with_ten_get_none() -> None:
    rows = table([[-60, -70, -80]] * 11, [HERE] + [(2.0, 2.0)] * 10)
    assert list(few_scan_places(rows)) == []
    assert len(naive(material(rows), rng()).sources) == 0


def test_a_place_without_a_beacon_in_all_scans_gives_none() -> None:
    rows = table([[-60, NAN, NAN], [NAN, -70, NAN]], [HERE] * 2)
    assert len(naive(material(rows), rng()).sources) == 0


def test_the_published_code_draws_whole_dbm_from_the_scans_that_hear_the_beacon() -> None:
    rows = table([[-60, -70, NAN], [-64, -70, -80], [-62, NAN, -90]], [HERE] * 3)
    new = naive(material(rows), rng(), rule="published-code").rssi_dbm
    assert set(new[:, 0]) <= {-64, -63, -62, -61}
    assert np.array_equal(new[:, 1], [-70, -70, NAN], equal_nan=True)
    assert ((new[:, 2] >= -90) & (new[:, 2] <= -81)).all()


def test_the_papers_188_are_scans_at_33_of_the_105_places(tmp_path: Path) -> None:
    """With the copies and the sealed days: the counts of the file as published."""
    uci_files()
    rows = open_survey("uci", tmp_path).published("mean")
    places = list(few_scan_places(rows))
    assert len(rows) == 1420
    assert len(np.unique(rows.place)) == 105
    assert len(places) == 33
    assert sum(map(len, places)) == 188
    assert rows.synthetic[np.concatenate(places)].sum() == 65
    assert len(naive(material(rows), rng(), rule="published-code").sources) == 188
    # By the words of the paper fewer: some places have no beacon that all of their scans hear.
    assert len(naive(material(rows), rng()).sources) == 154
