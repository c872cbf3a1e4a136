"""Scans as another phone would have heard them, learned from its unlabelled scans."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from localizer.table import FingerprintTable
from training.augmentation.rows import join


def device_copies(
    table: FingerprintTable, unlabelled: FingerprintTable, copies: int, *, seed: int
) -> FingerprintTable | None:
    """Return labelled scans as each device would hear them that has unlabelled scans only.

    Phones differ in how many beacons they report and in the level that they report. A copy keeps
    the loudest beacons of a scan, as many as some unlabelled scan of the device heard, and moves
    their levels to the device's own distribution, quantile by quantile. Only what was heard tells:
    where the unlabelled scans were taken is not used.

    Args:
        table: labelled rows; every one hears a beacon.
        unlabelled: scans of the training side without a position.
        copies: of each row, for each such device.
        seed: which unlabelled scan lends its count to which row.

    Returns:
        The copies with the device's name, or None if no device is new.
    """
    new = np.setdiff1d(unlabelled.device[unlabelled.mask.any(axis=1)], table.device)
    rng = np.random.default_rng(seed)
    parts = [
        _as_heard_by(table, unlabelled.rows(unlabelled.device == device), rng)
        for device in new
        for _ in range(copies)
    ]
    return reduce(join, parts) if parts else None


def _as_heard_by(
    table: FingerprintTable, theirs: FingerprintTable, rng: np.random.Generator
) -> FingerprintTable:
    counts = theirs.mask.sum(axis=1)
    wanted = rng.choice(counts[counts > 0], len(table))
    loudness = np.where(table.mask, table.rssi_dbm, -np.inf)
    rank = np.argsort(np.argsort(-loudness, axis=1, kind="stable"), axis=1)
    mask = table.mask & (rank < wanted[:, None])
    rssi = np.where(mask, table.rssi_dbm, np.nan).astype(np.float32)
    rssi[mask] = _to_their_levels(rssi[mask], theirs.rssi_dbm[theirs.mask])
    device = np.full(len(table), theirs.device[0])
    return replace(table, rssi_dbm=rssi, mask=mask, device=device)


def _to_their_levels(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> NDArray[np.float32]:
    share = np.interp(ours, np.sort(ours), np.linspace(0.0, 1.0, len(ours)))
    return np.quantile(theirs, share).astype(np.float32)
