"""What runs in a stack: lanes, which of them share a program, and how many run best together."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from localizer.features import Features
from training.config import NetworkConfig
from training.executors.steps import TrainingSet

BEST: Final = {"dnn": 64, "cnn": 8}
"""Lanes that run together at the least time each: more of the DNN hide what a step costs by itself,
more of the CNN no longer fit the cache. Measured on one core with 512 KiB of its own."""

_LEAST: Final = {"dnn": 8, "cnn": 2}
"""Below this a program is padded with lanes that stand still: one more program costs a compile."""


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """One training."""

    config: NetworkConfig
    seed: int
    """Of the initial weights, the order of rows and the dropout."""
    data: TrainingSet
    """Lanes that train on the same rows should hold the same object: a stack keeps it once."""
    held_out: Features
    """Inputs to predict for; no rows where there is nothing to score."""


Shapes = tuple[tuple[str, tuple[int, ...]], ...]
"""Name and shape of each input, without the axis of rows."""


class Signature(NamedTuple):
    """What lanes must have in common to run in one program."""

    config: NetworkConfig
    """With everything that may differ between lanes set to one value."""
    shapes: Shapes


def signature(lane: Lane) -> Signature:
    """Return what the program of a lane depends on.

    Learning rate, betas, rho, weight decay, momentum, amounts of L2 and dropout, seed and rows may
    differ; whether there is L2, and which blocks have dropout, may not.
    """
    config = lane.config
    same = dataclasses.replace(
        config,
        name="same",
        convention="aligned",
        aggregation="mean",
        image_size=0,
        target="box",
        place_balanced=False,
        executor="loop",
        epochs=1,
        dead_output_tries=1,
        augment=(),
        activations=tuple(config.of_block(block)[0] for block in _blocks(config)) or ("relu",),
        dropout=tuple(0.5 if config.of_block(block)[2] else 0.0 for block in _blocks(config))
        or (0.0,),
        l2=1.0 if config.l2 else 0.0,
        huber_delta=config.huber_delta if config.loss == "huber" else 1.0,
        nesterov=config.nesterov and config.optimizer == "sgd",
        learning_rate=1.0,
        beta1=0.5,
        beta2=0.5,
        rho=0.5,
        weight_decay=1.0,
        momentum=0.5,
    )
    return Signature(same, shapes_of(lane.data.inputs))


def shapes_of(inputs: Features) -> Shapes:
    """Return the shapes that a network is built for."""
    return tuple((name, tuple(value.shape[1:])) for name, value in inputs.items())


def group(lanes: Sequence[Lane]) -> list[list[int]]:
    """Return which lanes to run together, as positions: one signature and at most the best number.

    Every position comes once, in its order.
    """
    alike: dict[Signature, list[int]] = {}
    for position, lane in enumerate(lanes):
        alike.setdefault(signature(lane), []).append(position)
    return [
        positions[start : start + BEST[one.config.network]]
        for one, positions in alike.items()
        for start in range(0, len(positions), BEST[one.config.network])
    ]


def padded(lanes: int, network: str) -> int:
    """Return the size of the program that runs some lanes: powers of two, so that few are built."""
    size = _LEAST[network]
    while size < lanes:
        size *= 2
    return size


def _blocks(config: NetworkConfig) -> range:
    return range(1, config.blocks + 1)
