"""The compiled steps of one architecture and number of lanes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import tensorflow as tf

from training.executors.stacked import drops
from training.executors.stacked.dense import Rows, rows_there
from training.executors.stacked.initial import initial_of
from training.executors.stacked.lanes import Signature
from training.executors.stacked.network import Pass
from training.executors.stacked.optimisers import Clock, Moved, tick, update
from training.executors.stacked.records import Columns
from training.executors.steps import row_losses

_KEPT: Final = 32
"""Programs that a process keeps, the last used ones."""


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


Steps = Callable[[State, Rates, Any, Any, Any], tuple[State, Any]]
"""Runs the first so many steps: state, rates, records float32 [at most, lanes, batch, columns],
rows that are there int32 [at most, lanes], number of steps int32. Returns the state and the loss of
each step summed over its rows, float32 [at most, lanes]."""

_programs: OrderedDict[tuple[Any, ...], Steps] = OrderedDict()
"""Of this process, the last used one at the end."""


def program_of(like: Signature, columns: Columns, lanes: int, batch: int) -> Steps:
    """Return the compiled steps; those of one signature, size and batch are compiled once."""
    key = (like, columns, lanes, batch)
    if key not in _programs:
        _programs[key] = _compiled(like, columns)
    _programs.move_to_end(key)
    while len(_programs) > _KEPT:
        _programs.popitem(last=False)
    return _programs[key]


def merged(trainable: Sequence[bool], weights: Sequence[Any], moving: Sequence[Any]) -> list[Any]:
    """Return trained weights and moving averages in the order of Keras."""
    trained, averaged = iter(weights), iter(moving)
    return [next(trained) if one else next(averaged) for one in trainable]


def _compiled(like: Signature, columns: Columns) -> Steps:
    step = _Step(like, columns)

    @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
    def run(state: State, rates: Rates, records: Any, counts: Any, steps: Any) -> Any:
        def body(i: Any, state: State, losses: Any) -> Any:
            state, loss = step(state, rates, records[i], counts[i])
            return i + 1, state, tf.tensor_scatter_nd_update(losses, [[i]], [loss])

        losses = tf.zeros(counts.shape, tf.float32)
        start = (tf.constant(0), state, losses)
        _, state, losses = tf.while_loop(lambda i, *_: i < steps, body, start)
        return state, losses

    return run  # type: ignore[no-any-return]


class _Step:
    """One step of the optimiser in every lane."""

    def __init__(self, like: Signature, columns: Columns) -> None:
        self._config = like.config
        self._columns = columns
        self._initial = initial_of(like)
        pairs = zip(self._initial.trainable, self._initial.kernels, strict=True)
        self._kernels = [kernel for trainable, kernel in pairs if trainable]

    def __call__(self, state: State, rates: Rates, records: Any, counts: Any) -> Any:
        rows = rows_there(counts, int(records.shape[1]))
        with tf.GradientTape() as tape:
            tape.watch(state.weights)
            sums, moving = self._losses(state, rates, records, rows)
            loss = tf.reduce_sum(sums / rows.count[:, 0, 0])
        gradients = tape.gradient(loss, state.weights)
        gradients, penalty = self._with_l2(state.weights, gradients, rates)
        taken = self._moved(state, rates, gradients, moving)
        # A lane whose epoch is over waits for the others: nothing of it may move.
        state = _where(counts > 0, taken, state)
        return state, sums + penalty * tf.cast(counts, tf.float32)

    def _losses(self, state: State, rates: Rates, records: Any, rows: Rows) -> Any:
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
        output = pass_.run(self._columns.inputs(records))
        losses = row_losses(self._config, self._columns.target(records), output)
        there = rows.column[:, :, 0] * self._columns.weight(records)
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

    def _moved(self, state: State, rates: Rates, gradients: Any, moving: Any) -> State:
        clock = tick(self._config, rates.numbers, state.clock)
        weights, slots = [], []
        for moved in map(Moved, state.weights, state.slots, gradients):
            weight, kept = update(self._config, rates.numbers, clock, of=moved)
            weights.append(weight)
            slots.append(kept)
        norm = tf.sqrt(tf.add_n([_squares(gradient) for gradient in gradients]))
        return State(tuple(weights), moving, tuple(slots), clock, norm)


def _drop(rates: Rates, clock: Clock) -> Callable[[int, tuple[int, ...]], Any]:
    def drop(block: int, shape: tuple[int, ...]) -> Any:
        share = rates.dropout[:, block - 1]
        return drops.kept(rates.seeds, clock.steps, block=block, share=share, shape=shape)

    return drop


def _squares(value: Any) -> Any:
    """Return the sum of squares of each lane: as a product, which is fast where a sum is not."""
    flat = tf.reshape(value, (int(value.shape[0]), 1, -1))
    return tf.matmul(flat, flat, transpose_b=True)[:, 0, 0]


def _where(active: Any, new: State, old: State) -> State:
    def choose(one: Any, other: Any) -> Any:
        return tf.where(tf.reshape(active, (-1,) + (1,) * (len(one.shape) - 1)), one, other)

    return tf.nest.map_structure(choose, new, old)  # type: ignore[no-any-return]
