"""The networks: the paper's DNN and CNN, for any number of beacons and any grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from localizer.errors import ConfigError
from training.config import NetworkConfig

Shapes = Mapping[str, tuple[int, ...]]
"""Shape of each input by feature name, without the axis of scans."""


def build_network(config: NetworkConfig, shapes: Shapes, *, seed: int) -> keras.Model:
    """Return an untrained network, initialised by `seed`.

    Args:
        config: architecture and output.
        shapes: as `FeatureSpec.shapes` gives them.
        seed: of the initial weights and the dropout.

    Returns:
        A model from `vector` [n, width] and/or `image` [n, side, side, channels] to [n, 2],
        in the scaled units of the target.

    Raises:
        ConfigError: a convolution or a pooling does not fit what is left of the image.
    """
    keras.utils.set_random_seed(seed)
    # Layers are named here: Keras would count them through the process, and the names go into the
    # exported file, which must not depend on what was trained before.
    inputs = {name: keras.Input(shape, name=name) for name, shape in shapes.items()}
    trunk = _dense_trunk if config.network == "dnn" else _convolution_trunk
    hidden = trunk(config, inputs)
    output = keras.layers.Dense(
        2, activation=config.output, kernel_regularizer=_penalty(config), name="scaled_position"
    )(hidden)
    return keras.Model(inputs, output, name=config.network)


def _penalty(config: NetworkConfig) -> Any:
    return keras.regularizers.L2(config.l2) if config.l2 > 0 else None


def _dense_trunk(config: NetworkConfig, inputs: Mapping[str, Any]) -> Any:
    hidden = inputs["vector"]
    for layer in range(1, len(config.hidden) + 1):
        hidden = _dense(config, hidden, layer, f"hidden_{layer}")
    return hidden


def _convolution_trunk(config: NetworkConfig, inputs: Mapping[str, Any]) -> Any:
    hidden = inputs["image"]
    for layer in range(1, len(config.filters) + 1):
        hidden = _convolution(config, hidden, layer)
    hidden = keras.layers.Flatten(name="flat")(hidden)
    if "vector" in inputs:
        hidden = keras.layers.Concatenate(name="with_unplaced")([hidden, inputs["vector"]])
    for layer in range(1, len(config.hidden) + 1):
        hidden = _dense(config, hidden, layer, "dense" if layer == 1 else f"dense_{layer}")
    return hidden


def _convolution(config: NetworkConfig, hidden: Any, layer: int) -> Any:
    kernel, pool = config.kernels[layer - 1], config.pools[layer - 1]
    side = int(hidden.shape[1])
    if (side - kernel + 1) // pool < 1:
        raise ConfigError(
            f"a {kernel}x{kernel} kernel and a pool of {pool} must fit the image, but "
            f"{side}x{side} pixels are left; use fewer layers, smaller kernels or more pixels"
        )
    activation, norm, share = config.of_block(layer)
    hidden = keras.layers.Conv2D(
        config.filters[layer - 1],
        kernel,
        activation=activation,
        kernel_regularizer=_penalty(config),
        name=f"convolution_{layer}",
    )(hidden)
    if norm:
        hidden = keras.layers.BatchNormalization(name=f"norm_{layer}")(hidden)
    if pool > 1:
        hidden = keras.layers.MaxPooling2D(pool, name=f"pool_{layer}")(hidden)
    return _dropped(hidden, share, layer)


def _dense(config: NetworkConfig, hidden: Any, layer: int, name: str) -> Any:
    block = len(config.filters) + layer
    activation, norm, share = config.of_block(block)
    hidden = keras.layers.Dense(
        config.hidden[layer - 1],
        activation=activation,
        kernel_regularizer=_penalty(config),
        name=name,
    )(hidden)
    if norm:
        hidden = keras.layers.BatchNormalization(name=f"norm_{block}")(hidden)
    return _dropped(hidden, share, block)


def _dropped(hidden: Any, share: float, block: int) -> Any:
    """Without a share there is no layer at all: one that drops nothing still costs its time."""
    if share == 0:
        return hidden
    return keras.layers.Dropout(share, name=f"dropout_{block}")(hidden)


def dead_outputs(model: keras.Model, inputs: Mapping[str, NDArray[np.float32]]) -> tuple[int, ...]:
    """Return the output coordinates that are 0 for every row: no gradient passes through them.

    With both dead nothing moves any more; with one, the other's gradient alone moves what they
    share.

    Only a ReLU output can be dead. The paper's CNN is in most of its initialisations, because its
    image is almost constant (silence is the brightest pixel).
    """
    if model.layers[-1].activation is not keras.activations.relu:
        return ()
    # As in training: an untrained batch normalisation at inference passes raw dBm on, and calls
    # outputs dead that live from the first batch. Its moving averages are put back afterwards.
    kept = model.get_weights()
    values = np.asarray(model(inputs, training=True))
    model.set_weights(kept)
    return tuple(int(i) for i in np.flatnonzero((values <= 0).all(axis=0)))
