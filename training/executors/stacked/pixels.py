"""Images of which few pixels ever change: their first convolution as a product with those alone.

An image of a floor shows a reading where its beacon hangs; all else is the same in every row. The
first convolution is linear: what the constant pixels give is computed once a lane, and each of the
others adds the kernel, moved to where it is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.config import NetworkConfig
from training.executors.stacked import convolution

_MOST: Final = 128
"""Pixels beyond which the moved kernels outgrow the cache."""


class Pixels(NamedTuple):
    """Which pixels change, and what the others are; hashable, as a part of a program."""

    side: int
    channels: int
    changing: tuple[int, ...]
    """Positions in a flat image."""
    constant: bytes
    """float32 [side, side, channels], 0 where a pixel changes."""

    @property
    def background(self) -> NDArray[np.float32]:
        """The constant pixels as an image."""
        flat = np.frombuffer(self.constant, np.float32)
        return flat.reshape(self.side, self.side, self.channels)

    @property
    def places(self) -> NDArray[np.int64]:
        """Row, column and channel of each changing pixel."""
        shape = (self.side, self.side, self.channels)
        return np.stack(np.unravel_index(np.asarray(self.changing, np.int64), shape), axis=1)


def pixels_of(config: NetworkConfig, images: Iterable[NDArray[np.float32]]) -> Pixels | None:
    """Return the changing pixels of images [n, side, side, channels], or None if it does not pay.

    It pays while they are fewer than the values that an output of the convolution sees. With batch
    normalisation every output is needed, and the general way taken.
    """
    if config.of_block(1)[1]:
        return None
    every = [image for image in images if len(image)]
    first = every[0][:1]
    changes = np.any([(image != first).any(axis=0) for image in every], axis=0)
    count, seen = int(changes.sum()), config.kernels[0] ** 2 * first.shape[-1]
    if not 0 < count <= min(_MOST, seen):
        return None
    constant = np.where(changes, 0, first[0]).astype(np.float32)
    places = tuple(int(i) for i in np.flatnonzero(changes))
    return Pixels(first.shape[1], first.shape[-1], places, constant.tobytes())


def convolve(of: Pixels, values: Any, kernel: Any, *, pool: int, windows: int) -> Any:
    """Return the members of pooling windows, [lanes, rows, pool * pool, n * n * filters].

    Args:
        of: where the values are.
        values: of the changing pixels, [lanes, rows, pixels].
        kernel: [lanes, k, k, channels, filters].
        pool: side of the windows.
        windows: how many of them a side, from the upper left: n.
    """
    lanes, rows, count = values.shape
    moved = tf.reshape(_moved(of, kernel, pool, windows), (lanes, count, -1))
    members = tf.reshape(values @ moved, (lanes, rows, pool * pool, -1))
    if not of.background.any():
        return members
    image = tf.tile(of.background[None, None], (lanes, 1, 1, 1, 1))
    behind = convolution.convolve(image, kernel, pool=pool, windows=windows)
    behind = tf.reshape(tf.transpose(behind, (0, 2, 1, 3)), (lanes, 1, pool * pool, -1))
    return members + behind


def _moved(of: Pixels, kernel: Any, pool: int, windows: int) -> Any:
    """Return the kernel as each pixel meets each output, [lanes, pixels, outputs, filters].

    Outputs come by their place in a window, and then by window. Its gradient is gathered too: a
    scatter, which TensorFlow would make of it, adds one number at a time.
    """
    lanes, size, _, channels, filters = kernel.shape
    taps, outputs = _taps(of, int(size), pool, windows)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def gathered(flat: Any) -> tuple[Any, Callable[[Any], Any]]:
        def gradient(above: Any) -> Any:
            met = outputs >= 0
            above = tf.reshape(above, (lanes, taps.size, filters))
            parts = tf.gather(above, np.where(met, outputs, 0).ravel(), axis=1)
            parts = tf.reshape(parts, (lanes, *outputs.shape, filters))
            return tf.reduce_sum(parts * met[None, :, :, None].astype(np.float32), axis=1)

        padded = tf.pad(flat, ((0, 0), (0, 1), (0, 0)))
        found = tf.gather(padded, taps.ravel(), axis=1)
        return tf.reshape(found, (lanes, *taps.shape, filters)), gradient

    return gathered(tf.reshape(kernel, (lanes, size * size * channels, filters)))


@functools.lru_cache(maxsize=64)
def _taps(
    of: Pixels, size: int, pool: int, windows: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return which tap of the kernel each pixel meets at each output, and the other way round.

    Returns:
        int32 [pixels, outputs], the number of taps where it meets none; and int32 [pixels, taps],
        -1 where there is no such output.
    """
    corner = np.arange(windows) * pool
    member = np.arange(pool)
    at = (member[:, None] + corner[None, :]).ravel()
    row, column, channel = of.places.T
    tap_y = row[:, None] - at
    tap_x = column[:, None] - at
    y = tap_y.reshape(-1, pool, 1, windows, 1)
    x = tap_x.reshape(-1, 1, pool, 1, windows)
    inside = (y >= 0) & (y < size) & (x >= 0) & (x < size)
    tap = (y * size + x) * of.channels + channel[:, None, None, None, None]
    none = size * size * of.channels
    taps = np.where(inside, tap, none).reshape(len(row), -1)
    outputs = np.full((len(row), none + 1), -1)
    pixel = np.broadcast_to(np.arange(len(row))[:, None], taps.shape)
    outputs[pixel, taps] = np.arange(taps.size).reshape(taps.shape)
    return taps.astype(np.int32), outputs[:, :-1].astype(np.int32)
