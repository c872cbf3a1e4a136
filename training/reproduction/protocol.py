"""Which rows train and which are scored: as published, and without leaks and copies.

The published side is the file as it stands: the first 1,136 rows train, the last 284 test. The
clean side scores the same 284 rows, which are measurements, and trains on the rows that are
measurements too and stand in no session that a test row is from: neither the day of copies nor the
rest of the test days, one visit of which the published cut divides.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from localizer.table import FingerprintTable
from training.splits import PUBLISHED, SPLITS

Side = Literal["published", "clean", "code", "text"]
"""Which rows train and test: the two of this module, and two readings that `figure9_rows` has."""


class Rows(NamedTuple):
    """One side: row numbers of the table that the processes hold."""

    side: Side
    train: NDArray[np.int64]
    test: NDArray[np.int64]


def published_rows(table: FingerprintTable) -> Rows:
    """Return the paper's split of all labelled rows, in the order of the file."""
    fold = SPLITS[PUBLISHED].folds(table)[0]
    return Rows("published", fold.train, fold.test)


def clean_rows(table: FingerprintTable) -> Rows:
    """Return the same test rows, and training rows without leaks and copies."""
    _, train, test = published_rows(table)
    apart = ~np.isin(table.session[train], table.session[test])
    return Rows("clean", train[apart & ~table.synthetic[train]], test)
