"""A training goes on with other settings, and all executors do so alike."""

import dataclasses

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.executors.lanes import VECTOR, furthest, lane
from tests.training.simulated import quick, small_site, small_table
from training.config import NetworkConfig
from training.executors import EXECUTORS, run_stages
from training.executors.stack import Stack
from training.fit_network import fit_network
from training.networks import build_network
from training.stages import CHANGEABLE, Stage

LONG = pytest.mark.long

OTHER = {
    "learning_rate": 0.004,
    "beta1": 0.7,
    "beta2": 0.99,
    "rho": 0.7,
    "weight_decay": 0.1,
    "momentum": 0.5,
    "l2": 0.01,
    "dropout": (0.0, 0.0, 0.0),
}
"""Far enough from the presets that a setting which stays behind shows."""


def _config(optimizer: str, **changes: object) -> NetworkConfig:
    base = quick("dnn", epochs=6, hidden=(8, 8, 8), batch_norm_after=(), l2=0.001)
    chosen = {"optimizer": optimizer, "dropout": (0.0, 0.0, 0.0), **changes}
    return dataclasses.replace(base, **chosen)  # type: ignore[arg-type]


def _stage(config: NetworkConfig, after_epochs: int, **changes: object) -> Stage:
    values = {name: getattr(config, name) for name in CHANGEABLE}
    return Stage(after_epochs, **{**values, **changes})


def _trained(config: NetworkConfig, executor: str) -> list[NDArray[np.float32]]:
    one = lane(config)
    model = build_network(config, VECTOR, seed=one.seed)
    run_stages(EXECUTORS[executor](config, model, one.data, one.seed), config)
    return [np.asarray(weight) for weight in model.get_weights()]


@pytest.mark.parametrize(
    "optimizer",
    [
        "adamw",
        "sgd",
        *(pytest.param(name, marks=pytest.mark.long) for name in ("nadam", "rmsprop")),
    ],
)
def test_every_optimiser_keeps_its_memory_and_takes_every_setting(optimizer: str) -> None:
    plain = _config(optimizer)
    without = _trained(plain, "loop")
    same = dataclasses.replace(plain, schedule=(_stage(plain, 3),))
    np.testing.assert_equal(_trained(same, "loop"), without)
    changed = dataclasses.replace(plain, schedule=(_stage(plain, 3, **OTHER),))
    by_loop = _trained(changed, "loop")
    stack = Stack([lane(plain)])
    stack.advance(3)
    stack.set_hyper(0, **OTHER)
    stack.advance(3)
    assert furthest(by_loop, stack.weights(0)) < 1e-4
    assert furthest(by_loop, without) > 3e-3


def test_keras_own_loop_goes_through_the_stages_too() -> None:
    plain = _config("adam")
    without = _trained(plain, "fit")
    same = dataclasses.replace(plain, schedule=(_stage(plain, 3),))
    np.testing.assert_equal(_trained(same, "fit"), without)
    changed = dataclasses.replace(plain, schedule=(_stage(plain, 3, **OTHER),))
    by_fit = _trained(changed, "fit")
    assert furthest(by_fit, _trained(changed, "loop")) < 1e-4
    assert furthest(by_fit, without) > 3e-3


@pytest.mark.parametrize("executor", ["loop", "fit"])
def test_the_dropout_of_each_block_changes(executor: str) -> None:
    config = _config("adam", dropout=(0.0, 0.01, 0.01), learning_rate=1e-9)
    one = lane(config)
    model = build_network(config, VECTOR, seed=0)
    training = EXECUTORS[executor](config, model, one.data, 0)
    before = training.advance(2)[-1]
    training.change(dataclasses.replace(config, dropout=(0.0, 0.5, 0.9)))
    dropped = [x.rate for x in model.layers if isinstance(x, keras.layers.Dropout)]
    assert dropped == [0.5, 0.9]
    # Nothing is learned: that the loss is another is what is dropped.
    assert abs(training.advance(2)[-1] - before) > 0.01 * before


def test_a_fit_runs_all_stages_of_its_configuration() -> None:
    plain = quick("dnn", epochs=6)
    stages = (_stage(plain, 2, learning_rate=1e-9), _stage(plain, 4, learning_rate=1e-9))
    config = dataclasses.replace(plain, schedule=stages)
    told: list[int] = []
    fitted = fit_network(config, small_table(), small_site(), seed=1, progress=told.append)
    short = dataclasses.replace(plain, epochs=2)
    reference = fit_network(short, small_table(), small_site(), seed=1)
    assert sum(told) == 6
    assert len(fitted.curve["training loss"]) == 6
    # After two epochs all that moves are the averages of the batch normalisation.
    kernels = fitted.predict(small_table()), reference.predict(small_table())
    assert np.abs(kernels[0] - kernels[1]).max() < 2.0
    assert fitted.curve["training loss"][:2] == reference.curve["training loss"]
