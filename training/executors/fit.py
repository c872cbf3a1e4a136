"""Keras `fit` as it is: slow on networks this small, and the reference for every other executor."""

from __future__ import annotations

from typing import Any

import keras

from training.config import NetworkConfig
from training.executors.steps import Progress, TrainingSet, new_optimizer, row_losses


class FitTraining:
    """A training by Keras' own loop."""

    def __init__(
        self, config: NetworkConfig, model: keras.Model, data: TrainingSet, seed: int
    ) -> None:
        """Begin one. Keras shuffles with its own generator, which `build_network` has seeded."""
        del seed

        def loss(target: Any, output: Any) -> Any:
            return row_losses(config, target, output)

        model.compile(optimizer=new_optimizer(config), loss=loss)
        self._model, self._data, self._batch_size = model, data, config.batch_size

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
