"""The rows of a stack's lanes as one table: a batch is then one indexing of it."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from localizer.features import Features
from training.executors.stacked.lanes import Shapes
from training.executors.stacked.pixels import Pixels
from training.executors.steps import TrainingSet

_STEPS: Final = 64
"""Steps a call of a program: enough of them to hide what the call costs."""

_LEAST_ROWS: Final = 1024
"""A table has so many rows, or a power of two more: programs then serve tables of many sizes."""


class Columns(NamedTuple):
    """Where in a row of the table its parts stand: inputs, target, weight. Hashable."""

    shapes: Shapes
    pixels: Pixels | None = None
    """Of an image, the only ones that a row holds."""

    def inputs(self, records: Any) -> dict[str, Any]:
        """Return the inputs as `Pass.run` takes them, of records [lanes, rows, columns]."""
        found, start = {}, 0
        for name, shape in self._held:
            part = records[:, :, start : start + math.prod(shape)]
            start += math.prod(shape)
            found[name] = (
                tf.transpose(part, (0, 2, 1))
                if name == "vector"
                else tf.reshape(part, (*records.shape[:2], *shape))
            )
        return found

    def picked(self, table: Any, rows: Any) -> tuple[dict[str, Any], Any]:
        """Return the inputs of rows [lanes, rows] of a table, as `inputs` does, and the records."""
        records = tf.gather(table, rows)
        found, start = self.inputs(records), 0
        for name, shape in self._held:
            if name == "vector":
                # Number by number: rows turned afterwards would be turned within every product.
                places = rows[:, None, :] * int(table.shape[1]) + start
                places += tf.range(math.prod(shape))[None, :, None]
                found[name] = tf.gather(tf.reshape(table, [-1]), places)
            start += math.prod(shape)
        return found, records

    def target(self, records: Any) -> Any:
        """Return the targets, [lanes, rows, 2]."""
        return records[:, :, -3:-1]

    def weight(self, records: Any) -> Any:
        """Return the weights of rows, [lanes, rows]."""
        return records[:, :, -1]

    def of_set(self, data: TrainingSet) -> NDArray[np.float32]:
        """Return labelled rows, [n, columns]."""
        return np.concatenate([self._flat(data.inputs), data.target, data.weight[:, None]], axis=1)

    def of_inputs(self, inputs: Features) -> NDArray[np.float32]:
        """Return rows to predict for, [n, columns]; their targets and weights are 0."""
        flat = self._flat(inputs)
        return np.concatenate([flat, np.zeros((len(flat), 3), np.float32)], axis=1)

    def _flat(self, inputs: Features) -> NDArray[np.float32]:
        parts = [inputs[name].reshape(-1, math.prod(shape)) for name, shape in self.shapes]
        if self.pixels is not None:
            changing = list(self.pixels.changing)
            names = [name for name, _ in self.shapes]
            parts[names.index("image")] = parts[names.index("image")][:, changing]
        return np.concatenate(parts, axis=1, dtype=np.float32)

    @property
    def _held(self) -> Shapes:
        if self.pixels is None:
            return self.shapes
        changing = (len(self.pixels.changing),)
        return tuple((name, changing if name == "image" else s) for name, s in self.shapes)


class Table:
    """Rows of several sets, each kept once, and which of them each lane has."""

    def __init__(self, sets: Sequence[NDArray[np.float32]]) -> None:
        """Take the rows of each lane, [n, columns]; the same object counts once."""
        distinct = {id(rows): rows for rows in sets}
        starts = np.cumsum([0, *(len(rows) for rows in distinct.values())])[:-1]
        start_of = dict(zip(distinct, starts, strict=True))
        self.values = np.concatenate(list(distinct.values()))
        self._on_device: Any = None
        self.starts = np.asarray([start_of[id(rows)] for rows in sets])
        self.lengths = np.asarray([len(rows) for rows in sets])

    def of(self, lanes: Sequence[int]) -> Table:
        """Return the table of some lanes, in the order given; it shares the rows."""
        found = copy.copy(self)
        found.starts = self.starts[list(lanes)]
        found.lengths = self.lengths[list(lanes)]
        return found

    def tensor(self) -> Any:
        """Return the rows with empty ones after them, float32 [a power of two, columns]."""
        if self._on_device is None:
            size = _LEAST_ROWS
            while size < len(self.values):
                size *= 2
            self._on_device = tf.constant(
                np.pad(self.values, ((0, size - len(self.values)), (0, 0)))
            )
        return self._on_device

    def padded(self, size: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Return all rows of all lanes, [size, most, columns], and how many each has."""
        counts = np.zeros(size, np.int32)
        counts[: len(self.lengths)] = self.lengths
        records = np.zeros((size, max(1, counts.max()), self.values.shape[1]), np.float32)
        for lane, (start, length) in enumerate(zip(self.starts, self.lengths, strict=True)):
            records[lane, :length] = self.values[start : start + length]
        return records, counts


class Feed(NamedTuple):
    """What one call of a program runs over."""

    rows: NDArray[np.int32]
    """[at most, lanes, batch], of the table."""
    counts: NDArray[np.int32]
    """[at most, lanes], rows that are there."""
    steps: int
    """How many of the first axis are there."""


def feeds(
    table: Table, shuffles: Sequence[np.random.Generator], *, epochs: int, batch: int, size: int
) -> Iterator[Feed]:
    """Yield the batches of so many epochs, in the order that each lane's generator gives.

    Every lane has as many steps an epoch as the one with most rows; what it lacks is empty.
    """
    longest = -(-int(table.lengths.max()) // batch)
    of_epoch = np.zeros((longest, size), np.int32)
    for lane, length in enumerate(table.lengths):
        of_epoch[:, lane] = np.clip(length - np.arange(longest) * batch, 0, batch)
    rows = np.zeros((0, size, batch), np.int32)
    counts = np.zeros((0, size), np.int32)
    for epoch in range(epochs):
        rows = np.concatenate([rows, _epoch(table, shuffles, (size, longest, batch))])
        counts = np.concatenate([counts, of_epoch])
        while len(rows) >= _STEPS or (epoch == epochs - 1 and len(rows)):
            steps = min(_STEPS, len(rows))
            yield Feed(_filled(rows[:steps]), _filled(counts[:steps]), steps)
            rows, counts = rows[steps:], counts[steps:]


def _epoch(
    table: Table, shuffles: Sequence[np.random.Generator], shape: tuple[int, int, int]
) -> NDArray[np.int32]:
    """Return which rows of the table each batch of an epoch has, [steps, lanes, batch]."""
    size, steps, batch = shape
    rows = np.zeros((size, steps * batch), np.int32)
    for lane, shuffle in enumerate(shuffles):
        length = table.lengths[lane]
        rows[lane, :length] = table.starts[lane] + shuffle.permutation(length)
    return rows.reshape(size, steps, batch).transpose(1, 0, 2)


def _filled(steps: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return steps followed by empty ones: a program has one number of them."""
    lacking = ((0, _STEPS - len(steps)),) + ((0, 0),) * (steps.ndim - 1)
    return np.pad(steps, lacking)
