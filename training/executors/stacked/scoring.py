"""What the networks of a stack give for rows, without training them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.executors.stacked.dense import rows_there
from training.executors.stacked.lanes import Signature
from training.executors.stacked.network import Pass
from training.executors.stacked.records import Columns, Table

_ROWS: Final = 512
"""Rows of each lane at a time: the values between the layers of a large image fill the memory."""


def predicted(
    like: Signature, columns: Columns, weights: Sequence[Any], table: Table
) -> list[NDArray[np.float32]]:
    """Return the scaled positions of all rows of each lane, [n, 2], as at inference."""
    records, counts = table.padded(int(weights[0].shape[0]))
    parts = [
        _outputs(like, columns, weights, records[:, start : start + _ROWS])
        for start in range(0, records.shape[1], _ROWS)
    ]
    outputs = np.concatenate(parts, axis=1)
    return [outputs[lane, : counts[lane]] for lane in range(len(table.lengths))]


def dead(
    like: Signature, columns: Columns, weights: Sequence[Any], table: Table
) -> list[tuple[int, ...]]:
    """Return the coordinates of each lane that are 0 for every row, as `dead_outputs` does.

    Batch normalisation takes the moments of all rows, for the reason given there.
    """
    if like.config.output != "relu":
        return [()] * len(table.lengths)
    records, counts = table.padded(int(weights[0].shape[0]))
    outputs = _outputs(like, columns, weights, records, training_counts=counts)
    return [
        tuple(int(i) for i in np.flatnonzero((outputs[lane, : counts[lane]] <= 0).all(axis=0)))
        for lane in range(len(table.lengths))
    ]


def _outputs(
    like: Signature,
    columns: Columns,
    weights: Sequence[Any],
    records: NDArray[np.float32],
    *,
    training_counts: NDArray[np.int32] | None = None,
) -> NDArray[np.float32]:
    lanes, rows = records.shape[:2]
    training = training_counts is not None
    counts = training_counts if training_counts is not None else np.full(lanes, rows, np.int32)
    there = rows_there(tf.constant(counts), rows)
    pass_ = Pass(like.config, columns, weights, there, training=training)
    return np.asarray(pass_.run(columns.inputs(tf.constant(records))))
