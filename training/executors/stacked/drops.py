"""Dropout of many lanes, by a counter: what is dropped depends on a lane's seed and its step alone.

So a lane drops the same units whoever runs beside it, and after a pause. Keras' own draws cannot be
had for many seeds in one program; these are equal to them in distribution.
"""

from __future__ import annotations

import math
from typing import Any, Final

import tensorflow as tf

_ROUNDS: Final = ((16, 0x7FEB352D), (15, 0x846CA68B))
"""Shift and odd factor of each round of the 32-bit mixing function `lowbias32` (C. Wellons, Hash
Prospector, 2018)."""

_GOLDEN: Final = 0x9E3779B9
"""2^32 over the golden ratio: consecutive counters land far apart."""

_BITS: Final = 24
"""Of a float32's fraction and its hidden one."""


def kept(seeds: Any, steps: Any, *, block: int, share: Any, shape: tuple[int, ...]) -> Any:
    """Return what the units of a block are multiplied by, float32 [lanes, *shape].

    0 for a dropped unit, and 1 / (1 - share) for a kept one, so that its mean is 1.

    Args:
        seeds: uint32 [lanes].
        steps: float32 [lanes], steps taken.
        block: which block of the network.
        share: float32 [lanes], dropped on average.
        shape: of one lane.
    """
    keys = _mixed(_mixed(seeds + _u32(_GOLDEN * (block + 1))) + tf.cast(steps, tf.uint32))
    counters = tf.range(math.prod(shape), dtype=tf.int32)
    counters = tf.cast(counters, tf.uint32) * _u32(_GOLDEN)
    bits = _mixed(_mixed(counters[None, :] + keys[:, None]) ^ keys[:, None])
    draw = tf.cast(tf.cast(tf.bitwise.right_shift(bits, _u32(32 - _BITS)), tf.int32), tf.float32)
    drop = draw < (share * 2.0**_BITS)[:, None]
    factor = tf.where(drop, 0.0, (1.0 / (1.0 - share))[:, None])
    return tf.reshape(factor, (-1, *shape))


def _mixed(value: Any) -> Any:
    for shift, factor in _ROUNDS:
        value = (value ^ tf.bitwise.right_shift(value, _u32(shift))) * _u32(factor)
    return value ^ tf.bitwise.right_shift(value, _u32(16))


def _u32(value: int) -> Any:
    return tf.constant(value % 2**32, tf.uint32)
