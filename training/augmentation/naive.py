"""More scans of places with few: uniform between their extremes, as arXiv:2006.08925 has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from localizer.table import FingerprintTable
from training.augmentation.rows import Generated, Material

FEW_SCANS: Final = 10
"""A place with fewer scans is under-represented (section VI of the paper)."""

NaiveRule = Literal["paper", "published-code"]


def few_scan_places(table: FingerprintTable) -> Iterator[NDArray[np.int64]]:
    """Yield the row numbers of each place with 2 to 9 scans.

    The paper says "fewer than 10"; its code leaves out places with one scan, whose extremes are
    one value. On the UCI file there are none of those.
    """
    place = table.place
    for one in np.unique(place):
        rows = np.flatnonzero(place == one)
        if 1 < len(rows) < FEW_SCANS:
            yield rows


def naive(material: Material, rng: np.random.Generator, *, rule: NaiveRule = "paper") -> Generated:
    """Return one new scan for each scan of a place with 2 to 9 of them.

    Args:
        material: the training side.
        rng: where the readings come from.
        rule: `paper`: uniform between the least and the greatest reading, for beacons heard in
            all scans of the place; all others are not heard. `published-code`: between the
            extremes of the scans that hear the beacon, in whole dBm without the greatest; a
            reading stays as it is where the two are equal.
    """
    draw = _uniform if rule == "paper" else _published
    table = material.table
    parts, sources = [np.empty((0, len(table.beacons)))], list[tuple[int, ...]]()
    for rows in few_scan_places(table):
        parts.append(draw(table.rssi_dbm[rows].astype(np.float64), rng))
        sources += [(int(row), *(int(r) for r in rows if r != row)) for row in rows]
    position = table.position_m[[rows[0] for rows in sources]]
    return Generated(np.concatenate(parts), position, tuple(sources)).heard()


def _uniform(rssi_dbm: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return as many scans as came, [n, b]; NaN, which one missing reading makes, stays NaN."""
    low, high = rssi_dbm.min(axis=0), rssi_dbm.max(axis=0)
    drawn: NDArray[np.float64] = low + rng.random(rssi_dbm.shape) * (high - low)
    return drawn


def _published(rssi_dbm: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    heard = np.isfinite(rssi_dbm)
    low = np.where(heard, rssi_dbm, np.inf).min(axis=0)
    high = np.where(heard, rssi_dbm, -np.inf).max(axis=0)
    span = np.where(high > low, high - low, 0)
    drawn = np.where(span > 0, low, 0) + np.floor(rng.random(rssi_dbm.shape) * span)
    return np.where(span > 0, drawn, rssi_dbm)
