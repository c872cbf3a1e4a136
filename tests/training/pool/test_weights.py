import numpy as np
import pytest

from training.pool.weights import Prior, pool_weights

RNG = np.random.default_rng(0)
TRUTH = RNG.uniform(0, 20, (200, 2))
RIGHT = TRUTH + RNG.normal(0, 0.1, TRUTH.shape)
WRONG = RNG.uniform(0, 20, TRUTH.shape)
VOTE = np.ones(len(TRUTH))
EQUAL = np.full(2, 0.5)


def test_a_method_that_is_right_gets_the_weight_where_trust_is_little() -> None:
    weight = pool_weights(np.stack([WRONG, RIGHT], axis=1), TRUTH, VOTE, Prior(EQUAL, 1e-3))
    assert weight.sum() == pytest.approx(1.0)
    assert weight[1] > 0.99


def test_much_trust_leaves_the_prior() -> None:
    prior = np.array([0.6, 0.3, 0.1])
    located = np.stack([WRONG, RIGHT, RIGHT], axis=1)
    assert pool_weights(located, TRUTH, VOTE, Prior(prior, 1e6)) == pytest.approx(prior, abs=1e-3)


def test_errors_that_cancel_are_pooled_not_picked() -> None:
    away = np.array([3.0, 0.0])
    weight = pool_weights(
        np.stack([TRUTH + away, TRUTH - away], axis=1), TRUTH, VOTE, Prior(EQUAL, 0.01)
    )
    assert weight == pytest.approx([0.5, 0.5], abs=0.02)


def test_votes_count() -> None:
    half = len(TRUTH) // 2
    located = np.stack([TRUTH.copy(), TRUTH.copy()], axis=1)
    located[:half, 0] += 5.0
    located[half:, 1] += 5.0
    vote = np.where(np.arange(len(TRUTH)) < half, 1.0, 0.1)
    weight = pool_weights(located, TRUTH, vote, Prior(EQUAL, 0.05))
    assert weight[1] > 0.9
