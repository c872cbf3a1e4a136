"""Training one network: initialise until alive, run the epochs, keep the curve."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from localizer.errors import ConfigError
from localizer.features import Features, FeatureSpec, features
from localizer.manifest import TargetScale
from localizer.site import Site
from localizer.table import FingerprintTable
from training.augmentation import augment, join
from training.config import NetworkConfig
from training.methods import Fitted, Positions, positions_only
from training.networks import build_network, dead_outputs
from training.specs import network_spec
from training.targets import target_scale, to_scaled

# Networks are retraced on purpose, one a fit: advice against it is noise.
tf.get_logger().setLevel("ERROR")

Progress = Callable[[int], None]
"""Called with the number of epochs that have just ended."""

_EPOCHS_A_CALL: Final = 10
"""Epochs a call of the in-graph loop: fewer calls waste time, more leave a progress bar still."""

_SEED_STEP: Final = 100_003
"""Between the seeds of two tries of one network, so that tries of one never start another."""

_TINY: Final = 1e-12
"""Under the square root of a loss: its gradient at 0 is not finite."""


class TrainingSet(NamedTuple):
    """What the epochs run over."""

    inputs: Features
    target: NDArray[np.float32]
    """[n, 2], scaled."""
    weight: NDArray[np.float32]
    """[n], mean 1."""


def fit_network(
    config: NetworkConfig,
    table: FingerprintTable,
    site: Site,
    *,
    seed: int,
    unlabelled: FingerprintTable | None = None,
    progress: Progress = lambda _: None,
) -> Fitted:
    """Return a network trained on labelled rows of one floor.

    Args:
        config: the network and its training.
        table: the training side.
        site: its site, with every heard beacon.
        seed: of initial weights, order of rows and dropout; the same seed gives the same network
            on one machine.
        unlabelled: scans of the training side without a position, for augmentations that learn
            from them; none if None.
        progress: told about ended epochs.

    Raises:
        ConfigError: the rows are aggregated in another way than the configuration says, or an
            augmentation lacks what it learns from.
    """
    if table.aggregation != config.aggregation:
        raise ConfigError(
            f"the rows must be aggregated as {config.name!r} says, by {config.aggregation!r}, but "
            f"are by {table.aggregation!r}; run networks of different aggregations apart"
        )
    floor_id = str(table.floor[0])
    spec, notes = network_spec(config, site, floor_id)
    scale = target_scale(config.target, site, floor_id)
    nothing = table.rows(slice(0))
    added = augment(config.augment, table, unlabelled or nothing, site, seed=seed)
    data = _training_set(config, join(table, added.table), spec, scale)
    model, dead, tries = _living_network(config, spec, data, seed)
    if dead:
        notes += (f"{dead} of {tries} initialisations had a dead output",)
    executor = _run_loop if config.executor == "loop" else _run_fit
    loss = executor(config, model, data, seed, progress)
    if not np.isfinite(loss[-1]):
        notes += ("training diverged: its loss is no number",)
    dead_at_end = bool(dead_outputs(model, data.inputs))
    if dead_at_end:
        notes += ("an output is dead after training: it is 0 for every row",)
    settings: dict[str, Any] = {
        "seed": seed,
        "initialisations": tries,
        "dead_initialisations": dead,
        "dead_at_end": dead_at_end,
        "weights": model.count_params(),
    }
    if config.augment:
        settings["augmented_rows"] = added.counts()
        notes += (f"its training rows are augmented by {', '.join(config.augment)}",)
    graph = positions_only(_positions(model, scale))
    return Fitted(config.name, spec, graph, settings, scale, notes, {"training loss": loss})


def _training_set(
    config: NetworkConfig, table: FingerprintTable, spec: FeatureSpec, scale: TargetScale
) -> TrainingSet:
    weight = np.ones(len(table), np.float32)
    if config.place_balanced:
        _, place, count = np.unique(table.place, return_inverse=True, return_counts=True)
        weight = (1.0 / count[place.ravel()]).astype(np.float32)
    inputs = features(table.rssi_dbm, table.mask, spec)
    return TrainingSet(inputs, to_scaled(table.position_m, scale), weight / weight.mean())


def _living_network(
    config: NetworkConfig, spec: FeatureSpec, data: TrainingSet, seed: int
) -> tuple[keras.Model, int, int]:
    """Return a network without a dead output, how many tries had one, and how many were made.

    After `dead_output_tries` the last one is returned, dead or not.
    """
    for dead in range(config.dead_output_tries):
        model = build_network(config, spec.shapes(), seed=seed + dead * _SEED_STEP)
        if not dead_outputs(model, data.inputs):
            return model, dead, dead + 1
    return model, config.dead_output_tries, config.dead_output_tries


def _optimizer(config: NetworkConfig) -> Any:
    if config.optimizer == "sgd":
        return keras.optimizers.SGD(config.learning_rate, momentum=config.momentum)
    return keras.optimizers.Adam(config.learning_rate, config.beta1, config.beta2)


def row_losses(config: NetworkConfig, target: Any, output: Any) -> Any:
    """Return the loss of each row, [n], in scaled units."""
    squares = tf.square(target - output)
    if config.loss == "row_rmse":
        return tf.sqrt(tf.reduce_mean(squares, axis=1) + _TINY)
    return tf.sqrt(tf.reduce_sum(squares, axis=1) + _TINY)


def _run_loop(
    config: NetworkConfig, model: keras.Model, data: TrainingSet, seed: int, progress: Progress
) -> list[float]:
    run = _epochs_in_graph(config, model, _optimizer(config), data)
    shuffle = np.random.default_rng(seed)
    curve: list[float] = []
    while len(curve) < config.epochs:
        count = min(_EPOCHS_A_CALL, config.epochs - len(curve))
        orders = np.stack([shuffle.permutation(len(data.target)) for _ in range(count)])
        curve += [float(loss) for loss in run(tf.constant(orders, tf.int32))]
        progress(count)
    return curve


def _epochs_in_graph(
    config: NetworkConfig, model: keras.Model, optimizer: Any, data: TrainingSet
) -> Any:
    optimizer.build(model.trainable_variables)
    inputs = {name: tf.constant(value) for name, value in data.inputs.items()}
    target, weight = tf.constant(data.target), tf.constant(data.weight)
    rows, batch = len(data.target), config.batch_size

    def step(chosen: Any) -> Any:
        batch_inputs = {name: tf.gather(value, chosen) for name, value in inputs.items()}
        with tf.GradientTape() as tape:
            output = model(batch_inputs, training=True)
            losses = row_losses(config, tf.gather(target, chosen), output)
            loss = tf.reduce_mean(losses * tf.gather(weight, chosen))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss * tf.cast(tf.size(chosen), tf.float32)

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def run(orders: Any) -> Any:
        means = tf.TensorArray(tf.float32, size=tf.shape(orders)[0])
        for epoch in tf.range(tf.shape(orders)[0]):
            total = tf.constant(0.0)
            for start in tf.range(0, rows, batch):
                total += step(orders[epoch, start : start + batch])
            means = means.write(epoch, total / rows)
        return means.stack()

    return run


def _run_fit(
    config: NetworkConfig, model: keras.Model, data: TrainingSet, seed: int, progress: Progress
) -> list[float]:
    def loss(target: Any, output: Any) -> Any:
        return row_losses(config, target, output)

    # Keras shuffles with its own generator, which `build_network` has seeded.
    model.compile(optimizer=_optimizer(config), loss=loss)
    each_epoch = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: progress(1))
    history = model.fit(
        data.inputs,
        data.target,
        sample_weight=data.weight,
        batch_size=config.batch_size,
        epochs=config.epochs,
        verbose=0,
        callbacks=[each_epoch],
    )
    return [float(value) for value in history.history["loss"]]


def _positions(model: keras.Model, scale: TargetScale) -> Positions:
    offset = tf.constant([scale.offset_m], tf.float32)
    factor = tf.constant([scale.scale_m], tf.float32)

    def graph(inputs: Mapping[str, Any]) -> Any:
        return model(inputs, training=False) * factor + offset

    return graph
