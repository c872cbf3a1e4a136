"""The steps of Keras' optimisers, with settings that differ from lane to lane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import tensorflow as tf

from training.config import NetworkConfig

RATES: Final = (
    "learning_rate",
    "beta1",
    "beta2",
    "rho",
    "weight_decay",
    "momentum",
    "l2",
)
"""Settings of a configuration that are a number a lane."""

SLOTS: Final[Mapping[str, int]] = {"adam": 2, "adamw": 2, "nadam": 2, "rmsprop": 1, "sgd": 1}
"""Numbers that an optimiser keeps of each weight."""

_EPSILON: Final = 1e-7
"""As Keras has it."""

_NADAM_DECAY: Final = 0.96
"""How the momentum of Nadam warms up, as Keras has it."""


class Clock(NamedTuple):
    """What an optimiser knows of time, by lane."""

    steps: Any
    """float32 [lanes], steps taken."""
    warm_up: Any
    """float32 [lanes], product of the momenta of Nadam's steps."""


def tick(config: NetworkConfig, rates: Mapping[str, Any], clock: Clock) -> Clock:
    """Return the clock at the step that is being taken."""
    steps = clock.steps + 1.0
    if config.optimizer != "nadam":
        return Clock(steps, clock.warm_up)
    return Clock(steps, clock.warm_up * _nadam_momentum(rates, steps))


class Now(NamedTuple):
    """The step that is taken."""

    clock: Clock
    """After `tick`."""
    moves: Any
    """float32 [lanes], 1 for a lane that takes the step and 0 for one that stands still."""


class Moved(NamedTuple):
    """A weight at a step, [lanes, ...] each."""

    weight: Any
    slots: tuple[Any, ...]
    gradient: Any


def update(
    config: NetworkConfig, rates: Mapping[str, Any], now: Now, *, of: Moved
) -> tuple[Any, tuple[Any, ...]]:
    """Return a weight and its slots after a step.

    A lane that stands still is multiplied by 0 and not chosen between: a choice would need a copy
    of every old number.

    Args:
        config: names the optimiser.
        rates: float32 [lanes] by name.
        now: the step.
        of: the weight, before the step.
    """
    shape = (-1,) + (1,) * (len(of.weight.shape) - 1)
    moves = tf.reshape(now.moves, shape)
    rate = {name: tf.reshape(value, shape) for name, value in rates.items()}
    rate["learning_rate"] *= moves
    if config.optimizer == "sgd":
        return _sgd(config, rate, moves, of)
    if config.optimizer == "rmsprop":
        return _rmsprop(rate, moves, of)
    weight = of.weight
    if config.optimizer == "adamw":
        weight = weight - weight * (rate["weight_decay"] * rate["learning_rate"])
    mean = of.slots[0] + (of.gradient - of.slots[0]) * (moves * (1.0 - rate["beta1"]))
    square = of.slots[1] + (tf.square(of.gradient) - of.slots[1]) * (moves * (1.0 - rate["beta2"]))
    clock = Clock(*(tf.reshape(value, shape) for value in now.clock))
    if config.optimizer == "nadam":
        return weight - _nadam(rate, clock, of.gradient, mean, square), (mean, square)
    unbiased = tf.sqrt(1.0 - tf.pow(rate["beta2"], clock.steps))
    alpha = rate["learning_rate"] * unbiased / (1.0 - tf.pow(rate["beta1"], clock.steps))
    return weight - mean * alpha / (tf.sqrt(square) + _EPSILON), (mean, square)


def _sgd(
    config: NetworkConfig, rate: Mapping[str, Any], moves: Any, of: Moved
) -> tuple[Any, tuple[Any, ...]]:
    pushed = of.gradient * rate["learning_rate"]
    velocity = of.slots[0] * (moves * rate["momentum"] + (1.0 - moves)) - pushed
    move = velocity * rate["momentum"] - pushed if config.nesterov else velocity
    return of.weight + move * moves, (velocity,)


def _rmsprop(rate: Mapping[str, Any], moves: Any, of: Moved) -> tuple[Any, tuple[Any, ...]]:
    square = of.slots[0] + (tf.square(of.gradient) - of.slots[0]) * (moves * (1.0 - rate["rho"]))
    return of.weight - rate["learning_rate"] * of.gradient / tf.sqrt(square + _EPSILON), (square,)


def _nadam(rate: Mapping[str, Any], clock: Clock, gradient: Any, mean: Any, square: Any) -> Any:
    here = _nadam_momentum(rate, clock.steps)
    ahead = _nadam_momentum(rate, clock.steps + 1.0)
    mean_hat = ahead * mean / (1.0 - clock.warm_up * ahead)
    mean_hat += (1.0 - here) * gradient / (1.0 - clock.warm_up)
    square_hat = square / (1.0 - tf.pow(rate["beta2"], clock.steps))
    return mean_hat * rate["learning_rate"] / (tf.sqrt(square_hat) + _EPSILON)


def _nadam_momentum(rate: Mapping[str, Any], steps: Any) -> Any:
    return rate["beta1"] * (1.0 - 0.5 * tf.pow(_NADAM_DECAY, steps))
