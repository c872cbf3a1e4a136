"""Keras `fit` as it is: slow on networks this small, and the reference for every other executor."""

from __future__ import annotations

from typing import Any

import keras

from training.config import NetworkConfig
from training.executors.steps import Progress, TrainingSet, new_optimizer, row_losses


def run_fit(
    config: NetworkConfig, model: keras.Model, data: TrainingSet, seed: int, progress: Progress
) -> list[float]:
    """Train a model in place, an epoch a call of Keras' own loop.

    Keras shuffles with its own generator, which `build_network` has seeded: `seed` is not read.
    """
    del seed

    def loss(target: Any, output: Any) -> Any:
        return row_losses(config, target, output)

    model.compile(optimizer=new_optimizer(config), loss=loss)
    each_epoch = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: progress(1))
    history = model.fit(
        data.inputs,
        data.target,
        sample_weight=data.weight,
        batch_size=config.batch_size,
        epochs=config.epochs,
        verbose=0,
        callbacks=[each_epoch],
    )
    return [float(value) for value in history.history["loss"]]
