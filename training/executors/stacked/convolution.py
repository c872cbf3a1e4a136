"""Convolutions of many lanes at once, each pooling window one row of a matrix product.

Grouped convolutions are slow on a processor. Here a convolution with its pooling is one product a
lane: a window of outputs that are pooled together sees a patch of the image; patches are cut from
blocks of the image as large as the pooling, so that few slices do, whatever the image's size.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def convolve(image: Any, kernel: Any, bias: Any, *, pool: int, windows: int) -> list[Any]:
    """Return the members of pooling windows, pool * pool of [lanes, rows, n, n, filters].

    Only outputs that a window holds are computed. The first member is the upper left one.

    Args:
        image: [lanes, rows, side, side, channels].
        kernel: [lanes, k, k, channels, filters], as Keras has it.
        bias: [lanes, filters].
        pool: side of the windows; 1 for every output by itself.
        windows: how many of them a side, from the upper left: n.
    """
    lanes, rows = image.shape[:2]
    size, filters = int(kernel.shape[1]), int(kernel.shape[-1])
    reach = -(-(size + pool - 1) // pool)
    patches = _patches(_blocks(image, pool, windows + reach - 1), windows, reach)
    product = patches @ _shifted(kernel, pool, reach)
    product = tf.reshape(product, (lanes, rows, windows, windows, pool * pool, filters))
    return [product[..., i, :] + bias[:, None, None, None, :] for i in range(pool * pool)]


def largest(members: Sequence[Any]) -> Any:
    """Return the elementwise maximum; of equal ones the first has the gradient, as in Keras."""
    return functools.reduce(tf.maximum, members)


def pooled(image: Any, pool: int) -> Any:
    """Return the maxima of the pooling windows of [lanes, rows, side, side, channels]."""
    end = int(image.shape[2]) // pool * pool
    corners = [(y, x) for y in range(pool) for x in range(pool)]
    return largest([image[:, :, y:end:pool, x:end:pool] for y, x in corners])


def _blocks(image: Any, pool: int, count: int) -> Any:
    """Return the blocks of an image from its upper left, [lanes, rows, count, count, values]."""
    lanes, rows, side, _, channels = image.shape
    lacking = max(0, count * pool - side)
    # What is added meets zeros of the kernel alone.
    image = tf.pad(image, ((0, 0), (0, 0), (0, lacking), (0, lacking), (0, 0)))
    image = image[:, :, : count * pool, : count * pool]
    if pool == 1:
        return image
    image = tf.reshape(image, (lanes, rows, count, pool, count, pool, channels))
    image = tf.transpose(image, (0, 1, 2, 4, 3, 5, 6))
    return tf.reshape(image, (lanes, rows, count, count, pool * pool * channels))


def _patches(blocks: Any, windows: int, reach: int) -> Any:
    """Return what each window sees, [lanes, rows * windows * windows, reach * reach * values]."""
    lanes, rows, _, _, values = blocks.shape
    seen = [
        blocks[:, :, y : y + windows, x : x + windows] for y in range(reach) for x in range(reach)
    ]
    return tf.reshape(
        tf.concat(seen, axis=-1), (lanes, rows * windows * windows, reach * reach * values)
    )


def _shifted(kernel: Any, pool: int, reach: int) -> Any:
    """Return the kernel at each member of a window, [lanes, reach * reach * values, n]."""
    lanes, size, _, channels, filters = kernel.shape
    side = reach * pool
    moved = [
        tf.pad(
            kernel,
            ((0, 0), (y, side - size - y), (x, side - size - x), (0, 0), (0, 0)),
        )
        for y in range(pool)
        for x in range(pool)
    ]
    members = tf.stack(moved, axis=-2)
    members = tf.reshape(members, (lanes, reach, pool, reach, pool, channels, pool * pool, filters))
    members = tf.transpose(members, (0, 1, 3, 2, 4, 5, 6, 7))
    return tf.reshape(members, (lanes, side * side * channels, pool * pool * filters))
