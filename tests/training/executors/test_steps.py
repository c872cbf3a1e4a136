"""Optimisers, losses and L2, the same in every executor."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from tests.training.simulated import quick, small_site, small_table
from training.config import NetworkConfig
from training.executors import EXECUTORS
from training.executors.steps import new_optimizer, row_losses
from training.preparation import prepare, start_network

OPTIMIZERS = ("adam", "adamw", "nadam", "rmsprop", "sgd")


def trained(config: NetworkConfig, epochs: int) -> tuple[list[float], list[NDArray[np.float32]]]:
    prepared = prepare(config, small_table(), small_site(), seed=5)
    inputs = prepared.data.inputs
    model = start_network(config, prepared.spec.shapes(), inputs, seed=5).model
    curve = EXECUTORS[config.executor](config, model, prepared.data, 5).advance(epochs)
    return curve, model.get_weights()


def whole_batches(**changes: object) -> NetworkConfig:
    """The order of rows then matters to no executor."""
    return quick("dnn", batch_size=10_000, dropout=(0.0,), **changes)


@pytest.mark.parametrize(
    "optimizer",
    [
        name if name in ("adam", "sgd") else pytest.param(name, marks=pytest.mark.long)
        for name in OPTIMIZERS
    ],
)
def test_an_optimiser_does_the_same_in_loop_as_in_keras_own(optimizer: str) -> None:
    # Several batches and a part of one, whose rows both draw in the same order.
    changes: dict[str, object] = {
        "optimizer": optimizer, "nesterov": True, "l2": 0.01, "batch_size": 30, "dropout": (0.0,),
    }  # fmt: skip
    assert len(small_table()) % 30 > 0
    curve, weights = trained(quick("dnn", executor="fit", **changes), 3)
    other_curve, others = trained(quick("dnn", executor="loop", **changes), 3)
    assert np.isfinite(curve).all()
    assert other_curve == pytest.approx(curve, rel=1e-4)
    for one, other in zip(weights, others, strict=True):
        # Where a gradient is nearly 0, an optimiser that divides by its size steps by its rounding.
        assert np.quantile(np.abs(one - other), 0.9) < 2e-4


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_training_leaves_nothing_to_the_next_one_of_its_graph(optimizer: str) -> None:
    config = quick("dnn", optimizer=optimizer)
    first, again = trained(config, 2), trained(config, 2)
    assert first[0] == again[0]
    for one, other in zip(first[1], again[1], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("executor", ["loop", pytest.param("fit", marks=pytest.mark.long)])
def test_l2_is_part_of_the_loss_and_keeps_kernels_small(executor: str) -> None:
    plain = trained(whole_batches(executor=executor), 20)
    held = trained(whole_batches(executor=executor, l2=0.3), 20)
    squares = [sum(float((w**2).sum()) for w in one[1] if w.ndim == 2) for one in (plain, held)]
    assert squares[1] < 0.8 * squares[0]
    assert held[0][0] > plain[0][0]


def test_every_setting_reaches_its_optimiser() -> None:
    config = quick("dnn", beta1=0.8, beta2=0.99, rho=0.7, weight_decay=0.1, momentum=0.6)
    made = {
        name: new_optimizer(quick("dnn", **{**_settings(config), "optimizer": name}))
        for name in OPTIMIZERS
    }
    for name in ("adam", "adamw", "nadam"):
        assert (made[name].beta_1, made[name].beta_2) == (0.8, 0.99)
    assert made["adamw"].weight_decay == 0.1
    assert made["adam"].weight_decay is None
    assert made["rmsprop"].rho == 0.7
    assert (made["sgd"].momentum, made["sgd"].nesterov) == (0.6, False)
    assert isinstance(made["adamw"], keras.optimizers.AdamW)


def _settings(config: NetworkConfig) -> dict[str, object]:
    keys = ("beta1", "beta2", "rho", "weight_decay", "momentum")
    return {key: getattr(config, key) for key in keys}


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("row_rmse", [5 / np.sqrt(2), 0.05 / np.sqrt(2)]),
        ("euclid", [5.0, 0.05]),
        ("mse", [12.5, 0.00125]),
        # 0.1 * (5 - 0.05) beyond the delta of 0.1, 0.05² / 2 within.
        ("huber", [0.495, 0.00125]),
    ],
)
def test_losses_of_errors_of_5_and_of_a_twentieth(loss: str, expected: list[float]) -> None:
    target = tf.constant([[0.0, 0.0], [0.0, 0.0]])
    output = tf.constant([[3.0, 4.0], [0.03, 0.04]])
    found = np.asarray(row_losses(quick("dnn", loss=loss), target, output))
    assert found == pytest.approx(expected, rel=1e-4)
