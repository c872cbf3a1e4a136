"""What a network is trained on and starts from: rows as its features, and living weights."""

from __future__ import annotations

from typing import Final, NamedTuple

import keras
import numpy as np

from localizer.errors import ConfigError
from localizer.features import Features, FeatureSpec, features
from localizer.manifest import TargetScale
from localizer.site import Site
from localizer.table import FingerprintTable
from training.augmentation import augment, join
from training.config import NetworkConfig
from training.executors import TrainingSet
from training.networks import Shapes, build_network, dead_outputs
from training.specs import network_spec
from training.targets import target_scale, to_scaled

SEED_STEP: Final = 100_003
"""Between the seeds of two tries of one network, so that tries of one never start another."""


class Prepared(NamedTuple):
    """A training side as one network sees it."""

    spec: FeatureSpec
    scale: TargetScale
    data: TrainingSet
    augmented_rows: dict[str, int]
    """How many of the rows each augmentation made."""
    notes: tuple[str, ...]


class Start(NamedTuple):
    """A network before its first epoch."""

    model: keras.Model
    dead: int
    """Initialisations with a dead output; as many as `tries` if the model's is dead too."""
    tries: int


def prepare(
    config: NetworkConfig,
    table: FingerprintTable,
    site: Site,
    *,
    seed: int,
    unlabelled: FingerprintTable | None = None,
) -> Prepared:
    """Return labelled rows of one floor, augmented, as features and scaled targets.

    Args:
        config: says how.
        table: the training side.
        site: its site, with every heard beacon.
        seed: of what augmentations draw.
        unlabelled: scans of the training side without a position; none if None.

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
    return Prepared(spec, scale, data, added.counts(), notes)


def start_network(config: NetworkConfig, shapes: Shapes, inputs: Features, *, seed: int) -> Start:
    """Return an untrained network without a dead output.

    After `dead_output_tries` initialisations the last one is returned, dead or not.

    Args:
        config: of the network.
        shapes: of its inputs, as `FeatureSpec.shapes` gives them.
        inputs: the training rows, on which an output may be dead.
        seed: of the first initialisation.
    """
    for dead in range(config.dead_output_tries):
        model = build_network(config, shapes, seed=seed + dead * SEED_STEP)
        if not dead_outputs(model, inputs):
            return Start(model, dead, dead + 1)
    return Start(model, config.dead_output_tries, config.dead_output_tries)


def _training_set(
    config: NetworkConfig, table: FingerprintTable, spec: FeatureSpec, scale: TargetScale
) -> TrainingSet:
    weight = np.ones(len(table), np.float32)
    if config.place_balanced:
        _, place, count = np.unique(table.place, return_inverse=True, return_counts=True)
        weight = (1.0 / count[place.ravel()]).astype(np.float32)
    inputs = features(table.rssi_dbm, table.mask, spec)
    return TrainingSet(inputs, to_scaled(table.position_m, scale), weight / weight.mean())
