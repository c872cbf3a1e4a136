"""Which rows a study may look at: those that it searches on, and those that tell what it gained."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from localizer.errors import ConfigError
from localizer.table import FingerprintTable
from training.splits import Fold, inner_folds

UNSEEN: Final = 5
"""One part in so many is kept from the search: a fifth is still worth searching on without."""


class StudyRows(NamedTuple):
    """The labelled development rows of a survey, cut for one study."""

    table: FingerprintTable
    searched: NDArray[np.int64]
    """Rows of the table that trials train on and are scored on."""
    unseen: NDArray[np.int64]
    """No trial is trained or scored on these: the winner and the default are, once."""
    folds: tuple[Fold, ...]
    """By number of `search`'s rows: what a trial is scored on is held out of what it trains on."""

    @property
    def search(self) -> FingerprintTable:
        """The rows that are searched on."""
        return self.table.rows(self.searched)

    @property
    def final_folds(self) -> tuple[Fold, ...]:
        """The same folds by number of the table's rows."""
        return tuple(
            Fold(one.name, self.searched[one.train], self.searched[one.test]) for one in self.folds
        )

    @property
    def unseen_fold(self) -> Fold:
        """All searched rows train, all unseen ones test."""
        return Fold("unseen", self.searched, self.unseen)


def study_rows(table: FingerprintTable, split: str, folds: int) -> StudyRows:
    """Cut rows for a study, twice in the same way.

    Args:
        table: labelled development rows of one floor.
        split: `sessions`, `cells`, `blocks` or `devices`; where a side has but one session, device
            or block left, it is cut by places.
        folds: at most so many of the rows that are searched on.

    Raises:
        ConfigError: several floors, or too few places to be cut twice.
    """
    floors = np.unique(table.floor).tolist()
    if len(floors) > 1:
        raise ConfigError(
            f"tuning needs the rows of one floor, but the survey has {floors}; name one by --floor"
        )
    outer = next(iter(inner_folds(table, split, UNSEEN)), None)
    searched = outer.train if outer else np.arange(len(table))
    inner = tuple(inner_folds(table.rows(searched), split, folds))
    if outer is None or len(inner) < 2:
        places = len(np.unique(table.place))
        raise ConfigError(
            "tuning needs labelled scans at four places or more, in two parts at least, but the "
            f"survey has {places} places; survey more of them, or use `fit`, which tunes nothing"
        )
    return StudyRows(table, searched, outer.test, inner)
