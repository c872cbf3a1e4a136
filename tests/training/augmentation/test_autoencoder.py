import importlib
from functools import cache

import numpy as np
import pytest

from localizer.table import FingerprintTable
from tests.training.augmentation.tables import NAN, NO_ROWS, SITE, table, unlabelled
from training.augmentation.autoencoder import autoencoder
from training.augmentation.rows import Material

# The package names the function as its module: `from … import` would give the function.
module = importlib.import_module("training.augmentation.autoencoder")

HERE, THERE = (1.0, 1.0), (9.0, 9.0)


@cache
def scans() -> FingerprintTable:
    """Beacons 1 and 2 are always heard together, and beacon 3 alone."""
    rng = np.random.default_rng(0)
    both = [[-60 - d, -70 - d, NAN] for d in rng.integers(0, 10, 200)]
    return unlabelled([*both, *([NAN, NAN, -75 - d] for d in rng.integers(0, 10, 200))])


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def labelled() -> FingerprintTable:
    return table([[-62, -72, NAN]] * 2 + [[NAN, NAN, -80]] * 2, [HERE] * 2 + [THERE] * 2)


@pytest.fixture
def perfect(monkeypatch: pytest.MonkeyPatch) -> None:
    """An autoencoder that gives back what it gets, but hears beacon 2 at -100 dBm in every scan."""

    def rebuilt(levels: np.ndarray, weights: object) -> np.ndarray:
        return np.column_stack([levels[:, 0], np.full(len(levels), 0.5), levels[:, 2]])

    monkeypatch.setattr(module, "_rebuilt", rebuilt)
    monkeypatch.setattr(module, "_weights", lambda *_: ())


def test_it_learns_to_give_back_what_it_gets() -> None:
    """Seed 1 leaves no output dead; with a ReLU there, as published, some seeds do."""
    new = autoencoder(Material(labelled(), scans(), SITE, 1), rng(), rule="published-code")
    assert len(new.sources) > 0
    heard = np.isfinite(new.rssi_dbm)
    given = labelled().rssi_dbm[[row for (row,) in new.sources]]
    both = heard & np.isfinite(given)
    assert both.any()
    assert np.abs(new.rssi_dbm - given)[both].max() < 25
    assert (new.rssi_dbm[heard] >= module.HEARD_DBM).all()


@pytest.mark.usefixtures("perfect")
def test_rows_that_hear_what_the_place_never_heard_are_discarded_as_the_paper_says() -> None:
    material = Material(labelled(), scans(), SITE, 0)
    paper = autoencoder(material, rng())
    assert paper.sources == ((0,), (1,))
    assert paper.rssi_dbm[0] == pytest.approx([-62, -100, NAN], nan_ok=True, abs=1e-4)
    code = autoencoder(material, rng(), rule="published-code")
    assert code.sources == ((0,), (1,), (2,), (3,))


def test_rows_that_hear_nothing_are_discarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_rebuilt", lambda levels, _: np.full_like(levels, 0.3))
    monkeypatch.setattr(module, "_weights", lambda *_: ())
    material = Material(labelled(), scans(), SITE, 0)
    assert autoencoder(material, rng(), rule="published-code").sources == ()


def test_places_with_enough_scans_need_no_rows() -> None:
    rows = table([[-60, -70, NAN]] * 10, [HERE] * 10)
    assert autoencoder(Material(rows, scans(), SITE, 0), rng()).sources == ()


def test_the_levels_are_the_published_ones() -> None:
    rows = table([[-60, NAN, -100]], [HERE])
    assert module._levels(rows) == pytest.approx(np.array([[0.7, 0, 0.5]]), abs=1e-6)
    assert len(module._levels(NO_ROWS)) == 0


def test_readings_come_back_from_levels_and_quiet_ones_as_not_heard() -> None:
    readings = module._readings(np.array([[0.7, 0.34, 0.36]], np.float32))
    assert readings == pytest.approx(np.array([[-60, NAN, -128]]), nan_ok=True, abs=1e-3)
