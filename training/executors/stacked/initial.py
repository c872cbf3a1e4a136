"""Initial weights as `build_network` draws them, without building a network for each seed."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import keras
import numpy as np
from numpy.typing import NDArray

from training.executors.stacked.lanes import Signature
from training.networks import build_network

_CHECKED_SEED: Final = 20_06
"""Any seed serves to check that the draws are replayed as Keras makes them."""

Weights = list[NDArray[np.float32]]
"""In Keras' order, as `model.set_weights` takes them."""


class Initial:
    """The draws of one architecture.

    Keras draws a seed for each kernel and each dropout when their layers are made. Those draws are
    repeated here in their order. Where a version of Keras draws otherwise, networks are built.
    """

    def __init__(self, like: Signature) -> None:
        """Build the network once, for its weights, and compare the replayed draws with them."""
        self._like = like
        model = self._built(_CHECKED_SEED)
        self._layers = [layer for layer in model.layers if layer.weights or _draws(layer)]
        self.trainable: tuple[bool, ...] = tuple(weight.trainable for weight in model.weights)
        self.kernels: tuple[bool, ...] = tuple(weight.name == "kernel" for weight in model.weights)
        self.count: int = model.count_params()
        pairs = zip(self._replayed(_CHECKED_SEED), model.get_weights(), strict=True)
        self.replays = all(np.array_equal(one, other) for one, other in pairs)

    def weights(self, seed: int) -> Weights:
        """Return the weights of `build_network` for a seed."""
        if self.replays:
            return self._replayed(seed)
        return [np.asarray(value) for value in self._built(seed).get_weights()]

    def _built(self, seed: int) -> keras.Model:
        return build_network(self._like.config, dict(self._like.shapes), seed=seed)

    def _replayed(self, seed: int) -> Weights:
        keras.utils.set_random_seed(seed)
        drawn: Weights = []
        for layer in self._layers:
            if not layer.weights:
                keras.random.SeedGenerator()
            for weight in layer.weights:
                drawn.append(_first(weight))
        return drawn


def _draws(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.layers.Dropout)


def _first(weight: keras.Variable) -> NDArray[np.float32]:
    shape = tuple(weight.shape)
    if weight.name == "kernel":
        return np.asarray(keras.initializers.GlorotUniform()(shape), np.float32)
    ones = weight.name in {"gamma", "moving_variance"}
    return np.ones(shape, np.float32) if ones else np.zeros(shape, np.float32)


@lru_cache(maxsize=64)
def initial_of(like: Signature) -> Initial:
    """Return the draws of an architecture, made once a process."""
    return Initial(like)
