from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from localizer.table import FingerprintTable
from tests.training.simulated import small_site, small_table
from training.baselines import fit_baseline
from training.outages import GONE, MOST_COMBINATIONS, Outages, draw_outages, sweep


def table(heard: list[list[bool]], **columns: object) -> FingerprintTable:
    """Scans over a few beacons, one metre apart, a second apart."""
    mask = np.asarray(heard)
    n = len(mask)
    rows = small_table().rows(np.zeros(n, int))
    return replace(
        rows,
        beacons=rows.beacons[: mask.shape[1]],
        rssi_dbm=np.where(mask, -60.0, np.nan).astype(np.float32),
        mask=mask,
        position_m=np.column_stack([np.arange(n), np.zeros(n)]).astype(float),
        time=np.datetime64("2026-01-01", "us") + np.arange(n).astype("timedelta64[s]"),
        session=np.full(n, "a"),
        **columns,  # type: ignore[arg-type]
    )


def truth(rows: FingerprintTable) -> NDArray[np.float64]:
    return rows.position_m


def gone(outages: Outages, count: int) -> list[float]:
    return [round(v, 6) for v in outages.error_m[GONE.index(count)].tolist()]


def test_single_outages_weigh_as_often_as_the_beacon_is_heard() -> None:
    mask = np.asarray([[True, True, False], [True, False, False], [True, False, False]])
    assert [(o.columns, o.weight) for o in draw_outages(mask, 1)] == [((0,), 0.75), ((1,), 0.25)]
    assert [o.columns for o in draw_outages(mask, 2)] == [(0, 1)]
    assert draw_outages(mask, 3) == []
    assert [(o.columns, o.weight) for o in draw_outages(mask, 0)] == [((), 1.0)]


def test_many_combinations_are_drawn_the_same_each_time() -> None:
    mask = np.random.default_rng(0).random((50, 20)) < np.linspace(0.05, 0.9, 20)
    drawn = draw_outages(mask, 3)
    assert len(drawn) == MOST_COMBINATIONS
    assert all(len(set(o.columns)) == 3 for o in drawn)
    assert sum(o.weight for o in drawn) == pytest.approx(1)
    assert [o.columns for o in drawn] == [o.columns for o in draw_outages(mask, 3)]
    taken = np.bincount([c for o in drawn for c in o.columns], minlength=20)
    assert taken[10:].sum() > 1.5 * taken[:10].sum()


def test_a_silent_scan_keeps_the_last_position_of_its_session() -> None:
    # With the second beacon gone, scans 1 and 2 hear nothing: they stay where scan 0 was.
    rows = table([[True, False], [False, True], [False, True], [True, False]])
    swept = sweep(truth, rows, rows)
    # With the first gone, scan 0 has no past: the middle (1.5, 0); scan 3 stays at scan 2.
    assert gone(swept, 1) == [0.75, 0.5, 1.0, 0.5]
    assert swept.silent[1].tolist() == [0.5, 0.5, 0.5, 0.5]
    assert gone(swept, 2) == [1.5, 0.5, 0.5, 1.5]
    assert np.isnan(swept.error_m[3]).all()


def test_the_past_of_another_session_is_no_past_and_rows_need_no_order() -> None:
    rows = table([[True, False], [False, True], [False, True], [True, False]])
    apart = replace(rows, session=np.asarray(["a", "a", "b", "b"]))
    assert gone(sweep(truth, apart, apart), 1) == [0.75, 0.5, 0.25, 0.5]
    order = np.asarray([2, 0, 3, 1])
    mixed = sweep(truth, rows, rows.rows(order))
    assert gone(mixed, 1) == [gone(sweep(truth, rows, rows), 1)[i] for i in order]


def test_with_nothing_gone_it_is_the_error_and_more_gone_is_worse() -> None:
    rows = small_table()
    fitted = fit_baseline("weighted-centroid", rows, small_site())
    swept = sweep(fitted.predict, rows, rows)
    error = np.hypot(*(fitted.predict(rows) - rows.position_m).T)
    np.testing.assert_allclose(swept.error_m[0], error)
    means = swept.error_m.mean(axis=1)
    assert (np.diff(means) > 0).all()
    assert swept.silent[0].sum() == 0


def test_readings_of_what_is_gone_are_never_seen() -> None:
    rows = table([[True, True], [True, True]])
    seen: list[FingerprintTable] = []

    def predict(asked: FingerprintTable) -> NDArray[np.float64]:
        seen.append(asked)
        return asked.position_m

    sweep(predict, rows, rows)
    for asked in seen:
        assert np.isnan(asked.rssi_dbm[~asked.mask]).all()
