"""How a fitted method fares when beacons are gone: one, two or three, without a word to it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from localizer.table import FingerprintTable
from training.metrics import errors_m

Array = NDArray[np.float64]
Predict = Callable[[FingerprintTable], Array]
"""A table's scans to positions [n, 2], metres."""

GONE: Final = (0, 1, 2, 3)
"""Beacons that are gone at once."""

MOST_COMBINATIONS: Final = 60
"""Of beacons gone at once; where there are more, so many are drawn. Each asks the method
once more for most of the test scans: all triples of 13 beacons would take 286 times as long."""

_SEED: Final = 20_200_616


class Outage(NamedTuple):
    """Beacons that are gone together."""

    columns: tuple[int, ...]
    weight: float
    """How much it counts in the mean; those of a count sum to 1."""


class Outages(NamedTuple):
    """What n scans lose, for each count of `GONE`."""

    error_m: Array
    """[counts, n], mean over the outages, metres."""
    silent: Array
    """[counts, n], share of the outages in which the scan hears nothing any more."""


def draw_outages(mask: NDArray[np.bool_], gone: int) -> list[Outage]:
    """Return which beacons are gone, so many at once, weighted by how often they are heard.

    All combinations of the heard beacons, each with the product of its beacons' weights, while
    there are at most `MOST_COMBINATIONS`; else so many draws of beacons one after another, the
    same for every method.

    Args:
        mask: [n, beacons], what the scans heard.
        gone: at least 0; none for more than were heard.
    """
    often = mask.sum(axis=0).astype(np.float64)
    heard = np.flatnonzero(often)
    if len(heard) < gone:
        return []
    if math.comb(len(heard), gone) <= MOST_COMBINATIONS:
        every = list(itertools.combinations(heard.tolist(), gone))
        weights = np.asarray([np.prod(often[list(columns)]) for columns in every])
        return [Outage(c, w) for c, w in zip(every, weights / weights.sum(), strict=True)]
    rng = np.random.default_rng((_SEED, gone))
    share = often[heard] / often[heard].sum()
    drawn = [rng.choice(heard, gone, replace=False, p=share) for _ in range(MOST_COMBINATIONS)]
    return [Outage(tuple(sorted(c.tolist())), 1 / MOST_COMBINATIONS) for c in drawn]


def sweep(predict: Predict, train: FingerprintTable, test: FingerprintTable) -> Outages:
    """Return the errors of a fitted method when beacons are gone.

    Which ones depends on both sides together, so that all folds of a split lose the same.
    A scan that hears nothing then is scored at the position of the last scan of its session that
    heard something, and at the middle of the training places before any did: what an app shows
    that keeps its last position.

    Args:
        predict: the fitted method; it is told nothing of what is gone.
        train: its training side.
        test: labelled scans that each hear something.
    """
    middle = np.unique(train.position_m, axis=0).mean(axis=0)
    whole = predict(test)
    last = _last_heard(test)
    heard = np.concatenate([train.mask, test.mask])
    errors, silent = np.zeros((2, len(GONE), len(test)))
    for at, gone in enumerate(GONE):
        outages = draw_outages(heard, gone)
        if not outages:
            errors[at], silent[at] = np.nan, np.nan
        for outage in outages:
            without = _without(test, outage.columns)
            touched = np.asarray(test.mask[:, list(outage.columns)].any(axis=1))
            position = whole.copy()
            position[touched] = predict(without.rows(touched)) if touched.any() else 0.0
            quiet = np.asarray(~without.mask.any(axis=1))
            position[quiet] = last(position, quiet, middle)[quiet]
            errors[at] += outage.weight * errors_m(position, test.position_m)
            silent[at] += outage.weight * quiet
    return Outages(errors, silent)


def _without(table: FingerprintTable, columns: tuple[int, ...]) -> FingerprintTable:
    rssi, mask = table.rssi_dbm.copy(), table.mask.copy()
    rssi[:, list(columns)] = np.nan
    mask[:, list(columns)] = False
    return replace(table, rssi_dbm=rssi, mask=mask)


def _last_heard(table: FingerprintTable) -> Callable[[Array, NDArray[np.bool_], Array], Array]:
    """Positions [n, 2] with those of quiet rows replaced by the session's last one that heard."""
    order = np.lexsort((table.time, table.session))
    session = np.unique(table.session, return_inverse=True)[1].ravel()[order]
    first = np.flatnonzero(np.r_[True, session[1:] != session[:-1]])
    starts = np.repeat(first, np.diff(np.r_[first, len(order)]))

    def filled(position: Array, quiet: NDArray[np.bool_], middle: Array) -> Array:
        rank = np.where(quiet[order], -1, np.arange(len(order)))
        latest = np.maximum.accumulate(rank)
        known = latest >= starts
        result = np.empty_like(position)
        result[order] = np.where(known[:, None], position[order][latest], middle)
        return result

    return filled
