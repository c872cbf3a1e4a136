"""One step of the optimiser in every lane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from training.executors.stacked import drops
from training.executors.stacked.dense import Rows, rows_there
from training.executors.stacked.initial import initial_of
from training.executors.stacked.lanes import Signature
from training.executors.stacked.network import Pass
from training.executors.stacked.optimisers import Clock, Moved, Now, tick, update
from training.executors.stacked.records import Columns
from training.executors.steps import row_losses


class State(NamedTuple):
    """All that training changes, [lanes, ...] each: what a pause must keep."""

    weights: tuple[Any, ...]
    """Trained ones, in Keras' order."""
    moving: tuple[Any, ...]
    """Moving averages, in Keras' order."""
    slots: tuple[tuple[Any, ...], ...]
    """What the optimiser keeps of each trained weight."""
    clock: Clock
    gradient: Any
    """float32 [lanes], norm of the gradient over all weights at the last step."""


class Rates(NamedTuple):
    """What a lane may have for itself."""

    numbers: dict[str, Any]
    """float32 [lanes] each, by `optimisers.RATES`."""
    dropout: Any
    """float32 [lanes, blocks]."""
    seeds: Any
    """uint32 [lanes], of the dropout."""


class Batch(NamedTuple):
    """A batch of each lane."""

    inputs: dict[str, Any]
    target: Any
    """[lanes, rows, 2]."""
    weight: Any
    """[lanes, rows]."""
    counts: Any
    """int32 [lanes], rows that are there."""


def merged(trainable: Sequence[bool], weights: Sequence[Any], moving: Sequence[Any]) -> list[Any]:
    """Return trained weights and moving averages in the order of Keras."""
    trained, averaged = iter(weights), iter(moving)
    return [next(trained) if one else next(averaged) for one in trainable]


class Step:
    """The step of one architecture."""

    def __init__(self, like: Signature, columns: Columns) -> None:
        """Take the architecture, and where a row's parts stand."""
        self._config = like.config
        self._columns = columns
        self._initial = initial_of(like)
        pairs = zip(self._initial.trainable, self._initial.kernels, strict=True)
        self._kernels = [kernel for trainable, kernel in pairs if trainable]

    def __call__(self, state: State, rates: Rates, batch: Batch, ends: Any) -> tuple[State, Any]:
        """Return the state after a step, and the loss summed over the rows of each lane.

        Args:
            state: before the step.
            rates: what the lanes have for themselves.
            batch: rows.
            ends: whether some lane rests after this step: its gradient may be asked for.
        """
        counts = batch.counts
        rows = rows_there(counts, int(batch.weight.shape[1]))
        with tf.GradientTape() as tape:
            tape.watch(state.weights)
            sums, moving = self._losses(state, rates, batch, rows)
            loss = tf.reduce_sum(sums / rows.count[:, 0, 0])
        gradients = tape.gradient(loss, state.weights)
        gradients, penalty = self._with_l2(state.weights, gradients, rates)
        # A lane whose epoch is over waits for the others: nothing of it may move.
        moves = tf.cast(counts > 0, tf.float32)
        clock = tick(self._config, rates.numbers, state.clock)
        weights, slots = [], []
        for moved in map(Moved, state.weights, state.slots, gradients):
            weight, kept = update(self._config, rates.numbers, Now(clock, moves), of=moved)
            weights.append(weight)
            slots.append(kept)
        moving, clock = _where(counts > 0, (moving, clock), (state.moving, state.clock))
        norm = tf.cond(ends, lambda: _norm(gradients), lambda: state.gradient)
        norm = tf.where(counts > 0, norm, state.gradient)
        state = State(tuple(weights), moving, tuple(slots), clock, norm)
        return state, sums + penalty * tf.cast(counts, tf.float32)

    def _losses(self, state: State, rates: Rates, batch: Batch, rows: Rows) -> Any:
        """Return the loss of each lane summed over its rows, and the moving averages after it."""
        weights = merged(self._initial.trainable, state.weights, state.moving)
        pass_ = Pass(
            self._config,
            self._columns,
            weights,
            rows,
            training=True,
            drop=_drop(rates, state.clock),
        )
        losses = row_losses(self._config, batch.target, pass_.run(batch.inputs))
        there = rows.column[:, :, 0] * batch.weight
        return tf.reduce_sum(losses * there, axis=1), tuple(pass_.moving)

    def _with_l2(self, weights: Any, gradients: Any, rates: Rates) -> Any:
        """Return the gradients with that of the L2, and the L2 itself, [lanes]."""
        if not self._config.l2:
            return gradients, 0.0
        share = rates.numbers["l2"]
        penalty, added = 0.0, []
        for weight, gradient, kernel in zip(weights, gradients, self._kernels, strict=True):
            if not kernel:
                added.append(gradient)
                continue
            penalty += share * _squares(weight)
            shape = (-1,) + (1,) * (len(weight.shape) - 1)
            added.append(gradient + 2.0 * weight * tf.reshape(share, shape))
        return added, penalty


def _drop(rates: Rates, clock: Clock) -> Callable[[int, tuple[int, ...]], Any]:
    def drop(block: int, shape: tuple[int, ...]) -> Any:
        share = rates.dropout[:, block - 1]
        return drops.kept(rates.seeds, clock.steps, block=block, share=share, shape=shape)

    return drop


def _squares(value: Any) -> Any:
    """Return the sum of squares of each lane: as a product, which is fast where a sum is not."""
    flat = tf.reshape(value, (int(value.shape[0]), 1, -1))
    return tf.matmul(flat, flat, transpose_b=True)[:, 0, 0]


def _norm(gradients: Sequence[Any]) -> Any:
    return tf.sqrt(tf.add_n([_squares(gradient) for gradient in gradients]))


def _where(active: Any, new: Any, old: Any) -> Any:
    def choose(one: Any, other: Any) -> Any:
        return tf.where(tf.reshape(active, (-1,) + (1,) * (len(one.shape) - 1)), one, other)

    return tf.nest.map_structure(choose, new, old)
