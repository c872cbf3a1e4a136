"""A training may pause between epochs, whatever runs it."""

import keras
import numpy as np
import pytest

from tests.training.simulated import quick, small_site, small_table
from training.config import NetworkConfig
from training.executors import EXECUTORS, Training
from training.preparation import Prepared, prepare, start_network


def _started(config: NetworkConfig, prepared: Prepared, seed: int) -> keras.Model:
    inputs = prepared.data.inputs
    return start_network(config, prepared.spec.shapes(), inputs, seed=seed).model


@pytest.mark.parametrize("executor", ["loop", "fit"])
def test_a_training_that_pauses_ends_where_one_at_a_stretch_does(executor: str) -> None:
    config = quick("dnn", executor=executor)
    ends = []
    for parts in ((6,), (2, 1, 3)):
        prepared = prepare(config, small_table(), small_site(), seed=5)
        model = _started(config, prepared, 5)
        training = EXECUTORS[executor](config, model, prepared.data, 5)
        curve = [loss for epochs in parts for loss in training.advance(epochs)]
        ends.append((curve, model.get_weights()))
    assert ends[0][0] == ends[1][0]
    for one, other in zip(ends[0][1], ends[1][1], strict=True):
        np.testing.assert_array_equal(one, other)


def test_two_trainings_of_one_architecture_do_not_disturb_each_other() -> None:
    config = quick("dnn")

    def begun(seed: int) -> tuple[Training, keras.Model]:
        prepared = prepare(config, small_table(), small_site(), seed=seed)
        model = _started(config, prepared, seed)
        return EXECUTORS["loop"](config, model, prepared.data, seed), model

    alone, by_itself = begun(1)
    alone.advance(4)
    (first, one), (second, _) = begun(1), begun(2)
    for _ in range(4):
        first.advance(1)
        second.advance(1)
    for weight, other in zip(by_itself.get_weights(), one.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)
