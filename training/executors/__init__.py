"""How the epochs of a network are run: Keras' own way, or the same mathematics in one graph."""

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

    def change(self, config: NetworkConfig) -> None:
        """Go on with other settings of those that a `Stage` has; the optimiser's memory stays."""


def run_stages(
    training: Training, config: NetworkConfig, progress: Progress = lambda _: None
) -> list[float]:
    """Train for all epochs of a configuration, stage by stage; return the mean loss of each."""
    (_, epochs), *later = config.stages()
    curve = training.advance(epochs, progress)
    for stage, epochs in later:
        training.change(stage)
        curve += training.advance(epochs, progress)
    return curve


Executor = Callable[[NetworkConfig, keras.Model, TrainingSet, int], Training]
"""Begins the training of a model by its configuration, on rows, with a seed for their order."""

EXECUTORS: Final[Mapping[str, Executor]] = {"loop": LoopTraining, "fit": FitTraining}
"""By the value of `NetworkConfig.executor`."""

__all__ = ["EXECUTORS", "Executor", "Progress", "Training", "TrainingSet", "run_stages"]
