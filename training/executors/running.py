"""Many trainings side by side behind one interface, whatever runs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from training.executors import EXECUTORS
from training.executors.stack import Health, Stack
from training.executors.stacked.lanes import Lane, group, shapes_of
from training.networks import dead_outputs
from training.preparation import start_network

ExecutorName = Literal["stack", "loop", "fit"]
EXECUTOR_NAMES: Final[tuple[ExecutorName, ...]] = ("stack", "loop", "fit")


class Running(Protocol):
    """Lanes under training; what is returned comes in their order."""

    @property
    def lanes(self) -> list[Lane]:
        """Those that still run."""

    def advance(self, epochs: int) -> NDArray[np.float32]:
        """Train every lane on; return the mean loss of each epoch, [lanes, epochs]."""

    def predict(self) -> list[NDArray[np.float32]]:
        """Return the scaled positions of the held-out rows of each lane, [n, 2]."""

    def predict_training(self) -> list[NDArray[np.float32]]:
        """Return the scaled positions of the training rows of each lane, [n, 2]."""

    def weights(self, lane: int) -> list[NDArray[np.float32]]:
        """Return the weights of a lane in the order that `model.set_weights` takes."""

    def health(self) -> list[Health]:
        """Return how each lane stands."""

    def keep(self, indices: Sequence[int]) -> None:
        """Go on with some lanes, in the order given."""


class Part(NamedTuple):
    """Lanes that run together, and which of all lanes they are."""

    positions: list[int]
    running: Running


def start(lanes: Sequence[Lane], executor: ExecutorName) -> list[Part]:
    """Begin trainings; with `stack`, those of one architecture run as one program.

    Args:
        lanes: what to train; `config.executor` is not read.
        executor: what runs them.
    """
    if executor == "stack":
        return [Part(one, Stack([lanes[i] for i in one])) for one in group(lanes)]
    return [Part(list(range(len(lanes))), OneByOne(lanes, executor))] if lanes else []


class OneByOne:
    """Lanes that are trained one after the other, each by `loop` or `fit`."""

    def __init__(self, lanes: Sequence[Lane], executor: Literal["loop", "fit"]) -> None:
        """Initialise every lane as `fit_network` does."""
        self.lanes = list(lanes)
        self._models = [
            start_network(
                lane.config, dict(shapes_of(lane.data.inputs)), lane.data.inputs, seed=lane.seed
            ).model
            for lane in lanes
        ]
        self._trainings = [
            EXECUTORS[executor](lane.config, model, lane.data, lane.seed)
            for lane, model in zip(lanes, self._models, strict=True)
        ]
        self._losses = [0.0] * len(lanes)

    def advance(self, epochs: int) -> NDArray[np.float32]:
        """Train every lane on; return the mean loss of each epoch, [lanes, epochs]."""
        curves = [training.advance(epochs) for training in self._trainings]
        self._losses = [curve[-1] for curve in curves]
        return np.asarray(curves, np.float32)

    def predict(self) -> list[NDArray[np.float32]]:
        """Return the scaled positions of the held-out rows of each lane, [n, 2]."""
        pairs = zip(self._models, self.lanes, strict=True)
        return [np.asarray(model(lane.held_out, training=False)) for model, lane in pairs]

    def predict_training(self) -> list[NDArray[np.float32]]:
        """Return the scaled positions of the training rows of each lane, [n, 2]."""
        pairs = zip(self._models, self.lanes, strict=True)
        return [np.asarray(model(lane.data.inputs, training=False)) for model, lane in pairs]

    def weights(self, lane: int) -> list[NDArray[np.float32]]:
        """Return the weights of a lane in the order that `model.set_weights` takes."""
        return [np.asarray(weight) for weight in self._models[lane].get_weights()]

    def health(self) -> list[Health]:
        """Return how each lane stands; Keras does not tell its gradients, so they are 0."""
        return [
            Health(
                dead_outputs(model, lane.data.inputs),
                bool(np.isfinite(loss) and all(np.isfinite(w).all() for w in model.get_weights())),
                0.0,
            )
            for model, lane, loss in zip(self._models, self.lanes, self._losses, strict=True)
        ]

    def keep(self, indices: Sequence[int]) -> None:
        """Go on with some lanes, in the order given."""
        self.lanes = [self.lanes[i] for i in indices]
        self._models = [self._models[i] for i in indices]
        self._trainings = [self._trainings[i] for i in indices]
        self._losses = [self._losses[i] for i in indices]
