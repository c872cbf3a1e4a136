"""Several floors: each has a model of its own, and a chooser says which one a scan belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from localizer.features import ALIGNED_SCALE, features
from localizer.site import Site
from localizer.table import FingerprintTable
from training.baselines import CENTROID_DB
from training.condense import condense
from training.methods import Fitted
from training.specs import baseline_spec, beacon_places
from training.splits import inner_folds
from training.tasks import INNER_FOLDS

Floors = NDArray[np.str_]
Choose = Callable[[FingerprintTable], Floors]
"""A table's scans to floor ids [n]."""

_WIDTHS_DB: Final = (5.0, 3.0, 8.0)
_MOST_ROWS: Final = 1500
"""Training scans that vote: a floor is easier told than a place."""
_CHUNK: Final = 1024


class Chooser(NamedTuple):
    """A way to tell floors, by name."""

    name: str
    fit: Callable[[FingerprintTable, Site], Choose]


@dataclass(frozen=True)
class FloorModels:
    """One fitted method a floor, and what chooses among them."""

    chooser: str
    """How floors are told; it was chosen on the training side."""
    choose: Choose
    fitted: Mapping[str, Fitted]
    """By floor id."""

    def predict(self, table: FingerprintTable) -> NDArray[np.float64]:
        """Return positions [n, 2], metres, each by the model of the floor that is chosen."""
        return self.predict_on(table, self.choose(table))

    def predict_on(self, table: FingerprintTable, floor: Floors) -> NDArray[np.float64]:
        """Return positions [n, 2], metres, by the models of floors [n] that were chosen before."""
        position = np.empty((len(table), 2))
        for name, fitted in self.fitted.items():
            on = np.asarray(floor == name)
            position[on] = fitted.predict(table.rows(on))
        return position


def choosers(table: FingerprintTable, site: Site) -> list[Chooser]:
    """Return the ways to tell floors that a training side allows, the one that learns least first.

    The loudest floor needs beacons on every trained floor.
    """
    kernels = [
        Chooser(f"kernel vote of all places, {width:g} dB", _kernel_vote(width))
        for width in _WIDTHS_DB
    ]
    placed = [np.any([at is not None for at in beacon_places(site, f)]) for f in _names(table)]
    return [Chooser("loudest floor", _loudest), *kernels] if all(placed) else kernels


def choose_chooser(table: FingerprintTable, site: Site, *, split: str) -> Chooser:
    """Return the chooser that is right most often over inner folds of the training side alone."""
    ways = choosers(table, site)
    folds = list(inner_folds(table, split, INNER_FOLDS))

    def hits(way: Chooser) -> int:
        total = 0
        for fold in folds:
            test = table.rows(fold.test)
            total += int((way.fit(table.rows(fold.train), site)(test) == test.floor).sum())
        return total

    return max(ways, key=hits)


def _loudest(table: FingerprintTable, site: Site) -> Choose:
    """The floor whose beacons are heard with most weight: those of the weighted centroid."""
    names = _names(table)
    member = np.asarray([[at is not None for at in beacon_places(site, f)] for f in names])
    usual = int(np.argmax([(table.floor == name).sum() for name in names]))

    def choose(rows: FingerprintTable) -> Floors:
        loud = np.where(rows.mask, 10 ** (np.where(rows.mask, rows.rssi_dbm, 0) / CENTROID_DB), 0)
        weight = loud @ member.T
        best = np.where(weight.max(axis=1) > 0, weight.argmax(axis=1), usual)
        return np.asarray(names[best])

    return choose


def _kernel_vote(width_db: float) -> Callable[[FingerprintTable, Site], Choose]:
    """One vote a place: the mean Gaussian kernel of its scans' distances in dB."""

    def fit(table: FingerprintTable, site: Site) -> Choose:
        kept, _ = condense(table, _MOST_ROWS)
        names, place = _names(kept), kept.place
        known = _levels_db(kept, site)
        counts = np.bincount(place)
        member = (kept.floor[:, None] == names) / counts[place][:, None]

        def votes(rows: FingerprintTable) -> Floors:
            asked = _levels_db(rows, site)
            squared = (asked**2).sum(1)[:, None] + (known**2).sum(1) - 2 * asked @ known.T
            nearest = squared.min(axis=1, keepdims=True)
            share = np.exp((nearest - squared) / (2 * width_db**2)) @ member
            return np.asarray(names[share.argmax(axis=1)])

        def choose(rows: FingerprintTable) -> Floors:
            parts = [votes(rows.rows(slice(at, at + _CHUNK))) for at in range(0, len(rows), _CHUNK)]
            return np.concatenate(parts) if parts else names[:0]

        return choose

    return fit


def _names(table: FingerprintTable) -> Floors:
    return np.unique(table.floor)


def _levels_db(table: FingerprintTable, site: Site) -> NDArray[np.float64]:
    spec = baseline_spec(site, table.aggregation)
    vector = features(table.rssi_dbm, table.mask, spec)["vector"]
    return vector[:, : len(spec.beacons)].astype(np.float64) * ALIGNED_SCALE.span_db


def fit_floors(
    table: FingerprintTable,
    site: Site,
    *,
    split: str,
    fit: Callable[[FingerprintTable, FingerprintTable], Fitted],
    unlabelled: FingerprintTable,
) -> FloorModels:
    """Return a method fitted on each floor of a training side, and a chooser of floors.

    Args:
        table: labelled rows of one floor or more.
        site: with every beacon of the table.
        split: how the training side is cut when the chooser is chosen on it.
        fit: fits to the labelled rows of one floor and the unlabelled ones put there.
        unlabelled: scans without a position; the chooser says which floor they belong to.
    """
    chooser = choose_chooser(table, site, split=split)
    choose = chooser.fit(table, site)
    guessed = choose(unlabelled)
    fitted = {
        name: fit(
            table.rows(np.asarray(table.floor == name)),
            unlabelled.rows(np.asarray(guessed == name)),
        )
        for name in _names(table).tolist()
    }
    return FloorModels(chooser.name, choose, fitted)
