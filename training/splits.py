"""Cross-validation splits: which rows train and which are scored, and whether that is honest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.model_selection import GroupKFold

from localizer.errors import ConfigError
from localizer.table import FingerprintTable

PUBLISHED: Final = "published"
SEALED: Final = "sealed"
"""Development sessions train, sealed ones test; made by `training.final` alone."""
CELL_FOLDS: Final = 5
BLOCKS: Final = 20
"""Blocks of neighbouring places that are left out one after the other."""
PUBLISHED_TEST_ROWS: Final = 284
"""The test side of arXiv:2006.08925: the last 284 rows of the labelled file."""


class Fold(NamedTuple):
    """Row indices of one training and one test side."""

    name: str
    train: NDArray[np.int64]
    test: NDArray[np.int64]


class Split(NamedTuple):
    """A way to cross-validate."""

    name: str
    what: str
    """What is left out, for tables."""
    caveat: str
    """Why its figures flatter; empty for an honest split."""
    folds: Callable[[FingerprintTable], list[Fold]]
    meaning: str = ""
    """Which question it answers, in plain words for somebody who has never heard of splits."""

    @property
    def honest(self) -> bool:
        """Whether test rows have no near copies in training."""
        return not self.caveat


def _grouped(groups: NDArray[np.generic], need: str) -> list[Fold]:
    """One fold a distinct group."""
    names = np.unique(groups)
    if len(names) < 2:
        raise ConfigError(
            f"this split needs at least two {need}, but the survey has {len(names)}; survey more "
            "of them, or choose another --split (cells or blocks)"
        )
    return [
        Fold(str(name), np.flatnonzero(groups != name), np.flatnonzero(groups == name))
        for name in names
    ]


def _sessions(table: FingerprintTable) -> list[Fold]:
    return _grouped(table.session, "development sessions with labelled scans")


def _cells(table: FingerprintTable) -> list[Fold]:
    places = len(np.unique(table.place))
    if places < 2:
        raise ConfigError(f"split 'cells' needs at least two places, but the survey has {places}")
    folds = GroupKFold(min(CELL_FOLDS, places)).split(table.place, groups=table.place)
    return [Fold(f"cells {i}", train, test) for i, (train, test) in enumerate(folds, start=1)]


def _blocks(table: FingerprintTable) -> list[Fold]:
    places = len(np.unique(table.place))
    count = min(BLOCKS, places // 2)
    if count < 2:
        raise ConfigError(f"split 'blocks' needs at least four places, but got {places}")
    return _grouped(_neighbourhoods(table, count), "blocks of places")


def _neighbourhoods(table: FingerprintTable, count: int) -> NDArray[np.int64]:
    """Which of `count` blocks of neighbouring places each row belongs to; floors lie apart."""
    floor = np.unique(table.floor, return_inverse=True)[1].ravel()
    apart_m = 1 + 2 * float(np.ptp(table.position_m, axis=0).sum())
    points = np.column_stack([table.position_m, floor * apart_m])
    places, place = np.unique(points, axis=0, return_inverse=True)
    labels = KMeans(count, n_init=10, random_state=0).fit(places).labels_
    return np.asarray(labels[place.ravel()], np.int64)


def _devices(table: FingerprintTable) -> list[Fold]:
    names = np.unique(table.device)
    if len(names) < 2:
        raise ConfigError(
            "split 'devices' needs labelled scans of at least two devices, but the survey has "
            f"those of {names.tolist()} alone; survey with another one too, or choose another "
            "--split (sessions, cells or blocks)"
        )
    return _grouped(table.device, "devices")


def _random(table: FingerprintTable) -> list[Fold]:
    if len(table) < CELL_FOLDS:
        raise ConfigError(f"split 'random' needs {CELL_FOLDS} labelled scans, but got {len(table)}")
    fold = np.random.default_rng(0).permutation(len(table)) % CELL_FOLDS
    return _grouped(fold, "random parts")


def _published(table: FingerprintTable) -> list[Fold]:
    if len(table) <= PUBLISHED_TEST_ROWS:
        raise ConfigError(
            "split 'published' is that of the UCI file with all its 1,420 labelled rows, but got "
            f"{len(table)}; use it with the survey `uci`"
        )
    rows = np.arange(len(table))
    return [Fold("last 284 rows", rows[:-PUBLISHED_TEST_ROWS], rows[-PUBLISHED_TEST_ROWS:])]


_RANDOM_CAVEAT: Final = "flattering: consecutive scans at one place stand on both sides"
_PUBLISHED_CAVEAT: Final = "contaminated: 214 of 284 test rows have a copy in training"

_NEW_DAY: Final = (
    "How large is the error on another day? Each session in turn is kept away from the methods, "
    "which learn from the others and are then tested on it."
)
_BETWEEN: Final = (
    "How large is the error between the surveyed places? A fifth of the places in turn is kept "
    "away from the methods; their neighbours are mostly known."
)
_UNSURVEYED: Final = (
    "How large is the error in a part of the floor that nobody surveyed? A block of neighbouring "
    "places in turn is kept away from the methods."
)
_OTHER_PHONE: Final = (
    "How large is the error with a phone that did not take part in the survey? Each device in "
    "turn is kept away from the methods."
)
_NOTHING: Final = (
    "None that matters: it stands here because many papers use it. Scans taken a second apart at "
    "one place stand on both sides, so a method may remember instead of locate."
)
_PAPER: Final = "Does the code reproduce what the paper of 2020 printed?"

SPLITS: Final[dict[str, Split]] = {
    split.name: split
    for split in (
        Split("sessions", "one session left out", "", _sessions, _NEW_DAY),
        Split("cells", "a fifth of the places left out", "", _cells, _BETWEEN),
        Split("blocks", "one block of neighbouring places left out", "", _blocks, _UNSURVEYED),
        Split("devices", "one device left out", "", _devices, _OTHER_PHONE),
        Split("random", "a fifth of the rows left out", _RANDOM_CAVEAT, _random, _NOTHING),
        Split(PUBLISHED, "the paper's last 284 rows", _PUBLISHED_CAVEAT, _published, _PAPER),
    )
}
"""Every split by name. `published` reads the UCI file as a whole, in its order."""


def usable_splits(
    splits: Sequence[Split], table: FingerprintTable
) -> tuple[list[Split], tuple[str, ...]]:
    """Return the splits that can cut a table, and why the others cannot."""
    usable, notes = [], []
    for split in splits:
        try:
            split.folds(table)
        except ConfigError as error:
            notes.append(f"split {split.name!r} is left out: {error}")
        else:
            usable.append(split)
    return usable, tuple(notes)


def inner_folds(table: FingerprintTable, split: str, most: int) -> Iterator[Fold]:
    """Yield at most `most` folds of a training side, cut as the outer split cuts where it can be.

    By sessions, devices or blocks of places for the splits of these names (sealed sessions are
    sessions), else by places; a side with one session or device left is cut by places too, and one
    of a single place not at all.
    """
    place = table.place
    if len(np.unique(place)) < 2:
        return
    groups: NDArray[np.generic] = place
    if split in ("sessions", SEALED):
        groups = table.session
    elif split == "devices":
        groups = table.device
    elif split == "blocks":
        groups = _neighbourhoods(table, min(BLOCKS, len(np.unique(place))))
    if len(np.unique(groups)) < 2:
        groups = place
    cut = GroupKFold(min(most, len(np.unique(groups))))
    for i, (train, test) in enumerate(cut.split(groups, groups=groups), start=1):
        yield Fold(f"inner {i}", train, test)
