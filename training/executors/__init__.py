"""How the epochs of a network are run: Keras as it is, or the same mathematics in one graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import keras

from training.config import NetworkConfig
from training.executors.fit import run_fit
from training.executors.loop import run_loop
from training.executors.steps import Progress, TrainingSet

Executor = Callable[[NetworkConfig, keras.Model, TrainingSet, int, Progress], list[float]]
"""Trains a model in place by its configuration, on rows, with a seed for their order.

Returns the mean loss of each epoch.
"""

EXECUTORS: Final[Mapping[str, Executor]] = {"loop": run_loop, "fit": run_fit}
"""By the value of `NetworkConfig.executor`."""

__all__ = ["EXECUTORS", "Executor", "Progress", "TrainingSet"]
