import numpy as np
import pytest
from scipy.optimize import approx_fprime

from localizer.features import features
from tests.training.simulated import small_site, small_table
from training.baselines import fit_baseline
from training.pool.learned_centroid import _Fit, fit_learned_centroid
from training.pool.side import PoolSide, pool_side
from training.specs import baseline_spec


def side() -> PoolSide:
    return pool_side(small_table(), small_site())


def vectors() -> dict[str, np.ndarray]:
    table = small_table()
    return features(table.rssi_dbm, table.mask, baseline_spec(small_site(), "mean"))


def test_the_gradient_is_that_of_the_loss() -> None:
    one = side()
    fit = _Fit(one, one.beacons_m, one.heard, 1.0)
    theta = np.random.default_rng(0).normal(0, 0.3, fit.size)
    wanted = approx_fprime(theta, lambda at: fit.loss(at)[0], 1e-6)
    np.testing.assert_allclose(fit.loss(theta)[1], wanted, rtol=1e-3, atol=1e-3)


def test_a_high_price_leaves_the_weighted_centroid() -> None:
    plain = fit_baseline("weighted-centroid", small_table(), small_site())
    learned = fit_learned_centroid(side(), ridge=1e9)(vectors())
    np.testing.assert_allclose(learned, plain.predict(small_table()), atol=5e-3)


def test_it_locates_its_own_survey_better_than_the_plain_one() -> None:
    truth = small_table().position_m
    plain = fit_baseline("weighted-centroid", small_table(), small_site()).predict(small_table())
    learned = np.asarray(fit_learned_centroid(side(), ridge=1.0)(vectors()))
    assert np.hypot(*(learned - truth).T).mean() < np.hypot(*(plain - truth).T).mean()


def test_silence_and_beacons_without_a_place_give_the_middle() -> None:
    one = side()
    count = len(one.beacons_m)
    nowhere = one._replace(beacons_m=np.full_like(one.beacons_m, np.nan))
    for graph in (fit_learned_centroid(one, ridge=1.0), fit_learned_centroid(nowhere, ridge=1.0)):
        silent = np.asarray(graph({"vector": np.zeros((1, 2 * count), np.float32)}))
        assert silent[0] == pytest.approx(one.middle_m, abs=1e-3)


def test_a_beacon_without_a_place_has_no_say() -> None:
    one = side()
    lost = one.beacons_m.copy()
    lost[0] = np.nan
    graph = fit_learned_centroid(one._replace(beacons_m=lost), ridge=1.0)
    heard = vectors()["vector"].copy()
    count = len(lost)
    without = heard.copy()
    without[:, 0] = without[:, count] = 0.0
    np.testing.assert_allclose(graph({"vector": heard}), graph({"vector": without}), atol=1e-4)
