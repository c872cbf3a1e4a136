"""Which initialisations of a network are dead before the first step, and which are worth training.

Whether an output is dead hangs on the initial weights and the training rows, not on the optimizer:
one look serves all four rows of Table II that share a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.config import NetworkConfig
from training.tasks import Material

LOOKS: Final = 6
"""Initialisations looked at for each that is to be found alive: half of them are dead, and their
share is worth knowing well."""

OUTPUTS: Final = 2
"""Output coordinates. With both dead no gradient passes at all, and training changes nothing."""


def dead_at_start(
    material: Material, config: NetworkConfig, train: NDArray[np.int64], seeds: Sequence[int]
) -> list[int]:
    """Return how many output coordinates are 0 for every training row, a number a seed.

    Args:
        material: whose table `train` numbers.
        config: of the network.
        train: the training side.
        seeds: of the initial weights, as `fit_network` takes them.
    """
    import keras

    from localizer.features import features
    from training.networks import build_network, dead_outputs
    from training.specs import network_spec

    table = material.table.rows(train)
    spec, _ = network_spec(config, material.site, str(table.floor[0]))
    inputs = features(table.rssi_dbm, table.mask, spec)
    dead = []
    for seed in seeds:
        dead.append(len(dead_outputs(build_network(config, spec.shapes(), seed=seed), inputs)))
        keras.utils.clear_session()
    return dead


def live_seeds(dead: Sequence[int], count: int) -> list[int]:
    """Return the first `count` seeds that start alive; fewer where there are fewer."""
    return [seed for seed, outputs in enumerate(dead) if outputs == 0][:count]
