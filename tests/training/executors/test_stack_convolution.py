from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.training.simulated import quick
from training.executors.stacked import convolution, pixels

SIDE, CHANNELS, FILTERS, LANES, ROWS = 11, 2, 3, 2, 4
GEOMETRIES = [(3, 2), (5, 2), (2, 3), (4, 3), (3, 1), (1, 2), (6, 2), (4, 1)]
"""Sides of kernel and pooling window."""


def _images(seed: int = 0) -> Any:
    """Three pixels change; the others are as a floor is drawn."""
    draw = np.random.default_rng(seed)
    images = np.zeros((LANES, ROWS, SIDE, SIDE, CHANNELS), np.float32)
    images[..., 1] = draw.random((SIDE, SIDE)) > 0.5
    for y, x, channel in ((0, 0, 0), (4, 5, 0), (7, 3, 1)):
        images[..., y, x, channel] = draw.normal(size=(LANES, ROWS))
    return images


def _kernel(size: int) -> tuple[Any, Any]:
    draw = np.random.default_rng(1)
    kernel = draw.normal(size=(LANES, size, size, CHANNELS, FILTERS)).astype(np.float32)
    return tf.constant(kernel), tf.constant(draw.normal(size=(LANES, FILTERS)).astype(np.float32))


def _by_tensorflow(images: Any, kernel: Any, bias: Any, *, pool: int) -> Any:
    lanes = [
        tf.nn.max_pool2d(tf.nn.conv2d(image, k, 1, "VALID") + b, pool, pool, "VALID")
        for image, k, b in zip(
            tf.unstack(images), tf.unstack(kernel), tf.unstack(bias), strict=True
        )
    ]
    return tf.stack(lanes)


def _finished(values: Any, bias: Any, windows: int) -> Any:
    flat = convolution.add_bias(tf.reshape(values, (LANES, -1, FILTERS)), bias)
    return tf.reshape(flat, (LANES, ROWS, windows, windows, FILTERS))


def _with_gradients(function: Any, *arguments: Any) -> list[Any]:
    """The result, and the gradients of something that weighs every part of it differently."""
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        result = function(*arguments)
        weights = np.random.default_rng(2).normal(size=result.shape).astype(np.float32)
        total = tf.reduce_sum(result * weights)
    return [result, *tape.gradient(total, arguments)]


@pytest.mark.parametrize(("size", "pool"), GEOMETRIES)
def test_windows_are_those_of_convolution_and_pooling(size: int, pool: int) -> None:
    images = np.random.default_rng(3).normal(size=(LANES, ROWS, SIDE, SIDE, CHANNELS))
    windows = (SIDE - size + 1) // pool

    def ours(images: Any, kernel: Any, bias: Any) -> Any:
        members = convolution.convolve(images, kernel, pool=pool, windows=windows)
        return _finished(convolution.largest(members), bias, windows)

    arguments = (tf.constant(images.astype(np.float32)), *_kernel(size))
    expected = _with_gradients(lambda *a: _by_tensorflow(*a, pool=pool), *arguments)
    for mine, theirs in zip(_with_gradients(ours, *arguments), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-4)


@pytest.mark.parametrize("painted", [True, False])
@pytest.mark.parametrize(("size", "pool"), GEOMETRIES)
def test_changing_pixels_give_what_whole_images_do(size: int, pool: int, painted: bool) -> None:
    images = _images()
    if not painted:
        images[..., 1] = 0
        images[..., 7, 3, 1] = np.random.default_rng(4).normal(size=(LANES, ROWS))
    config = quick("cnn", kernels=(7, 5))
    found = pixels.pixels_of(config, list(images))
    assert found is not None
    assert len(found.changing) == 3
    assert found.background.any() == painted
    values = tf.constant(images.reshape(LANES, ROWS, -1)[..., list(found.changing)])
    windows = (SIDE - size + 1) // pool

    def ours(kernel: Any, bias: Any) -> Any:
        members = pixels.convolve(found, values, kernel, pool=pool, windows=windows)
        return _finished(convolution.largest(members), bias, windows)

    expected = _with_gradients(lambda *a: _by_tensorflow(images, *a, pool=pool), *_kernel(size))
    for mine, theirs in zip(_with_gradients(ours, *_kernel(size)), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-4)


def test_images_that_change_much_or_are_normalised_go_the_general_way() -> None:
    every = np.random.default_rng(5).random((6, SIDE, SIDE, 1)).astype(np.float32)
    few = list(_images()[..., :1])
    assert pixels.pixels_of(quick("cnn"), [every]) is None
    assert pixels.pixels_of(quick("cnn"), few) is not None
    assert pixels.pixels_of(quick("cnn", batch_norm_after=(1,)), few) is None
    assert pixels.pixels_of(quick("cnn"), [few[0][:0], few[1]]) is not None, "no held-out rows"


def test_of_equal_outputs_the_first_has_the_gradient() -> None:
    same = tf.reshape(tf.constant([1.0, 1.0, 0.0]), (1, 1, 3, 1))
    _, gradient = _with_gradients(convolution.largest, same)
    assert (np.ravel(gradient) != 0).tolist() == [True, False, False]
