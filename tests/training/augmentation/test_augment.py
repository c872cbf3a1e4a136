"""The contract that every augmentation keeps, and what `augment` refuses."""

from dataclasses import replace
from functools import cache
from typing import get_args

import numpy as np
import pytest

from localizer.errors import ConfigError, SurveyError
from localizer.table import FingerprintTable
from tests.training.augmentation.tables import NO_ROWS, SITE, table
from tests.training.simulated import small_site, small_table
from training.augmentation import AUGMENTATIONS, Augmented, augment
from training.config import AugmentationName

EVERY = list(AUGMENTATIONS)


@cache
def labelled() -> FingerprintTable:
    return small_table()


@cache
def walk() -> FingerprintTable:
    """The simulated scans without their positions: as somebody walks who labels nothing."""
    rows = labelled()
    nowhere = np.full_like(rows.position_m, np.nan)
    one = np.full_like(rows.visit, rows.visit[0])
    return replace(rows, position_m=nowhere, floor=np.full_like(rows.floor, ""), visit=one)


@cache
def made(name: str, *, seed: int = 3) -> Augmented:
    return augment([name], labelled(), walk(), small_site(), seed=seed)


def same(one: FingerprintTable, other: FingerprintTable) -> bool:
    return np.array_equal(one.rssi_dbm, other.rssi_dbm, equal_nan=True) and np.array_equal(
        one.position_m, other.position_m
    )


def test_configurations_know_every_name() -> None:
    assert set(get_args(AugmentationName)) == set(AUGMENTATIONS)


@pytest.mark.parametrize("name", EVERY)
def test_rows_are_new_synthetic_heard_and_on_the_floor(name: str) -> None:
    rows = made(name).table
    assert len(rows) > 0
    assert rows.synthetic.all()
    assert rows.labelled.all()
    assert rows.mask.any(axis=1).all()
    assert (np.isfinite(rows.rssi_dbm) == rows.mask).all()
    assert set(rows.floor) == set(labelled().floor)
    assert rows.beacons == labelled().beacons


@pytest.mark.parametrize("name", EVERY)
def test_each_row_says_what_made_it_and_has_the_time_of_its_first_source(name: str) -> None:
    done = made(name)
    assert len(done.provenance) == len(done.table)
    assert sum(done.counts().values()) == len(done.table)
    for i, row in enumerate(done.provenance):
        source = labelled() if row.labelled else walk()
        assert row.method in EVERY
        assert row.method != "hybrid"
        assert row.seed == 3
        assert done.table.time[i] == source.time[row.rows[0]]
        assert done.table.session[i] == source.session[row.rows[0]]
        assert max(row.rows) < len(source)


@pytest.mark.parametrize("name", EVERY)
def test_the_order_of_the_rows_changes_nothing(name: str) -> None:
    shuffle = np.random.default_rng(0)
    order, other = (shuffle.permutation(len(t)) for t in (labelled(), walk()))
    again = augment([name], labelled().rows(order), walk().rows(other), small_site(), seed=3)
    first = made(name)
    assert same(again.table, first.table)
    for one, two in zip(first.provenance, again.provenance, strict=True):
        numbers = order if two.labelled else other
        assert one.rows == tuple(numbers[list(two.rows)].tolist())


@pytest.mark.parametrize("name", [n for n in EVERY if n != "pseudo-labels"])
def test_another_seed_makes_other_rows(name: str) -> None:
    assert not same(made(name, seed=4).table, made(name).table)


def test_a_method_makes_the_same_rows_whatever_others_are_named() -> None:
    both = augment(["noise", "device"], labelled(), walk(), small_site(), seed=3)
    alone = made("device").table
    assert same(both.table.rows(slice(-len(alone), None)), alone)


def test_hybrid_is_naive_and_autoencoder() -> None:
    assert made("hybrid").counts() == {
        **made("naive").counts(),
        **made("autoencoder").counts(),
    }


@pytest.mark.parametrize("name", [n for n in EVERY if AUGMENTATIONS[n].needs_unlabelled])
def test_without_unlabelled_scans_it_says_what_to_do(name: str) -> None:
    none = walk().rows(slice(0))
    with pytest.raises(ConfigError, match="walk about with the receiver"):
        augment([name], labelled(), none, small_site(), seed=0)


@pytest.mark.parametrize("name", [n for n in EVERY if not AUGMENTATIONS[n].needs_unlabelled])
def test_the_others_need_none(name: str) -> None:
    none = walk().rows(slice(0))
    done = augment([name], labelled(), none, small_site(), seed=3)
    assert same(done.table, made(name).table)


def test_nothing_named_makes_nothing() -> None:
    done = augment([], labelled(), walk(), small_site(), seed=0)
    assert len(done.table) == 0
    assert done.counts() == {}


def test_unknown_and_repeated_names_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"must be one of .* but got \['mixup'\]"):
        augment(["mixup"], labelled(), walk(), small_site(), seed=0)
    with pytest.raises(ConfigError, match="must stand once"):
        augment(["hybrid", "naive"], labelled(), walk(), small_site(), seed=0)


def test_unlabelled_rows_and_other_beacons_are_refused() -> None:
    with pytest.raises(SurveyError, match="labelled rows of one floor"):
        augment(["device"], walk(), walk(), small_site(), seed=0)
    rows = table([[-60, -70, -80]], [(1, 1)])
    with pytest.raises(SurveyError, match="the same beacons in the same order"):
        augment(["device"], rows, walk(), SITE, seed=0)
    assert len(augment(["device"], rows, NO_ROWS, SITE, seed=0).table) <= 1
