"""Keras `fit` as it is: slow on networks this small, and the reference for every other executor."""

from __future__ import annotations

from typing import Any

import keras

from training.config import NetworkConfig
from training.executors.steps import Progress, TrainingSet, new_optimizer, row_losses, set_amounts


class FitTraining:
    """A training by Keras' own loop."""

    def __init__(
        self, config: NetworkConfig, model: keras.Model, data: TrainingSet, seed: int
    ) -> None:
        """Begin one. Keras shuffles with its own generator, which `build_network` has seeded."""
        del seed
        self._model, self._data, self._batch_size = model, data, config.batch_size
        self._compile(config, new_optimizer(config))

    def _compile(self, config: NetworkConfig, optimizer: Any) -> None:
        def loss(target: Any, output: Any) -> Any:
            return row_losses(config, target, output)

        self._model.compile(optimizer=optimizer, loss=loss)

    def advance(self, epochs: int, progress: Progress = lambda _: None) -> list[float]:
        """Train the model in place for so many epochs more; return the mean loss of each."""
        each_epoch = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: progress(1))
        history = self._model.fit(
            self._data.inputs,
            self._data.target,
            sample_weight=self._data.weight,
            batch_size=self._batch_size,
            epochs=epochs,
            verbose=0,
            callbacks=[each_epoch],
        )
        return [float(value) for value in history.history["loss"]]

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
