"""Dense blocks of many lanes at once.

Activations are [lanes, units, rows]: with the rows last, products run along whole vectors, a bias
is one number a vector, and a sum over rows is a product with a column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import tensorflow as tf

NORM_EPSILON: Final = 1e-3
"""Added to a variance, as Keras' batch normalisation has it."""


class Rows(NamedTuple):
    """Which rows of a batch are there: lanes of a stack have batches of different lengths."""

    column: Any
    """float32 [lanes, rows, 1], 1 for a row that is there and 0 for padding after the last."""
    count: Any
    """float32 [lanes, 1, 1], at least 1."""

    @property
    def mask(self) -> Any:
        """The column as float32 [lanes, 1, rows]."""
        return tf.transpose(self.column, (0, 2, 1))


def rows_there(count: Any, rows: int) -> Rows:
    """Return the rows of batches by their lengths, int32 [lanes]."""
    there = tf.cast(tf.range(rows)[None, :] < count[:, None], tf.float32)
    return Rows(there[:, :, None], tf.cast(tf.maximum(count, 1), tf.float32)[:, None, None])


def dense(kernel: Any, bias: Any, hidden: Any, column: Any) -> Any:
    """Return kernel.T @ hidden + bias; the gradient of the bias is a product, not a slow sum.

    Args:
        kernel: [lanes, inputs, units], as Keras has it.
        bias: [lanes, units].
        hidden: [lanes, inputs, rows].
        column: of `Rows`.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def product(kernel: Any, bias: Any, hidden: Any) -> tuple[Any, Callable[[Any], Any]]:
        def gradient(above: Any) -> Any:
            of_kernel = tf.matmul(hidden, above, transpose_b=True)
            return of_kernel, (above @ column)[:, :, 0], kernel @ above

        return tf.matmul(kernel, hidden, transpose_a=True) + bias[:, :, None], gradient

    return product(kernel, bias, hidden)


def batch_moments(hidden: Any, rows: Rows) -> tuple[Any, Any]:
    """Return the mean and the variance of each unit over rows that are there, [lanes, units, 1].

    Two passes: raw dBm have a mean far from 0, and a variance from squares alone would lose it.
    """
    mean = (hidden @ rows.column) / rows.count
    return mean, (tf.square(hidden - mean) @ rows.column) / rows.count


def batch_norm(gamma: Any, beta: Any, hidden: Any, rows: Rows) -> tuple[Any, Any, Any]:
    """Normalise over the rows that are there; also return the mean and the variance.

    Args:
        gamma: [lanes, units].
        beta: [lanes, units].
        hidden: [lanes, units, rows].
        rows: which of them are there.
    """
    column, mask, count = rows.column, rows.mask, rows.count

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def normal(gamma: Any, beta: Any, hidden: Any) -> Any:
        mean, variance = batch_moments(hidden, rows)
        inverse = tf.math.rsqrt(variance + NORM_EPSILON)
        scale = inverse * gamma[:, :, None]

        def gradient(above: Any, _mean: Any, _variance: Any) -> Any:
            of_beta = above @ column
            of_gamma = ((above * (hidden - mean)) @ column) * inverse
            drift = of_beta / count + (hidden - mean) * (inverse * of_gamma / count)
            return of_gamma[:, :, 0], of_beta[:, :, 0], scale * (above - drift) * mask

        return ((hidden - mean) * scale + beta[:, :, None], mean, variance), gradient

    hidden, mean, variance = normal(gamma, beta, hidden)
    return hidden, mean, variance


def apply_norm(gamma: Any, beta: Any, moments: tuple[Any, Any], hidden: Any) -> Any:
    """Normalise by given moments, [lanes, units] each, as at inference."""
    mean, variance = moments
    scale = tf.math.rsqrt(variance + NORM_EPSILON) * gamma
    return (hidden - mean[:, :, None]) * scale[:, :, None] + beta[:, :, None]


def _gelu(value: Any) -> Any:
    return tf.nn.gelu(value, approximate=False)


ACTIVATIONS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "linear": tf.identity,
    "relu": tf.nn.relu,
    "elu": tf.nn.elu,
    "gelu": _gelu,
    "tanh": tf.tanh,
    "sigmoid": tf.sigmoid,
    "exponential": tf.exp,
}
"""By their names in Keras."""
