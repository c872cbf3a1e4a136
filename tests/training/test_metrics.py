import numpy as np
import pytest

from training.metrics import bootstrap_by_place, errors_m, summarise

PLACE = np.repeat(np.arange(20), 5)
FOLD = np.repeat([0, 1], 50)


def test_errors_are_distances() -> None:
    predicted = np.asarray([[3.0, 4.0], [1.0, 1.0]])
    assert errors_m(predicted, np.asarray([[0.0, 0.0], [1.0, 2.0]])).tolist() == [5, 1]


def test_the_error_of_a_row_is_its_mean_over_seeds_and_their_spread_stands_apart() -> None:
    base = np.linspace(0.5, 10, 100)
    summary = summarise(np.stack([base - 0.5, base + 0.5]), PLACE, FOLD, cell_m=3.0)
    assert summary.n == 100
    assert summary.seeds == 2
    assert summary.mean == pytest.approx(base.mean())
    assert summary.median == pytest.approx(np.median(base))
    assert summary.p95 == pytest.approx(np.quantile(base, 0.95))
    assert summary.seed_sd == pytest.approx(np.std([-0.5, 0.5], ddof=1))
    assert summary.seed_low == pytest.approx(base.mean() - 0.5)
    assert summary.seed_high == pytest.approx(base.mean() + 0.5)
    assert summary.within_m[1] == np.mean(base <= 1)
    assert summary.within_cells[2] == np.mean(base <= 6)


def test_rows_are_pooled_and_the_mean_of_folds_stands_beside() -> None:
    errors = np.concatenate([np.full(90, 1.0), np.full(10, 11.0)])[None]
    fold = np.concatenate([np.zeros(90, int), np.ones(10, int)])
    summary = summarise(errors, PLACE, fold, cell_m=None)
    assert (summary.mean, summary.mean_of_folds) == (2.0, 6.0)
    assert summary.within_cells == {}
    assert summary.seed_sd == 0


def test_the_interval_holds_the_mean_and_is_wider_by_place_than_by_row() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, 20)[PLACE] + 5
    low, high = bootstrap_by_place(values, PLACE)
    assert low < values.mean() < high
    row_low, row_high = bootstrap_by_place(values, np.arange(100))
    assert high - low > 1.5 * (row_high - row_low)
    assert bootstrap_by_place(values, PLACE) == (low, high)
