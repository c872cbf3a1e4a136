import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.simulated import small_site, small_table
from training.baselines import fit_baseline
from training.gaussian_process import residual_weights
from training.metrics import errors_m
from training.splits import SPLITS

SETTINGS = {"width_db": 10.0, "noise": 1.0}


def kernel(squared: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(-squared / (2 * SETTINGS["width_db"] ** 2)))


def test_one_scan_is_corrected_half_way_when_noise_equals_signal() -> None:
    weights = residual_weights(
        np.zeros((1, 1)), np.asarray([[2.0, -4.0]]), np.zeros(1, int), SETTINGS
    )
    np.testing.assert_allclose(weights, [[1.0, -2.0]])


def test_far_from_every_scan_nothing_is_corrected() -> None:
    squared = np.asarray([[0.0, 50.0], [50.0, 0.0]])
    weights = residual_weights(squared, np.ones((2, 2)), np.arange(2), SETTINGS)
    assert np.abs(kernel(np.full((1, 2), 100.0**2)) @ weights).max() < 1e-9


def test_a_place_has_one_vote_however_often_it_was_scanned() -> None:
    # Scans alike in every beacon, at two places that ask for opposite corrections.
    truth = np.asarray([[3.0, 0.0]] * 9 + [[-3.0, 0.0]])
    place = np.asarray([0] * 9 + [1])
    weights = residual_weights(np.zeros((10, 10)), truth, place, SETTINGS)
    np.testing.assert_allclose(weights.sum(axis=0), [0, 0], atol=1e-5)


@pytest.mark.parametrize("split", ["sessions", "cells"])
def test_it_gains_on_the_weighted_centroid_where_the_survey_knows_more(split: str) -> None:
    table = small_table()
    errors: dict[str, list[float]] = {"gp-residual": [], "weighted-centroid": []}
    for fold in SPLITS[split].folds(table):
        train, test = table.rows(fold.train), table.rows(fold.test)
        for method, seen in errors.items():
            predicted = fit_baseline(method, train, small_site()).predict(test)
            seen.extend(errors_m(predicted, test.position_m))
    assert np.mean(errors["gp-residual"]) < np.mean(errors["weighted-centroid"])
