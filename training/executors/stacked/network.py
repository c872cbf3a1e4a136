"""The networks of `training.networks` for many lanes at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import tensorflow as tf

from training.config import NetworkConfig
from training.executors.stacked import convolution, dense, pixels
from training.executors.stacked.dense import ACTIVATIONS, Rows
from training.executors.stacked.records import Columns

NORM_MOMENTUM: Final = 0.99
"""Share of the old value in a moving average, as Keras' batch normalisation has it."""

Drop = Callable[[int, tuple[int, ...]], Any]
"""What the units of a block, in the shape of one lane, are multiplied by."""


class Pass:
    """One way of a batch through the networks of all lanes."""

    def __init__(
        self,
        config: NetworkConfig,
        columns: Columns,
        weights: Sequence[Any],
        rows: Rows,
        *,
        training: bool,
        drop: Drop | None = None,
    ) -> None:
        """Take the weights in Keras' order, [lanes, ...] each.

        Args:
            config: the architecture.
            columns: what the inputs are.
            weights: of all lanes.
            rows: which rows of the batch are there.
            training: normalise by the batch; otherwise by the moving averages.
            drop: dropout; none without.
        """
        self._config = config
        self._pixels = columns.pixels
        self._windows = _windows(config, dict(columns.shapes).get("image", (0,))[0])
        self._left = iter(weights)
        self._rows = rows
        self._training = training
        self._drop = drop
        self.moving: list[Any] = []
        """Moving averages after the batch, in Keras' order."""

    def run(self, inputs: Mapping[str, Any]) -> Any:
        """Return the scaled positions, [lanes, rows, 2].

        Args:
            inputs: `vector` [lanes, width, rows]; `image` [lanes, rows, side, side, channels], or
                only its changing pixels, [lanes, rows, pixels].
        """
        hidden = None
        if "image" in inputs:
            hidden = self._convolutions(inputs["image"])
        if "vector" in inputs:
            vector = inputs["vector"]
            hidden = vector if hidden is None else tf.concat([hidden, vector], axis=1)
        first = len(self._config.filters) + 1
        for block in range(first, self._config.blocks + 1):
            hidden = self._dense(hidden, block)
        output = ACTIVATIONS[self._config.output](self._affine(hidden))
        return tf.transpose(output, (0, 2, 1))

    def _affine(self, hidden: Any) -> Any:
        return dense.dense(next(self._left), next(self._left), hidden, self._rows.column)

    def _dense(self, hidden: Any, block: int) -> Any:
        activation, norm, share = self._config.of_block(block)
        hidden = ACTIVATIONS[activation](self._affine(hidden))
        if norm:
            hidden = self._normal(hidden, self._rows)
        return self._dropped(hidden, block, share)

    def _convolutions(self, image: Any) -> Any:
        """Return the flat features of an image, [lanes, features, rows]."""
        hidden = image
        for block, windows in enumerate(self._windows, start=1):
            hidden = self._convolution(hidden, block, windows)
        flat = tf.reshape(hidden, (*hidden.shape[:2], -1))
        return tf.transpose(flat, (0, 2, 1))

    def _convolution(self, hidden: Any, block: int, windows: int) -> Any:
        activation, norm, share = self._config.of_block(block)
        pool = self._config.pools[block - 1]
        kernel, bias = next(self._left), next(self._left)
        act = ACTIVATIONS[activation]
        if norm:
            # The moments are over every output, of which the windows may leave some out.
            hidden = self._normal_image(act(self._outputs(hidden, kernel, bias)))
            return self._dropped(convolution.pooled(hidden, pool), block, share)
        if block == 1 and self._pixels is not None:
            members = pixels.convolve(self._pixels, hidden, kernel, pool=pool, windows=windows)
        else:
            members = convolution.convolve(hidden, kernel, pool=pool, windows=windows)
        lanes, rows = hidden.shape[:2]
        filters = int(bias.shape[-1])
        if activation == "gelu":
            flat = tf.reshape(members, (lanes, -1, filters))
            members = tf.reshape(act(convolution.add_bias(flat, bias)), members.shape)
            hidden = convolution.largest(members)
        else:
            # The others never fall: the largest is the same before them, and costs them but once.
            flat = tf.reshape(convolution.largest(members), (lanes, -1, filters))
            hidden = act(convolution.add_bias(flat, bias))
        hidden = tf.reshape(hidden, (lanes, rows, windows, windows, filters))
        return self._dropped(hidden, block, share)

    def _outputs(self, image: Any, kernel: Any, bias: Any) -> Any:
        """Return every output of a convolution, [lanes, rows, n, n, filters]."""
        count = int(image.shape[2]) - int(kernel.shape[1]) + 1
        every = convolution.convolve(image, kernel, pool=1, windows=count)[:, :, 0]
        return tf.reshape(
            convolution.add_bias(every, bias), (*image.shape[:2], count, count, bias.shape[-1])
        )

    def _normal(self, hidden: Any, rows: Rows) -> Any:
        gamma, beta, mean, variance = (next(self._left) for _ in range(4))
        if not self._training:
            return dense.apply_norm(gamma, beta, (mean, variance), hidden)
        hidden, *moments = dense.batch_norm(gamma, beta, hidden, rows)
        for old, new in zip((mean, variance), moments, strict=True):
            self.moving.append(old * NORM_MOMENTUM + new[:, :, 0] * (1.0 - NORM_MOMENTUM))
        return hidden

    def _normal_image(self, image: Any) -> Any:
        """Normalise each channel over all rows and pixels."""
        lanes, rows, height, width, channels = image.shape
        pixels = height * width
        flat = tf.transpose(tf.reshape(image, (lanes, rows * pixels, channels)), (0, 2, 1))
        column = tf.repeat(self._rows.column, pixels, axis=1)
        flat = self._normal(flat, Rows(column, self._rows.count * float(pixels)))
        return tf.reshape(tf.transpose(flat, (0, 2, 1)), image.shape)

    def _dropped(self, hidden: Any, block: int, share: float) -> Any:
        if self._drop is None or not share:
            return hidden
        return hidden * self._drop(block, tuple(hidden.shape[1:]))


def _windows(config: NetworkConfig, side: int) -> list[int]:
    """Return how many pooling windows a side each convolution must give.

    That is less than there are where the next one leaves some out: its own windows may not fill
    what it is given. Batch normalisation leaves nothing out.
    """
    every = []
    for kernel, pool in zip(config.kernels, config.pools, strict=True):
        side = (side - kernel + 1) // pool
        every.append(side)
    needed = every[-1:]
    for block in range(len(every) - 1, 0, -1):
        kernel, pool = config.kernels[block], config.pools[block]
        norm = config.of_block(block + 1)[1]
        seen = every[block - 1] if norm else pool * needed[0] + kernel - 1
        needed.insert(0, min(seen, every[block - 1]))
    return needed
