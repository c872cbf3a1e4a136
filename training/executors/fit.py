"""Keras' own `fit`: its loop, its optimiser, its loss; the reference for every other executor.

It is fed in one pipeline for all epochs, an epoch a call: from arrays Keras builds one anew each
epoch, which takes longer than ten epochs of a network this small.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from training.config import NetworkConfig
from training.executors.steps import (
    Progress,
    TrainingSet,
    new_optimizer,
    row_losses,
    row_orders,
    set_amounts,
)


class FitTraining:
    """A training by Keras' own loop."""

    def __init__(
        self, config: NetworkConfig, model: keras.Model, data: TrainingSet, seed: int
    ) -> None:
        """Begin one; rows are drawn in the same order as by `loop`."""
        self._model, self._data, self._batch_size = model, data, config.batch_size
        self._count = len(data.target)
        self._batches = -(-self._count // config.batch_size)
        self._shuffle = np.random.default_rng(seed)
        self._compile(config, new_optimizer(config))

    def _compile(self, config: NetworkConfig, optimizer: Any) -> None:
        def loss(target: Any, output: Any) -> Any:
            return row_losses(config, target, output)

        self._model.compile(optimizer=optimizer, loss=loss, steps_per_execution=self._batches)

    def advance(self, epochs: int, progress: Progress = lambda _: None) -> list[float]:
        """Train the model in place for so many epochs more; return the mean loss of each."""
        each_epoch = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: progress(1))
        history = self._model.fit(
            self._fed(epochs),
            steps_per_epoch=self._batches,
            epochs=epochs,
            shuffle=False,
            verbose=0,
            callbacks=[each_epoch],
        )
        return [float(value) for value in history.history["loss"]]

    def _fed(self, epochs: int) -> tf.data.Dataset:
        orders = row_orders(self._shuffle, self._count, epochs)
        rows = tf.nest.map_structure(tf.constant, tuple(self._data))

        def batches(order: tf.Tensor) -> tf.data.Dataset:
            return tf.data.Dataset.from_tensor_slices(order).batch(self._batch_size)

        def batch(chosen: tf.Tensor) -> Any:
            return tf.nest.map_structure(lambda one: tf.gather(one, chosen), rows)

        return tf.data.Dataset.from_tensor_slices(orders).flat_map(batches).map(batch)

    def change(self, config: NetworkConfig) -> None:
        """Go on with other settings of those that a `Stage` has; the optimiser's memory stays.

        A new optimiser takes over the old one's numbers: Keras compiles most settings in.
        """
        set_amounts(self._model, config)
        optimizer, weights = new_optimizer(config), self._model.trainable_variables
        optimizer.build(weights)
        old = self._model.optimizer
        old.build(weights)  # does nothing after the first epoch
        for mine, its in zip(optimizer.variables, old.variables, strict=True):
            mine.assign(its)
        optimizer.learning_rate = config.learning_rate
        self._compile(config, optimizer)
