"""Positions for unlabelled scans, from a simple locator, smoothed while somebody walks by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from localizer.errors import ConfigError
from localizer.site import Site
from localizer.table import FingerprintTable
from training.augmentation.rows import Generated, Material

if TYPE_CHECKING:
    from training.methods import Fitted

LOCATORS: Final = ("weighted-centroid", "kernel-mean")
"""Simple methods that may give the positions; the better one on folds of the training side does."""

WINDOW: Final = 5
"""Consecutive scans of a visit that share a position: 5 to 10 s on UCI, a few steps of a walk."""

FEWEST: Final = 3
"""Scans below which a window's spread says nothing."""

MOST_SPREAD_M: Final = 3.0
"""Root mean square distance of a window's positions from their mean, metres, that still counts as
one place. More lets walks through: their middle is then no place of any of their scans."""


class _Window(NamedTuple):
    """Consecutive scans of one visit."""

    rows: NDArray[np.int64]
    middle_m: NDArray[np.float64]
    """[2]."""
    spread_m: float


def pseudo_labels(material: Material, rng: np.random.Generator) -> Generated:
    """Return unlabelled scans with the mean position of their window, where that is confident.

    Confident: at least 3 scans, their positions within `MOST_SPREAD_M` of their mean, and two or
    more beacons heard (with one alone the locator says the same for every scan and is no surer).
    The least spread come first; at most as many windows as the survey has places are kept, so that
    guesses do not outvote measurements. On a site with several floors only scans whose loudest
    beacon hangs on the floor of the labelled rows are used.

    Args:
        material: the training side; the locator is fitted to its labelled rows alone.
        rng: unused: nothing here is random.

    Raises:
        ConfigError: the training side has no unlabelled scans.
    """
    table = material.table
    scans = np.flatnonzero(_on_floor(material.unlabelled, material.site, str(table.floor[0])))
    if len(scans) == 0:
        raise ConfigError(
            "augmentation by `pseudo-labels` gives positions to unlabelled scans, but the training "
            f"side has {len(material.unlabelled)}, none of them on this floor; walk about with the "
            "receiver in a development session without labelling, or leave it out"
        )
    unlabelled = material.unlabelled
    position = _locator(table, material.site).predict(unlabelled)
    windows = [
        _Window(rows, middle := position[rows].mean(axis=0), _spread(position[rows] - middle))
        for rows in _windows(unlabelled, scans)
        if unlabelled.mask[rows].any(axis=0).sum() > 1
    ]
    sure = sorted((w for w in windows if w.spread_m <= MOST_SPREAD_M), key=lambda w: w.spread_m)
    sure = sure[: len(np.unique(table.place))]
    rows = np.concatenate([np.empty(0, np.int64), *(w.rows for w in sure)])
    middles = np.concatenate(
        [np.empty((0, 2)), *(np.tile(w.middle_m, (len(w.rows), 1)) for w in sure)]
    )
    sources = tuple(
        (int(row), *(int(r) for r in w.rows if r != row)) for w in sure for row in w.rows
    )
    return Generated(unlabelled.rssi_dbm[rows].astype(np.float64), middles, sources, False)


def _spread(off_m: NDArray[np.float64]) -> float:
    return float(np.sqrt((off_m**2).sum(axis=1).mean()))


def _on_floor(unlabelled: FingerprintTable, site: Site, floor: str) -> NDArray[np.bool_]:
    here = {b.id for b in site.beacons if b.position is not None and b.position.floor == floor}
    ours = np.array([len(site.floors) < 2 or beacon in here for beacon in unlabelled.beacons])
    loudest = np.where(unlabelled.mask, unlabelled.rssi_dbm, -np.inf).argmax(axis=1)
    return np.asarray(unlabelled.mask.any(axis=1) & ours[loudest])


def _windows(unlabelled: FingerprintTable, scans: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the chosen scans in runs of up to `WINDOW` of one visit, in time."""
    visits: dict[tuple[str, str, str], list[int]] = {}
    for row in scans[np.argsort(unlabelled.time[scans], kind="stable")]:
        key = (unlabelled.session[row], unlabelled.visit[row], unlabelled.device[row])
        visits.setdefault(key, []).append(row)
    runs = [
        rows[at : at + WINDOW] for rows in visits.values() for at in range(0, len(rows), WINDOW)
    ]
    return [np.array(run, np.int64) for run in runs if len(run) >= FEWEST]


def _locator(table: FingerprintTable, site: Site) -> Fitted:
    """Return the locator with the least mean error over places left out of the training side."""
    from training.baselines import fit_baseline
    from training.metrics import errors_m
    from training.splits import inner_folds
    from training.tasks import INNER_FOLDS

    folds = list(inner_folds(table, "cells", INNER_FOLDS))

    def mean_error(method: str) -> float:
        errors = [np.empty(0)]
        for fold in folds:
            test = table.rows(fold.test)
            fitted = fit_baseline(method, table.rows(fold.train), site)
            errors.append(errors_m(fitted.predict(test), test.position_m))
        return float(np.concatenate(errors).mean())

    return fit_baseline(min(LOCATORS, key=mean_error) if folds else LOCATORS[0], table, site)
