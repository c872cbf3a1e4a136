"""Convolutions of many lanes at once, with the pooling that follows each.

Grouped convolutions are slow on a processor. Here a convolution is one matrix product a lane: each
pooling window of outputs sees a patch of the image, and the members of the window stand side by
side. Values are kept in long rows, for a loop over a short last axis uses no vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def convolve(image: Any, kernel: Any, *, pool: int, windows: int) -> Any:
    """Return the members of pooling windows, [lanes, rows * n * n, pool * pool, filters].

    Only outputs that a window holds are computed. The first member is the upper left one.

    Args:
        image: [lanes, rows, side, side, channels].
        kernel: [lanes, k, k, channels, filters], as Keras has it.
        pool: side of the windows; 1 for every output by itself.
        windows: how many of them a side, from the upper left: n.
    """
    lanes, size, _, _, filters = kernel.shape
    patches = _patches(image, int(size) + pool - 1, pool, windows)
    return tf.reshape(patches @ _shifted(kernel, pool), (lanes, -1, pool * pool, filters))


def add_bias(values: Any, bias: Any) -> Any:
    """Return values [lanes, n, filters] with the bias [lanes, filters].

    The gradient of the bias is a product, not a slow sum.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def added(values: Any, bias: Any) -> tuple[Any, Callable[[Any], Any]]:
        def gradient(above: Any) -> Any:
            lanes, count, _ = above.shape
            return above, (tf.ones((lanes, 1, count)) @ above)[:, 0]

        return values + bias[:, None], gradient

    return added(values, bias)


def largest(members: Any) -> Any:
    """Return the largest of [lanes, n, members, m] over the members, [lanes, n, m].

    Of equal ones the first has the gradient, as in Keras.
    """
    count = int(members.shape[2])
    if count == 1:
        return members[:, :, 0]

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def chosen(members: Any) -> tuple[Any, Callable[[Any], Any]]:
        each = tf.unstack(members, axis=2)
        found = each[0]
        for one in each[1:]:
            found = tf.maximum(found, one)

        def gradient(above: Any) -> Any:
            winner = tf.fill(found.shape, count - 1)
            for i in range(count - 2, -1, -1):
                winner = tf.where(each[i] == found, i, winner)
            return tf.stack([tf.where(winner == i, above, 0.0) for i in range(count)], axis=2)

        return found, gradient

    return chosen(members)


def pooled(image: Any, pool: int) -> Any:
    """Return the maxima of the pooling windows of [lanes, rows, side, side, channels]."""
    lanes, rows, side, _, channels = image.shape
    end = side // pool * pool
    corners = [image[:, :, y:end:pool, x:end:pool] for y in range(pool) for x in range(pool)]
    members = tf.reshape(tf.stack(corners, axis=2), (lanes, rows, pool * pool, -1))
    return tf.reshape(largest(members), (lanes, rows, side // pool, side // pool, channels))


def _patches(image: Any, size: int, step: int, count: int) -> Any:
    """Return what each window sees, [lanes, rows * count * count, size * size * channels]."""
    lanes, rows, _, side, channels = image.shape
    starts = range(0, count * step, step)
    bands = tf.stack([image[:, :, y : y + size] for y in starts], axis=2)
    bands = tf.reshape(bands, (lanes, rows, count, size, side * channels))
    across = [bands[..., x * channels : (x + size) * channels] for x in starts]
    seen = tf.stack(across, axis=3)
    return tf.reshape(seen, (lanes, rows * count * count, size * size * channels))


def _shifted(kernel: Any, pool: int) -> Any:
    """Return the kernel as each member of a window applies it, [lanes, values of a patch, n]."""
    lanes, size, _, channels, _ = kernel.shape
    side = size + pool - 1
    moved = [
        tf.pad(kernel, ((0, 0), (y, pool - 1 - y), (x, pool - 1 - x), (0, 0), (0, 0)))
        for y in range(pool)
        for x in range(pool)
    ]
    return tf.reshape(tf.stack(moved, axis=-2), (lanes, side * side * channels, -1))
