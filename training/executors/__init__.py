"""How the epochs of a network are run: Keras as it is, or the same mathematics in one graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

import keras

from training.config import NetworkConfig
from training.executors.fit import FitTraining
from training.executors.loop import LoopTraining
from training.executors.steps import Progress, TrainingSet


class Training(Protocol):
    """One network under training, which may pause between two epochs."""

    def advance(self, epochs: int, progress: Progress = ...) -> list[float]:
        """Train the model in place for so many epochs more; return the mean loss of each."""


Executor = Callable[[NetworkConfig, keras.Model, TrainingSet, int], Training]
"""Begins the training of a model by its configuration, on rows, with a seed for their order."""

EXECUTORS: Final[Mapping[str, Executor]] = {"loop": LoopTraining, "fit": FitTraining}
"""By the value of `NetworkConfig.executor`."""

__all__ = ["EXECUTORS", "Executor", "Progress", "Training", "TrainingSet"]
