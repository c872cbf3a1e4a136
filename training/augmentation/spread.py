"""How much readings of one beacon differ while somebody stands still."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from localizer.errors import ConfigError
from localizer.table import FingerprintTable

FEWEST: Final = 10
"""Degrees of freedom below which a beacon's own spread says less than that of all beacons."""


def spread_db(table: FingerprintTable) -> NDArray[np.float64]:
    """Return each beacon's standard deviation within a visit, float64 [b], dB.

    Pooled over visits; a beacon with fewer than `FEWEST` degrees of freedom gets that of all
    beacons together. Where no visit hears a beacon twice, places take the part of visits.

    Raises:
        ConfigError: no place hears a beacon twice.
    """
    visits = np.unique(table.visit, return_inverse=True)[1].ravel()
    for group in (table.place * (visits.max(initial=0) + 1) + visits, table.place):
        squares, freedom = _within(table, group)
        if freedom.sum() > 0:
            pooled = squares.sum() / freedom.sum()
            own = squares / np.maximum(freedom, 1)
            return np.sqrt(np.where(freedom >= FEWEST, own, pooled))
    raise ConfigError(
        "noise is measured where a beacon is heard in two scans of a place, but no place of the "
        "training side has that; survey places with several scans, or leave out augmentation by "
        "noise and interpolation"
    )


def _within(
    table: FingerprintTable, group: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return sums of squares and degrees of freedom within groups, [b] each."""
    index = np.unique(group, return_inverse=True)[1].ravel()
    shape = (index.max(initial=-1) + 1, len(table.beacons))
    sums, counts = np.zeros(shape), np.zeros(shape)
    readings = np.where(table.mask, table.rssi_dbm, 0).astype(np.float64)
    np.add.at(sums, index, readings)
    np.add.at(counts, index, table.mask)
    off = np.where(table.mask, readings - (sums / np.maximum(counts, 1))[index], 0)
    return (off**2).sum(axis=0), np.maximum(counts - 1, 0).sum(axis=0)
