from dataclasses import replace

import numpy as np

from localizer.table import FingerprintTable
from tests.training.simulated import small_table
from training.augmentation.rows import join
from training.pool.device_copies import device_copies


def of_a_phone(name: str, *, most: int, louder_db: float) -> FingerprintTable:
    """Unlabelled scans of a phone that hears few beacons, and those louder."""
    table = small_table()
    rank = np.argsort(np.argsort(-np.where(table.mask, table.rssi_dbm, -np.inf), axis=1), axis=1)
    mask = table.mask & (rank < most)
    return replace(
        table,
        rssi_dbm=np.where(mask, table.rssi_dbm + np.float32(louder_db), np.float32(np.nan)),
        mask=mask,
        device=np.full(len(table), name),
        position_m=np.full_like(table.position_m, np.nan),
    )


def test_copies_hear_as_the_phone_does() -> None:
    theirs = of_a_phone("new", most=2, louder_db=12)
    copies = device_copies(small_table(), theirs, 2, seed=0)
    assert copies is not None
    assert len(copies) == 2 * len(small_table())
    assert set(copies.device) == {"new"}
    assert copies.mask.sum(axis=1).max() <= 2
    assert copies.mask.any(axis=1).all()
    ours, wanted = copies.rssi_dbm[copies.mask], theirs.rssi_dbm[theirs.mask]
    np.testing.assert_allclose(
        np.quantile(ours, [0.1, 0.5, 0.9]), np.quantile(wanted, [0.1, 0.5, 0.9]), atol=1.5
    )
    np.testing.assert_array_equal(copies.position_m[: len(small_table())], small_table().position_m)


def test_the_loudest_beacon_stays_the_loudest() -> None:
    copies = device_copies(small_table(), of_a_phone("new", most=1, louder_db=0), 1, seed=0)
    assert copies is not None
    loudest = np.where(small_table().mask, small_table().rssi_dbm, -np.inf).argmax(axis=1)
    np.testing.assert_array_equal(copies.mask.argmax(axis=1), loudest)


def test_a_known_phone_needs_no_copies() -> None:
    table = small_table()
    assert device_copies(table, table, 2, seed=0) is None
    assert device_copies(table, of_a_phone("new", most=2, louder_db=0), 0, seed=0) is None
    assert device_copies(table, table.rows(slice(0)), 2, seed=0) is None


def test_the_seed_decides() -> None:
    few, some = (of_a_phone("new", most=most, louder_db=0) for most in (1, 2))
    theirs = join(few, some)
    first, again, other = (device_copies(small_table(), theirs, 1, seed=s) for s in (0, 0, 1))
    assert first is not None
    assert again is not None
    assert other is not None
    np.testing.assert_array_equal(first.mask, again.mask)
    assert (first.mask != other.mask).any()
