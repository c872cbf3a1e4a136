"""Small lanes of made-up rows, and what Keras makes of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import keras
import numpy as np
from numpy.typing import NDArray

from training.config import NetworkConfig
from training.executors import TrainingSet
from training.executors.loop import LoopTraining
from training.executors.stack import Lane
from training.networks import build_network
from training.preparation import SEED_STEP

Shapes = Mapping[str, tuple[int, ...]]

VECTOR: Shapes = {"vector": (7,)}
HELD_OUT = 5


def rows(shapes: Shapes, n: int, seed: int) -> TrainingSet:
    """Rows from a generator, their targets a function of them."""
    draw = np.random.default_rng(seed)
    inputs = {name: draw.random((n, *shape)).astype(np.float32) for name, shape in shapes.items()}
    flat = np.concatenate([value.reshape(n, -1) for value in inputs.values()], axis=1)
    target = flat @ draw.normal(size=(flat.shape[1], 2)) / math.sqrt(flat.shape[1])
    weight = draw.uniform(0.5, 1.5, n).astype(np.float32)
    return TrainingSet(inputs, target.astype(np.float32), weight / weight.mean())


def lane(config: NetworkConfig, shapes: Shapes = VECTOR, *, seed: int = 0, n: int = 70) -> Lane:
    """A lane of its own rows, whose first rows are held out too."""
    data = rows(shapes, n, seed)
    return Lane(config, seed, data, {name: part[:HELD_OUT] for name, part in data.inputs.items()})


def by_loop(one: Lane, epochs: int, *, tries: int = 1) -> tuple[keras.Model, list[float]]:
    """What the executor `loop` makes of a lane that was initialised so often."""
    shapes = {name: part.shape[1:] for name, part in one.data.inputs.items()}
    model = build_network(one.config, shapes, seed=one.seed + (tries - 1) * SEED_STEP)
    curve = LoopTraining(one.config, model, one.data, one.seed).advance(epochs)
    return model, curve


def furthest(some: list[NDArray[np.float32]], others: list[NDArray[np.float32]]) -> float:
    """The largest difference between two networks' weights."""
    return max(float(np.abs(a - b).max()) for a, b in zip(some, others, strict=True))
