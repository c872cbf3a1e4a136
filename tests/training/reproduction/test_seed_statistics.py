import math

import pytest

from tests.training.reproduction.made_up import network_run
from training.reproduction.records import spread
from training.reproduction.seed_statistics import best_of, gain, share_above


def test_a_spread_is_median_and_quantiles() -> None:
    found = spread([1.0, 2.0, 3.0, 4.0, 5.0])
    assert found[:2] == (5, 3.0)
    assert (found.low, found.high) == pytest.approx((1.2, 4.8))
    assert found.least == 1.0
    assert spread([]).n == 0
    assert math.isnan(spread([]).median)


def test_a_gain_is_paired_by_seed_among_those_alive_in_both() -> None:
    worse = [network_run("a", "published", seed, 3.0 + seed) for seed in range(4)]
    better = [network_run("b", "published", seed, 2.5 + seed, dead=seed == 0) for seed in range(5)]
    found = gain(worse, better)
    assert found.pairs == 3
    assert found[:3] == pytest.approx((0.5, 0.5, 0.5))
    assert found.sure


def test_a_gain_smaller_than_the_seeds_is_not_sure() -> None:
    worse = [network_run("a", "published", seed, 3.0 + (-1) ** seed) for seed in range(6)]
    better = [network_run("b", "published", seed, 2.9) for seed in range(6)]
    assert gain(worse, better).mean == pytest.approx(0.1)
    assert not gain(worse, better).sure


def test_one_pair_has_no_interval() -> None:
    one = [network_run("a", "published", 0, 3.0)]
    found = gain(one, one)
    assert (found.mean, found.pairs) == (0.0, 1)
    assert math.isnan(found.low)
    assert not found.sure


def test_the_best_of_many_equal_seeds_is_below_their_median() -> None:
    runs = [network_run("a", "published", seed, 2.0 + 0.01 * seed) for seed in range(40)]
    found = best_of(runs, 15, 2.10)
    assert found.spread.median < 2.05
    assert found.reached > 0.9
    assert best_of(runs, 1, 2.10).reached == pytest.approx(11 / 40, abs=0.05)


def test_a_search_meets_dead_runs_but_not_seeds_that_were_picked() -> None:
    dead = [network_run("a", "published", seed, 7.0, dead=True) for seed in range(3)]
    picked = [network_run("a", "published", 9, 2.0, drawn=False)]
    assert best_of([*dead, *picked], 15, 2.1).spread.median == 7.0
    assert math.isnan(best_of(picked, 15, 2.1).reached)


def test_a_curve_above_another_in_every_pair_and_in_none() -> None:
    near = [network_run("a", "published", seed, 1.5 + 0.1 * seed) for seed in range(3)]
    far = [network_run("b", "published", seed, 4.0 + 0.1 * seed) for seed in range(3)]
    assert share_above(near, far) == 1.0
    assert share_above(far, near) == 0.0
    assert share_above(near, near) == 0.5
    assert math.isnan(share_above(near, []))
