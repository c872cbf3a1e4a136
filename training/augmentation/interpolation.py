"""Scans at places between the surveyed ones, from a radio map of inverse distances."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from localizer.errors import ConfigError
from localizer.site import Site
from localizer.table import FingerprintTable
from localizer.walkable import walkable
from training.augmentation.rows import Generated, Material
from training.augmentation.spread import spread_db

PAIRED_PLACES: Final = 2
"""New places lie halfway to so many nearest neighbours of each: about as many as were surveyed."""

NEIGHBOURS: Final = 4
"""Surveyed places that a new one is interpolated from."""

SCANS_A_PLACE: Final = 4
"""Generated at each new place, about what a surveyor takes."""

_NEAREST_M: Final = 0.1
"""Keeps 1 / distance finite, metres."""


class _Map(NamedTuple):
    """What each surveyed place hears, p places over b beacons."""

    places_m: NDArray[np.float64]
    """[p, 2]."""
    heard: NDArray[np.float64]
    """[p, b], share of the scans that hear the beacon."""
    level_dbm: NDArray[np.float64]
    """[p, b], mean reading, 0 where never heard."""
    rows: list[NDArray[np.int64]]
    """Row numbers of each place."""


def interpolation(material: Material, rng: np.random.Generator) -> Generated:
    """Return scans halfway between neighbouring places.

    Per beacon the share of scans that hear it and its mean level are interpolated (weights 1 /
    squared distance; the level over places that hear it), and a scan is drawn: heard with that
    share, at that level with the survey's own noise. Only walkable places get scans.

    Raises:
        ConfigError: fewer than two places, or nothing to measure the noise on.
    """
    table = material.table
    radio = _radio_map(table)
    middles = _between(radio.places_m, material.site, str(table.floor[0]))
    spread = spread_db(table)
    parts, sources = [np.empty((0, len(table.beacons)))], list[tuple[int, ...]]()
    for at in middles:
        near, share, level = _interpolate(radio, at)
        shape = (SCANS_A_PLACE, len(table.beacons))
        drawn = level + rng.standard_normal(shape) * spread
        parts.append(np.where(rng.random(shape) < share, drawn, np.nan))
        sources += [tuple(np.concatenate([radio.rows[i] for i in near]).tolist())] * SCANS_A_PLACE
    position = np.repeat(middles, SCANS_A_PLACE, axis=0)
    return Generated(np.concatenate(parts), position, tuple(sources)).heard()


def _radio_map(table: FingerprintTable) -> _Map:
    places, place = np.unique(table.position_m, axis=0, return_inverse=True)
    if len(places) < 2:
        raise ConfigError(
            "interpolation needs two surveyed places or more on the training side, but got "
            f"{len(places)}; survey more places, or leave this augmentation out"
        )
    rows = [np.flatnonzero(place.ravel() == i) for i in range(len(places))]
    counts = np.array([table.mask[at].sum(axis=0) for at in rows], np.float64)
    readings = np.where(table.mask, table.rssi_dbm, 0).astype(np.float64)
    sums = np.array([readings[at].sum(axis=0) for at in rows])
    scans = np.array([[len(at)] for at in rows])
    return _Map(places, counts / scans, sums / np.maximum(counts, 1), rows)


def _between(places_m: NDArray[np.float64], site: Site, floor: str) -> NDArray[np.float64]:
    """Return walkable middles, [m, 2], that no surveyed place occupies, in one order."""
    distance = np.linalg.norm(places_m[:, None] - places_m, axis=2)
    np.fill_diagonal(distance, np.inf)
    pairs = {
        (min(i, int(j)), max(i, int(j)))
        for i, row in enumerate(distance)
        for j in np.argsort(row, kind="stable")[: min(PAIRED_PLACES, len(places_m) - 1)]
    }
    middles = np.unique([(places_m[i] + places_m[j]) / 2 for i, j in pairs], axis=0)
    taken = (np.linalg.norm(middles[:, None] - places_m, axis=2) < _NEAREST_M).any(axis=1)
    plan = next(one for one in site.floors if one.id == floor)
    return np.asarray(middles[~taken & walkable(plan, middles)])


def _interpolate(
    radio: _Map, at: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the neighbours used, the nearest first, and share and level of each beacon, [b]."""
    distance = np.maximum(np.linalg.norm(radio.places_m - at, axis=1), _NEAREST_M)
    near = np.argsort(distance, kind="stable")[:NEIGHBOURS]
    weight = 1 / distance[near] ** 2
    shares = radio.heard[near]
    share = weight @ shares / weight.sum()
    voices = weight[:, None] * (shares > 0)
    level = (voices * radio.level_dbm[near]).sum(axis=0) / np.maximum(voices.sum(axis=0), 1e-12)
    return near, share, level
