"""The compiled steps of one architecture and number of lanes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

import tensorflow as tf

from training.executors.stacked.lanes import Signature
from training.executors.stacked.records import Columns
from training.executors.stacked.step import Batch, Rates, State, Step

_KEPT: Final = 32
"""Programs that a process keeps, the last used ones."""

Steps = Callable[[State, Rates, Any, Any, Any, Any], tuple[State, Any]]
"""Runs the first so many steps: state, rates, table float32 [n, columns], its rows int32 [at most,
lanes, batch], how many of them are there int32 [at most, lanes], number of steps int32. Returns the
state and the loss of each step summed over its rows, float32 [at most, lanes]."""

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


def _compiled(like: Signature, columns: Columns) -> Steps:
    step = Step(like, columns)

    @tf.function(jit_compile=True, autograph=False)  # type: ignore[untyped-decorator]
    def run(state: State, rates: Rates, *feed: Any) -> Any:
        table, rows, counts, steps = feed

        def body(i: Any, state: State, losses: Any) -> Any:
            inputs, records = columns.picked(table, rows[i])
            batch = Batch(inputs, columns.target(records), columns.weight(records), counts[i])
            # Not `counts[...]`: XLA takes what a slice begins at for a constant, and would compile
            # the program anew for every number of steps.
            after = tf.gather(counts, tf.minimum(i + 1, steps - 1))
            ends = (i + 1 == steps) | tf.reduce_any((counts[i] > 0) & (after == 0))
            state, loss = step(state, rates, batch, ends)
            return i + 1, state, tf.tensor_scatter_nd_update(losses, [[i]], [loss])

        losses = tf.zeros(counts.shape, tf.float32)
        start = (tf.constant(0), state, losses)
        _, state, losses = tf.while_loop(lambda i, *_: i < steps, body, start)
        return state, losses

    return run  # type: ignore[no-any-return]
