"""Initial weights as `build_network` draws them, without building a network for each seed."""

from __future__ import annotations

import math
import random
from functools import lru_cache
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.executors.stacked.lanes import Signature
from training.networks import build_network

_CHECKED_SEED: Final = 20_06
"""Any seed serves to check that the draws are repeated as Keras makes them."""

_SEEDS: Final = 1_000_000_000
"""Keras seeds a layer's draws by a number from 1 to this one, from Python's generator."""

Weights = list[NDArray[np.float32]]
"""In Keras' order, as `model.set_weights` takes them."""


class Initial:
    """The draws of one architecture.

    Keras draws a seed for each kernel and each dropout when their layers are made. Those draws are
    repeated here in their order. Where a version of Keras draws otherwise, networks are built.
    """

    def __init__(self, like: Signature) -> None:
        """Build the network once, for its weights, and compare the repeated draws with them."""
        self._like = like
        model = self._built(_CHECKED_SEED)
        self._layers = [layer for layer in model.layers if layer.weights or _is_dropout(layer)]
        self.trainable: tuple[bool, ...] = tuple(weight.trainable for weight in model.weights)
        self.kernels: tuple[bool, ...] = tuple(weight.name == "kernel" for weight in model.weights)
        self.count: int = model.count_params()
        self._rest = [_constant(weight) for weight in model.weights]
        self._draw = _draws([tuple(w.shape) for w in model.weights if w.name == "kernel"])
        pairs = zip(self._repeated(_CHECKED_SEED), model.get_weights(), strict=True)
        self.repeats = all(np.array_equal(one, other) for one, other in pairs)
        """Whether this version of Keras draws as it is done here."""

    def weights(self, seed: int) -> Weights:
        """Return the weights of `build_network` for a seed."""
        if self.repeats:
            return self._repeated(seed)
        return [np.asarray(value) for value in self._built(seed).get_weights()]

    def _built(self, seed: int) -> keras.Model:
        return build_network(self._like.config, dict(self._like.shapes), seed=seed)

    def _repeated(self, seed: int) -> Weights:
        generator = random.Random(seed)
        drawn = [
            (layer, generator.randint(1, _SEEDS)) for layer in self._layers if _draws_of(layer)
        ]
        seeds = [number for layer, number in drawn if not _is_dropout(layer)]
        kernels = iter(self._draw(tf.constant(seeds, tf.int32)))
        pairs = zip(self._rest, self.kernels, strict=True)
        return [np.asarray(next(kernels)) if kernel else value for value, kernel in pairs]


def _is_dropout(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.layers.Dropout)


def _draws_of(layer: keras.Layer) -> bool:
    return _is_dropout(layer) or any(weight.name == "kernel" for weight in layer.weights)


def _constant(weight: keras.Variable) -> NDArray[np.float32]:
    ones = weight.name in {"gamma", "moving_variance"}
    return (np.ones if ones else np.zeros)(tuple(weight.shape), np.float32)


def _draws(shapes: list[tuple[int, ...]]) -> Any:
    """Return a function from the seed of each kernel to the kernels, as Glorot and Bengio draw."""

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def draw(seeds: Any) -> list[Any]:
        kernels = []
        for i, shape in enumerate(shapes):
            field = math.prod(shape[:-2])
            limit = math.sqrt(3.0 / ((shape[-2] + shape[-1]) * field / 2.0))
            uniform = tf.random.stateless_uniform
            kernels.append(uniform(shape, tf.stack([seeds[i], 0]), -limit, limit))
        return kernels

    return draw


@lru_cache(maxsize=64)
def initial_of(like: Signature) -> Initial:
    """Return the draws of an architecture, made once a process."""
    return Initial(like)
