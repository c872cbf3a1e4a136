"""Which rows a study may look at: those that it searches on, and those that tell what it gained."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from localizer.errors import ConfigError
from localizer.table import FingerprintTable
from training.splits import Fold, inner_folds

UNSEEN: Final = 5
"""One part in so many is kept from the search: a fifth is still worth searching on without."""


class StudyRows(NamedTuple):
    """The labelled development rows of a survey, cut for one study."""

    search: FingerprintTable
    folds: tuple[Fold, ...]
    """Of `search`: what a trial is scored on is held out of what it trains on."""
    unseen: FingerprintTable
    """No trial is trained or scored on these: the winner and the default are, once."""


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
    search = table.rows(outer.train) if outer else table
    inner = tuple(inner_folds(search, split, folds))
    if outer is None or len(inner) < 2:
        places = len(np.unique(table.place))
        raise ConfigError(
            "tuning needs labelled scans at four places or more, in two parts at least, but the "
            f"survey has {places} places; survey more of them, or use `fit`, which tunes nothing"
        )
    return StudyRows(search, inner, table.rows(outer.test))
