"""A training side as the pool's own methods fit it: levels, places, and one vote a place."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from localizer.features import ALIGNED_SCALE
from localizer.site import Site
from localizer.table import FingerprintTable
from training.specs import beacon_places

MIDDLE_DBM: Final = -75.0
STEP_DB: Final = 10.0
"""Levels go in as (RSSI + 75) / 10: about -2 to 3, so that one price fits all their powers."""


class PoolSide(NamedTuple):
    """Labelled scans of one floor, each hearing at least one beacon."""

    step: NDArray[np.float64]
    """[n, beacons], (RSSI + 75 dBm) / 10 dB, 0 where not heard."""
    heard: NDArray[np.float64]
    """[n, beacons], 0 or 1."""
    position_m: NDArray[np.float64]
    """[n, 2]."""
    weight: NDArray[np.float64]
    """[n], the scans of a place sum to 1."""
    beacons_m: NDArray[np.float64]
    """[beacons, 2], NaN without a place on this floor."""
    middle_m: NDArray[np.float64]
    """[2], mean of the surveyed places."""
    span_m: float
    """Larger side of the box about places and beacons."""


def pool_side(table: FingerprintTable, site: Site) -> PoolSide:
    """Return the training side of labelled rows of one floor."""
    table = table.rows(np.flatnonzero(table.mask.any(axis=1)))
    # Through the features' clipping: the graph sees no more than they let through.
    low = ALIGNED_SCALE.offset_dbm
    rssi = np.clip(np.where(table.mask, table.rssi_dbm, low), low, low + ALIGNED_SCALE.span_db)
    _, place, count = np.unique(table.place, return_inverse=True, return_counts=True)
    places = np.unique(table.position_m, axis=0)
    beacons = np.array(
        [at or (np.nan, np.nan) for at in beacon_places(site, str(table.floor[0]))], np.float64
    )
    points = np.vstack([places, beacons[np.isfinite(beacons[:, 0])]])
    return PoolSide(
        step=np.where(table.mask, (rssi - MIDDLE_DBM) / STEP_DB, 0.0),
        heard=table.mask.astype(np.float64),
        position_m=table.position_m,
        weight=1.0 / count[place.ravel()],
        beacons_m=beacons,
        middle_m=places.mean(axis=0),
        span_m=float(np.ptp(points, axis=0).max()),
    )
