"""Training one network: initialise until alive, run the epochs, keep the curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from localizer.errors import ConfigError
from localizer.features import FeatureSpec, features
from localizer.manifest import TargetScale
from localizer.site import Site
from localizer.table import FingerprintTable
from training.augmentation import augment, join
from training.config import NetworkConfig
from training.executors import EXECUTORS, Progress, TrainingSet
from training.methods import Fitted, Positions, positions_only
from training.networks import build_network, dead_outputs
from training.specs import network_spec
from training.targets import target_scale, to_scaled

_SEED_STEP: Final = 100_003
"""Between the seeds of two tries of one network, so that tries of one never start another."""


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
    loss = EXECUTORS[config.executor](config, model, data, seed, progress)
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


def _positions(model: keras.Model, scale: TargetScale) -> Positions:
    offset = tf.constant([scale.offset_m], tf.float32)
    factor = tf.constant([scale.scale_m], tf.float32)

    def graph(inputs: Mapping[str, Any]) -> Any:
        return model(inputs, training=False) * factor + offset

    return graph
