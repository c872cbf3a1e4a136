"""The epochs in one graph with the data in memory: what Keras `fit` computes, without its overhead.

Tracing that graph costs as much as the hundred epochs of a small network. So one graph serves every
training of its architecture: rows come in as arguments, weights and the optimiser's state are put
into its own variables before, and the weights taken out of them afterwards.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.config import NetworkConfig
from training.executors.steps import (
    Progress,
    TrainingSet,
    batch_loss,
    new_optimizer,
    row_losses,
    row_orders,
    set_amounts,
)

# The number of rows changes from fold to fold: advice against retracing is noise.
tf.get_logger().setLevel("ERROR")

_EPOCHS_A_CALL: Final = 10
"""Epochs a call of the graph: fewer calls waste time, more leave a progress bar still."""

_KEPT: Final = 16
"""Graphs that a process keeps, the last used ones: a study of the paper's networks has fewer."""


class LoopTraining:
    """A training whose epochs run in the graph of its architecture."""

    def __init__(
        self, config: NetworkConfig, model: keras.Model, data: TrainingSet, seed: int
    ) -> None:
        """Begin one; `seed` gives the order of rows."""
        self._config, self._model = config, model
        self._optimizer: list[NDArray[Any]] | None = None
        self._shuffle = np.random.default_rng(seed)
        self._count = len(data.target)
        inputs = {name: tf.constant(value) for name, value in data.inputs.items()}
        self._rows = (inputs, tf.constant(data.target), tf.constant(data.weight))

    def advance(self, epochs: int, progress: Progress = lambda _: None) -> list[float]:
        """Train the model in place for so many epochs more; return the mean loss of each."""
        graph = _graph_of(self._config, self._model)
        graph.begin(self._model, self._optimizer)
        curve: list[float] = []
        while len(curve) < epochs:
            count = min(_EPOCHS_A_CALL, epochs - len(curve))
            orders = tf.constant(row_orders(self._shuffle, self._count, count))
            curve += [float(loss) for loss in graph.run(orders, *self._rows)]
            progress(count)
        self._optimizer = graph.end(self._model)
        return curve

    def change(self, config: NetworkConfig) -> None:
        """Go on with other settings of those that a `Stage` has; the optimiser's memory stays."""
        set_amounts(self._model, config)
        self._config = config


class _Epochs:
    """The traced epochs of one architecture and optimiser, with variables of their own."""

    def __init__(self, config: NetworkConfig, model: keras.Model) -> None:
        self._model = keras.models.clone_model(model)
        self._optimizer = new_optimizer(config)
        self._optimizer.build(self._model.trainable_variables)
        self._rate = config.learning_rate
        self._fresh: list[NDArray[Any]] = [v.numpy() for v in self._optimizer.variables]
        self.run = _traced(config, self._model, self._optimizer)

    def begin(self, model: keras.Model, optimizer: list[NDArray[Any]] | None) -> None:
        """Take a model's weights, its dropout's seed among them, and an optimiser's numbers.

        Without any it begins anew: another training has left its own.
        """
        _copy(model.variables, self._model.variables)
        _copy(self._fresh if optimizer is None else optimizer, self._optimizer.variables)
        # Another stage's numbers have its learning rate among them.
        self._optimizer.learning_rate = self._rate

    def end(self, model: keras.Model) -> list[NDArray[Any]]:
        """Give the model what the epochs made of its weights; return the optimiser's numbers."""
        _copy(self._model.variables, model.variables)
        return [variable.numpy() for variable in self._optimizer.variables]


_graphs: OrderedDict[tuple[Any, ...], _Epochs] = OrderedDict()
"""Of this process, the last used one at the end."""


def _graph_of(config: NetworkConfig, model: keras.Model) -> _Epochs:
    # What the graph does not depend on must not make another one.
    same = dataclasses.replace(
        config, name="same", epochs=1, dead_output_tries=1, augment=(), schedule=()
    )
    key = (same, *(tuple(one.shape) for one in model.inputs))
    if key not in _graphs:
        _graphs[key] = _Epochs(config, model)
    _graphs.move_to_end(key)
    while len(_graphs) > _KEPT:
        _graphs.popitem(last=False)
    return _graphs[key]


def _traced(config: NetworkConfig, model: keras.Model, optimizer: Any) -> Any:
    def step(inputs: Any, target: Any, weight: Any) -> Any:
        with tf.GradientTape() as tape:
            losses = row_losses(config, target, model(inputs, training=True))
            loss = batch_loss(model, losses, weight)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss * tf.cast(tf.size(weight), tf.float32)

    # Of any number of rows: every fold has another one, and tracing takes longer than an epoch.
    rows_of = {one.name: tf.TensorSpec(one.shape, one.dtype) for one in model.inputs}
    numbers, positions = tf.TensorSpec([None]), tf.TensorSpec([None, 2])
    signature = (tf.TensorSpec([None, None], tf.int32), rows_of, positions, numbers)

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
    def run(orders: Any, inputs: Any, target: Any, weight: Any) -> Any:
        rows = tf.shape(target)[0]
        means = tf.TensorArray(tf.float32, size=tf.shape(orders)[0])
        for epoch in tf.range(tf.shape(orders)[0]):
            total = tf.constant(0.0)
            for start in tf.range(0, rows, config.batch_size):
                chosen = orders[epoch, start : start + config.batch_size]
                batch = {name: tf.gather(value, chosen) for name, value in inputs.items()}
                total += step(batch, tf.gather(target, chosen), tf.gather(weight, chosen))
            means = means.write(epoch, total / tf.cast(rows, tf.float32))
        return means.stack()

    return run


def _copy(values: Any, variables: Any) -> None:
    for value, variable in zip(values, variables, strict=True):
        variable.assign(value)
