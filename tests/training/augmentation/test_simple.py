"""Noise, its spread, dropped beacons and other receivers."""

import numpy as np
import pytest

from localizer.errors import ConfigError
from localizer.table import FingerprintTable
from tests.training.augmentation.tables import NAN, NO_ROWS, SITE, table
from training.augmentation.device import device
from training.augmentation.dropout import dropout
from training.augmentation.noise import noise
from training.augmentation.rows import Material
from training.augmentation.spread import spread_db

HERE, THERE = (1.0, 1.0), (9.0, 9.0)


def material(rows: FingerprintTable) -> Material:
    return Material(rows, NO_ROWS, SITE, 0)


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_the_spread_is_that_within_visits_not_between_them() -> None:
    """Two visits 40 dB apart, each with readings 2 dB to both sides of its mean."""
    readings = [[at + off, NAN, NAN] for at in (-50, -90) for off in (-2, 2) * 20]
    rows = table(readings, [HERE] * 80, ["a"] * 40 + ["b"] * 40)
    assert spread_db(rows)[0] == pytest.approx(2, rel=0.03)


def test_a_beacon_that_is_heard_too_seldom_has_the_spread_of_all() -> None:
    readings = [[-60 + off, NAN, -70 if i < 2 else NAN] for i, off in enumerate((-3, 3) * 20)]
    spread = spread_db(table(readings, [HERE] * 40))
    assert spread[1] == spread[2]
    assert spread[2] == pytest.approx(np.sqrt(360 / 40))
    assert spread[0] == pytest.approx(np.sqrt(360 / 39))


def test_visits_of_one_scan_fall_back_to_places() -> None:
    rows = table([[-60, NAN, NAN], [-64, NAN, NAN]], [HERE] * 2, ["a", "b"])
    assert spread_db(rows) == pytest.approx([np.sqrt(8)] * 3)


def test_nothing_to_measure_noise_on_is_said() -> None:
    rows = table([[-60, NAN, NAN], [-64, NAN, NAN]], [HERE, THERE])
    with pytest.raises(ConfigError, match="survey places with several scans"):
        noise(material(rows), rng())


def test_noise_keeps_what_is_heard_and_has_the_spread() -> None:
    readings = [[-60 + off, NAN, -70] for off in (-4, 4) * 500]
    new = noise(material(table(readings, [HERE] * 1000)), rng()).rssi_dbm
    assert np.isnan(new[:, 1]).all()
    assert (new - np.array(readings))[:, 0].std() == pytest.approx(4, rel=0.1)
    assert (new[:, 2] == -70).all()


def test_dropout_keeps_readings_drops_some_and_never_all() -> None:
    readings = [[-60, -70, -80]] * 300 + [[-60, NAN, NAN]] * 300
    rows = table(readings, [HERE] * 600)
    new = dropout(material(rows), rng())
    heard = np.isfinite(new.rssi_dbm)
    assert heard.any(axis=1).all()
    assert not heard.all(axis=1).any()
    assert max(row for (row,) in new.sources) < 300
    assert (new.rssi_dbm[heard] == rows.rssi_dbm[[r for (r,) in new.sources]][heard]).all()
    # 1 - 0.7^3 of the scans lose a beacon, 0.3^3 of them all three.
    assert len(new.sources) == pytest.approx(300 * (1 - 0.7**3 - 0.3**3), rel=0.1)


def test_a_receiver_shifts_all_readings_of_a_scan_and_stops_hearing_the_quietest() -> None:
    rows = table([[-60, -70, -90]] * 400, [HERE] * 400)
    new = device(material(rows), rng()).rssi_dbm
    heard = np.isfinite(new)
    assert heard[:, :2].all()
    assert heard[:, 2].mean() == pytest.approx(0.5, abs=0.1)
    assert new[heard].min() >= -90
    assert new[:, 0].std() == pytest.approx(4, rel=0.15)
    assert (new[:, 0] - new[:, 1]).mean() == pytest.approx(10, abs=0.2)
    assert (new[:, 0] - new[:, 1]).std() == pytest.approx(0.5, rel=0.2)
