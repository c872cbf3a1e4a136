"""What every executor shares: the rows, the loss and the optimiser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from localizer.features import Features
from training.config import NetworkConfig

Progress = Callable[[int], None]
"""Called with the number of epochs that have just ended."""

_TINY: Final = 1e-12
"""Under the square root of a loss: its gradient at 0 is not finite."""


class TrainingSet(NamedTuple):
    """What the epochs run over."""

    inputs: Features
    target: NDArray[np.float32]
    """[n, 2], scaled."""
    weight: NDArray[np.float32]
    """[n], mean 1."""


def row_orders(shuffle: np.random.Generator, rows: int, epochs: int) -> NDArray[np.int32]:
    """Return the order in which each epoch takes the rows, [epochs, rows]; of every executor."""
    orders = np.empty((epochs, rows), np.int32)
    for order in orders:
        order[:] = shuffle.permutation(rows)
    return orders


def new_optimizer(config: NetworkConfig) -> Any:
    """Return the optimiser of a configuration, before its first step."""
    rate, betas = config.learning_rate, (config.beta1, config.beta2)
    if config.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=config.momentum, nesterov=config.nesterov)
    if config.optimizer == "rmsprop":
        return keras.optimizers.RMSprop(rate, rho=config.rho)
    if config.optimizer == "adamw":
        return keras.optimizers.AdamW(rate, config.weight_decay, *betas)
    if config.optimizer == "nadam":
        return keras.optimizers.Nadam(rate, *betas)
    return keras.optimizers.Adam(rate, *betas)


def set_amounts(model: keras.Model, config: NetworkConfig) -> None:
    """Give a network other amounts of dropout and L2 than it was built with.

    What was traced before has the old ones in it.
    """
    for block in range(1, config.blocks + 1):
        share = config.of_block(block)[2]
        if share:
            model.get_layer(f"dropout_{block}").rate = share
    for layer in model.layers:
        penalty = getattr(layer, "kernel_regularizer", None)
        if penalty is not None:
            penalty.l2 = config.l2


def row_losses(config: NetworkConfig, target: Any, output: Any) -> Any:
    """Return the loss of each row, [n], in scaled units (squared ones for `mse` and `huber`)."""
    squares = tf.square(target - output)
    if config.loss == "mse":
        return tf.reduce_mean(squares, axis=-1)
    if config.loss == "row_rmse":
        return tf.sqrt(tf.reduce_mean(squares, axis=-1) + _TINY)
    distance = tf.sqrt(tf.reduce_sum(squares, axis=-1) + _TINY)
    if config.loss == "huber":
        near = tf.minimum(distance, config.huber_delta)
        return near * (distance - near / 2)
    return distance


def batch_loss(model: keras.Model, losses: Any, weight: Any) -> Any:
    """Return what a step descends: the weighted mean over rows and the network's L2.

    Keras' own loop adds the L2 by itself.
    """
    mean = tf.reduce_mean(losses * weight)
    return tf.add_n([mean, *model.losses]) if model.losses else mean
