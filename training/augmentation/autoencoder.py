"""More scans of places with few, through an autoencoder of the unlabelled scans.

The method of arXiv:2006.08925: 10-5-5-10 hidden units, a ReLU after every layer, the root of a
row's mean squared error, Adam at its defaults, 20 epochs in batches of 10; (RSSI + 200) / 200 goes
in and comes out, 0 for what was not heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from localizer.errors import ConfigError
from localizer.table import FingerprintTable
from training.augmentation.naive import few_scan_places
from training.augmentation.rows import Generated, Material

UNITS: Final = (10, 5, 5, 10)
"""Of the hidden layers, whatever the number of beacons."""
EPOCHS: Final = 20
BATCH: Final = 10

SILENT_DBM: Final = -200.0
"""What the published scaling takes for a beacon that was not heard; it stays inside this module."""

HEARD_DBM: Final = -130.0
"""An output below it is a beacon not heard, as in the published code."""

AutoencoderRule = Literal["paper", "published-code"]

_TINY: Final = 1e-12
"""Under the square root of the loss: its gradient at 0 is not finite."""

_KEPT: Final = 64
"""Autoencoders (their weights) that a process keeps: folds that hold out no unlabelled scan share
one, and so do `autoencoder` and `hybrid`. One takes as long to train as a small network."""


def autoencoder(
    material: Material, rng: np.random.Generator, *, rule: AutoencoderRule = "paper"
) -> Generated:
    """Return what the autoencoder makes of each scan of a place with 2 to 9 of them.

    Args:
        material: the training side; the unlabelled scans train the autoencoder.
        rng: unused: the weights, the order of the rows and so the outputs hang on the seed.
        rule: rows that hear nothing go with both. `paper`: so do rows that hear a beacon which no
            scan of the place heard. `published-code`: those stay.

    Raises:
        ConfigError: the training side has no unlabelled scans.
    """
    table, unlabelled = material.table, material.unlabelled
    if len(unlabelled) == 0:
        raise ConfigError(
            "augmentation by `autoencoder` (and `hybrid`) learns from unlabelled scans, but the "
            "training side has none; walk about with the receiver in a development session "
            "without labelling, or leave it out"
        )
    places = [np.empty(0, np.int64), *few_scan_places(table)]
    rows = np.concatenate(places)
    weights = _weights(_levels(unlabelled).tobytes(), len(table.beacons), material.seed)
    rssi = _readings(_rebuilt(_levels(table.rows(rows)), weights))
    made = Generated(rssi, table.position_m[rows], tuple((int(row),) for row in rows))
    if rule == "paper":
        known = np.concatenate([np.tile(table.mask[at].any(axis=0), (len(at), 1)) for at in places])
        made = made.only(~(np.isfinite(rssi) & ~known).any(axis=1))
    return made.heard()


def _levels(table: FingerprintTable) -> NDArray[np.float32]:
    """Return readings as the published code scales them, float32 [n, b]."""
    rssi = np.where(table.mask, table.rssi_dbm, SILENT_DBM)
    return ((rssi - SILENT_DBM) / -SILENT_DBM).astype(np.float32)


def _readings(levels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return outputs as readings, float64 [n, b], dBm, NaN where not heard."""
    rssi = SILENT_DBM * (1 - levels.astype(np.float64))
    return np.where(rssi < HEARD_DBM, np.nan, rssi)


def _rebuilt(
    levels: NDArray[np.float32], weights: Sequence[NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Return the autoencoder's output, float32 [n, b]."""
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        levels = np.maximum(levels @ kernel + bias, 0)
    return levels


@lru_cache(maxsize=_KEPT)
def _weights(levels: bytes, beacons: int, seed: int) -> tuple[NDArray[np.float32], ...]:
    """Return kernel and bias of each layer, trained on levels, the bytes of a float32 [n, b]."""
    import keras

    rows = np.frombuffer(levels, np.float32).reshape(-1, beacons)
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(units, activation="relu") for units in (*UNITS, beacons)]
    model = keras.Sequential([keras.Input((beacons,)), *layers])
    run = _epoch_in_graph(model, rows)
    shuffle = np.random.default_rng(seed)
    for _ in range(EPOCHS):
        run(shuffle.permutation(len(rows)).astype(np.int32))
    return tuple(model.get_weights())


def _epoch_in_graph(model: Any, rows: NDArray[np.float32]) -> Any:
    """Return one epoch as a graph: as Keras `fit` does it, without its cost a batch."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.Adam()
    optimizer.build(model.trainable_variables)
    data = tf.constant(rows)

    def step(batch: Any) -> None:
        with tf.GradientTape() as tape:
            squares = tf.reduce_mean(tf.square(model(batch) - batch), axis=1)
            loss = tf.reduce_mean(tf.sqrt(squares + _TINY))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)

    @tf.function  # type: ignore[untyped-decorator]
    def run(order: Any) -> None:
        for start in tf.range(0, len(rows), BATCH):
            step(tf.gather(data, order[start : start + BATCH]))

    return run
