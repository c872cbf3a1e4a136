from dataclasses import replace

import numpy as np
import pytest

from tests.training.simulated import small_table
from training.condense import condense


def test_a_small_table_comes_back_as_it_is() -> None:
    table = small_table()
    same, notes = condense(table, len(table))
    assert same is table
    assert notes == ()


@pytest.mark.parametrize("most", [1, 7, 40, 100])
def test_no_more_rows_than_asked_for_and_it_is_said(most: int) -> None:
    table = small_table()
    small, notes = condense(table, most)
    assert 0 < len(small) <= most
    assert f"{len(small)} of {len(table)} training scans" in notes[0]


def test_every_place_keeps_its_share_and_small_places_keep_all() -> None:
    table = small_table()
    busy = np.flatnonzero(table.place == 0)
    table = table.rows(np.concatenate([np.arange(len(table)), np.tile(busy, 50)]))
    places = len(np.unique(table.place))
    small, _ = condense(table, places * 12)
    assert len(np.unique(small.place)) == places
    before, after = np.bincount(table.place), np.bincount(small.place)
    np.testing.assert_array_equal(after, np.minimum(before, after.max()))
    assert len(small) > places * 7


def test_scans_are_spaced_over_sessions_and_time() -> None:
    table = small_table()
    place = table.rows(table.place == 3)
    small, _ = condense(place, len(np.unique(place.session)))
    assert set(small.session) == set(place.session)
    again, _ = condense(place, len(np.unique(place.session)))
    np.testing.assert_array_equal(small.rssi_dbm, again.rssi_dbm)


def test_a_walk_where_every_row_is_a_place_is_thinned_in_time() -> None:
    table = small_table()
    n = len(table)
    start = np.datetime64("2026-01-01", "us")
    walk = replace(
        table,
        position_m=np.column_stack([np.arange(n), np.zeros(n)]).astype(float),
        session=np.full(n, "walk"),
        time=start + np.arange(n).astype("timedelta64[s]"),
    )
    small, _ = condense(walk, n // 4)
    gaps = np.diff(small.position_m[:, 0])
    assert len(small) == n // 4
    assert gaps.min() >= 3
    assert gaps.max() <= 6
