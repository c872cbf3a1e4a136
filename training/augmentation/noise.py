"""Each scan once more, shaken as much as scans of one visit differ in this survey."""

from __future__ import annotations

import numpy as np

from training.augmentation.rows import Generated, Material, one_each
from training.augmentation.spread import spread_db


def noise(material: Material, rng: np.random.Generator) -> Generated:
    """Return a copy of each scan with normal noise on what it heard.

    The standard deviation is each beacon's own within a visit of the training side.

    Raises:
        ConfigError: no place hears a beacon twice, so that there is nothing to measure it on.
    """
    table = material.table
    shift = rng.standard_normal(table.rssi_dbm.shape) * spread_db(table)
    return one_each(table, table.rssi_dbm + shift)
