import numpy as np
import pytest

from training.tuning.gains import Interval, gap_between, paired_gain

PLACES = np.repeat(np.arange(30), 4)


def test_a_gain_on_every_row_is_a_gain() -> None:
    random = np.random.default_rng(0)
    default = 4 + random.normal(0, 1, (8, 120))
    gain = paired_gain(default, default - 0.5 - random.normal(0, 0.2, default.shape), PLACES)
    assert gain.verdict == "GAIN"
    assert gain.low_m < 0.5 < gain.high_m
    assert gain.mean_m == pytest.approx(0.5, abs=0.05)


def test_equal_networks_are_called_equal_in_95_of_100_studies() -> None:
    random = np.random.default_rng(1)
    gains = 0
    for _ in range(100):
        place = random.normal(0, 0.5, 30)[PLACES]
        seeds = random.normal(0, 0.3, (2, 16, 1))
        errors = 4 + random.normal(0, 1, (2, 16, 120)) + seeds
        gains += paired_gain(errors[0] + place * 0.5, errors[1], PLACES).verdict == "GAIN"
    assert gains <= 5


def test_seeds_that_differ_widen_the_interval() -> None:
    random = np.random.default_rng(2)
    default = 4 + random.normal(0, 1, (8, 120))
    calm = paired_gain(default, default - 0.5, PLACES)
    lucky = random.normal(0, 0.5, (8, 1))
    wild = paired_gain(default, default - 0.5 + lucky, PLACES)
    assert wild.high_m - wild.low_m > 3 * (calm.high_m - calm.low_m)


def test_one_seed_and_one_place_have_a_gain_without_an_interval() -> None:
    gain = paired_gain(np.full((1, 3), 2.0), np.full((1, 3), 1.0), np.zeros(3, np.int64))
    assert gain == (1.0, 1.0, 1.0)


def test_a_gap_is_as_unsure_as_both_of_its_errors() -> None:
    gap = gap_between(Interval(5.0, 4.7, 5.3), Interval(6.0, 5.6, 6.8))
    assert gap == pytest.approx((1.0, 0.5, 1.0 + np.hypot(0.8, 0.3)))
    assert gap_between(Interval(5.0, 5.0, 5.0), Interval(5.0, 4.0, 6.0)) == (0.0, -1.0, 1.0)
