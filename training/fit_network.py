"""Training one network: initialise until alive, run the epochs, keep the curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from localizer.manifest import TargetScale
from localizer.site import Site
from localizer.table import FingerprintTable
from training.config import NetworkConfig
from training.executors import EXECUTORS, Progress, run_stages
from training.methods import Fitted, Positions, positions_only
from training.networks import dead_outputs
from training.preparation import prepare, start_network


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
    prepared = prepare(config, table, site, seed=seed, unlabelled=unlabelled)
    shapes, inputs = prepared.spec.shapes(), prepared.data.inputs
    model, dead, tries = start_network(config, shapes, inputs, seed=seed)
    notes = prepared.notes
    if dead:
        notes += (f"{dead} of {tries} initialisations had a dead output",)
    training = EXECUTORS[config.executor](config, model, prepared.data, seed)
    loss = run_stages(training, config, progress)
    if not np.isfinite(loss[-1]):
        notes += ("training diverged: its loss is no number",)
    dead_at_end = bool(dead_outputs(model, inputs))
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
        settings["augmented_rows"] = prepared.augmented_rows
        notes += (f"its training rows are augmented by {', '.join(config.augment)}",)
    graph = positions_only(_positions(model, prepared.scale))
    curve = {"training loss": loss}
    return Fitted(config.name, prepared.spec, graph, settings, prepared.scale, notes, curve)


def _positions(model: keras.Model, scale: TargetScale) -> Positions:
    offset = tf.constant([scale.offset_m], tf.float32)
    factor = tf.constant([scale.scale_m], tf.float32)

    def graph(inputs: Mapping[str, Any]) -> Any:
        return model(inputs, training=False) * factor + offset

    return graph
