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

_FEED_FLOATS: Final = 4_000_000
"""Numbers that one call of a program is given: enough steps to hide what a call costs, in 16 MB."""

_STEPS: Final = 64
"""Steps a call at most."""


class Columns(NamedTuple):
    """Where in a row of the table its parts stand: inputs, target, weight. Hashable."""

    shapes: Shapes
    pixels: Pixels | None = None
    """Of an image, the only ones that a row holds."""

    def inputs(self, records: Any) -> dict[str, Any]:
        """Return the inputs by name, [lanes, rows, ...], of records [lanes, rows, columns].

        Of an image there may be no more than its changing pixels, [lanes, rows, pixels].
        """
        found, start = {}, 0
        for name, shape in self._held:
            end = start + math.prod(shape)
            found[name] = tf.reshape(records[:, :, start:end], (*records.shape[:2], *shape))
            start = end
        return found

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
        self.starts = np.asarray([start_of[id(rows)] for rows in sets])
        self.lengths = np.asarray([len(rows) for rows in sets])

    def of(self, lanes: Sequence[int]) -> Table:
        """Return the table of some lanes, in the order given; it shares the rows."""
        found = copy.copy(self)
        found.starts = self.starts[list(lanes)]
        found.lengths = self.lengths[list(lanes)]
        return found

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

    records: NDArray[np.float32]
    """[at most, lanes, batch, columns]."""
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
    at_most = max(1, min(_STEPS, _FEED_FLOATS // (size * batch * table.values.shape[1])))
    of_epoch = np.zeros((longest, size), np.int32)
    for lane, length in enumerate(table.lengths):
        of_epoch[:, lane] = np.clip(length - np.arange(longest) * batch, 0, batch)
    chosen = np.zeros((0, size, batch), np.intp)
    for epoch in range(epochs):
        chosen = np.concatenate([chosen, _epoch(table, shuffles, (size, longest, batch))])
        while len(chosen) >= at_most or (epoch == epochs - 1 and len(chosen)):
            done = (epoch + 1) * longest - len(chosen)
            steps = min(at_most, len(chosen))
            rows = np.arange(done, done + steps) % longest
            yield _feed(table, chosen[:steps], of_epoch[rows], at_most)
            chosen = chosen[steps:]


def _epoch(
    table: Table, shuffles: Sequence[np.random.Generator], shape: tuple[int, int, int]
) -> NDArray[np.intp]:
    """Return which rows of the table each batch of an epoch has, [steps, lanes, batch]."""
    size, steps, batch = shape
    rows = np.zeros((size, steps * batch), np.intp)
    for lane, shuffle in enumerate(shuffles):
        length = table.lengths[lane]
        rows[lane, :length] = table.starts[lane] + shuffle.permutation(length)
    return rows.reshape(size, steps, batch).transpose(1, 0, 2)


def _feed(table: Table, rows: NDArray[np.intp], counts: NDArray[np.int32], at_most: int) -> Feed:
    records = np.zeros((at_most, *rows.shape[1:], table.values.shape[1]), np.float32)
    np.take(table.values, rows, axis=0, out=records[: len(rows)], mode="clip")
    padded = np.zeros((at_most, rows.shape[1]), np.int32)
    padded[: len(rows)] = counts
    return Feed(records, padded, len(rows))
