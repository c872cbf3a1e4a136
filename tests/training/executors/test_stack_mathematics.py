"""Every choice of a network, step by step as Keras computes it; not compiled, to be quick."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.training.executors.lanes import VECTOR, Shapes, by_loop, furthest, lane
from tests.training.simulated import quick
from training.executors.stack import Stack
from training.preparation import SEED_STEP

TINY = 2e-4
"""Between the same float32 mathematics in another order, after four steps: oneDNN and XLA add as
suits the processor."""

IMAGE: Shapes = {"image": (11, 11, 2)}
BOTH: Shapes = {"image": (9, 9, 1), "vector": (3,)}


@pytest.fixture(autouse=True)
def _eagerly() -> Iterator[None]:
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def _dnn(**changes: Any) -> Any:
    # Adam divides by the size of a gradient: where that is rounding, so is the step.
    plain = {"optimizer": "sgd", "hidden": (6, 5), "dropout": (0.0,), "learning_rate": 0.02}
    return quick("dnn", **{**plain, "batch_norm_after": (), **changes})


def _cnn(**changes: Any) -> Any:
    small = {"filters": (3, 4), "kernels": (3, 2), "pools": (2, 2), "hidden": (5,)}
    return _dnn(network="cnn", **{**small, **changes})


DNNS: dict[str, dict[str, Any]] = {
    "no hidden layer": {"hidden": ()},
    "norm": {"batch_norm_after": (1,)},
    "norm twice": {"batch_norm_after": (1, 2), "activations": ("relu", "tanh")},
    "relu out": {"output": "relu", "activations": ("elu",)},
    "gelu": {"activations": ("gelu", "sigmoid")},
    "exponential": {"activations": ("exponential", "relu")},
    "l2": {"l2": 0.01, "loss": "mse"},
    "huber": {"loss": "huber", "huber_delta": 0.4},
    "row_rmse": {"loss": "row_rmse"},
    "no momentum": {"momentum": 0.0},
    "nesterov": {"nesterov": True, "momentum": 0.8},
    "rmsprop": {"optimizer": "rmsprop", "rho": 0.8},
    "adam": {"optimizer": "adam", "beta1": 0.8, "beta2": 0.99},
    "adamw": {"optimizer": "adamw", "weight_decay": 0.1},
    "nadam": {"optimizer": "nadam", "beta1": 0.8},
}
CNNS: dict[str, tuple[dict[str, Any], Shapes]] = {
    "relu": ({}, IMAGE),
    "with what has no place": ({"hidden": (5, 4)}, BOTH),
    "no pooling": ({"pools": (1, 1)}, BOTH),
    "pool 3 larger than the kernel": ({"pools": (3, 1)}, IMAGE),
    "norm before pooling": ({"batch_norm_after": (1, 3), "pools": (2, 1)}, IMAGE),
    "gelu falls before it rises": ({"activations": ("gelu", "tanh", "relu")}, IMAGE),
    "one block": ({"filters": (4,), "kernels": (4,), "pools": (3,), "hidden": ()}, IMAGE),
    "l2": ({"l2": 0.02}, BOTH),
}


@pytest.mark.parametrize("choice", DNNS)
def test_a_dnn_steps_as_in_loop(choice: str) -> None:
    _check(_dnn(**DNNS[choice]), VECTOR)


@pytest.mark.parametrize("choice", CNNS)
def test_a_cnn_steps_as_in_loop(choice: str) -> None:
    changes, shapes = CNNS[choice]
    _check(_cnn(**changes), shapes)


def _check(config: Any, shapes: Shapes) -> None:
    """Two lanes of different length, two epochs, the last batch of each a short one."""
    both = [lane(config, shapes, seed=5, n=40), lane(config, shapes, seed=6, n=70)]
    stack = Stack(both)
    curves = stack.advance(2)
    for i, one in enumerate(both):
        model, curve = by_loop(one, 2, tries=stack.tries[i])
        before = stack.start(one.seed + (stack.tries[i] - 1) * SEED_STEP)
        assert furthest(model.get_weights(), before) > 10 * TINY, "it must have moved"
        assert furthest(model.get_weights(), stack.weights(i)) < TINY
        np.testing.assert_allclose(curves[i], curve, rtol=1e-4)
        np.testing.assert_allclose(stack.predict()[i], np.asarray(model(one.held_out)), atol=1e-4)
