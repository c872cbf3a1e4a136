"""Each scan once more with beacons missing, as scans miss them."""

from __future__ import annotations

from typing import Final

import numpy as np

from training.augmentation.rows import Generated, Material, one_each

DROPPED_SHARE: Final = 0.3
"""Probability that a copy loses a heard beacon: a scan of two beacons then loses one in half of its
copies. More makes most copies scans of one beacon, which say little about the place."""


def dropout(material: Material, rng: np.random.Generator) -> Generated:
    """Return the copies of scans that lost a beacon and still hear one.

    A scan of one beacon gives none, and a copy that lost nothing would be the scan itself.
    """
    table = material.table
    lost = table.mask & (rng.random(table.mask.shape) < DROPPED_SHARE)
    rssi = np.where(lost, np.nan, table.rssi_dbm.astype(np.float64))
    return one_each(table, rssi).only(np.asarray(lost.any(axis=1))).heard()
