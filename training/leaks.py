"""Test rows that stand in training: themselves, as clones, or as what augmented rows were made of.

The three are refused. A fourth, a vector that stands word for word on both sides, is counted and
printed only: where one or two beacons are heard, honest surveys repeat vectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from localizer.errors import LeakError
from localizer.table import FingerprintTable
from training.near_copies import CopiedSession, find_copied_sessions, numbered
from training.splits import PUBLISHED, SEALED, Fold, Split

if TYPE_CHECKING:
    from training.augmentation.rows import Augmented

NAMED_ROWS: Final = 10
"""So many rows stand in the error's message; all are in its field."""

SAME_PLACE_M: Final = 0.001
"""Positions that differ by less are one place: a file that writes millimetres moves nobody."""

Sources = Mapping[int, Sequence[int]]
"""For rows that augmentation made: the row numbers of the scans that each was made from."""


@dataclass(frozen=True, slots=True)
class Leaks:
    """What the leak detector found between the training and the test rows of a split."""

    split: str
    exempt: bool
    """True for the published split alone, which is reproduced as it was made."""
    test_rows: int
    rows: NDArray[np.int64]
    """Test rows that stand in training, themselves or as a clone or source, by number."""
    augmented: int
    """Training rows that were made from a test row."""
    verbatim: int
    """Test rows whose readings stand word for word in training, at whatever place."""
    copied: tuple[CopiedSession, ...] = ()
    """Sessions of copies where the published split or sealed sessions add rows; development
    sessions are checked when a survey is opened."""

    def in_words(self) -> str:
        """Say what was found, in one line."""
        found = (
            f"{len(self.rows)} of {self.test_rows} test rows stand in training by place and time"
            if self.exempt or len(self.rows)
            else "no test row stands in training"
        )
        text = f"Leaks: {found}; the readings of {self.verbatim} of {self.test_rows} test rows do"
        copies = "".join(
            f"; {one.matched} of the {one.rows} rows of session {one.session} are near-copies"
            for one in self.copied
        )
        return f"{text}{copies}{f' ({PUBLISHED}: exempt by name)' if self.exempt else ''}"

    def to_record(self) -> dict[str, Any]:
        """Return the findings for JSON."""
        return {
            "split": self.split,
            "exempt": self.exempt,
            "test_rows": self.test_rows,
            "rows_in_training": self.rows.tolist(),
            "augmented_from_test_rows": self.augmented,
            "verbatim_vectors": self.verbatim,
            "copied_sessions": [one.to_record() for one in self.copied],
        }


def find_leaks(
    table: FingerprintTable, folds: Sequence[Fold], split: Split, sources: Sources | None = None
) -> Leaks:
    """Compare the training and the test rows of every fold.

    A clone is a row of the same device at the same place and time: augmentation, exports joined
    twice and copied files leave both as they were, whatever they do to the readings. (Two devices
    side by side hear one moment twice, and are two measurements.)

    Args:
        table: the rows that folds refer to.
        folds: of the split.
        split: the published one is exempt.
        sources: for rows of the table that augmentation made, the rows each was made from.
    """
    exempt = split.name == PUBLISHED
    moment, vector = _moments(table), _vectors(table)
    heard: NDArray[np.bool_] = np.asarray(table.mask.any(axis=1))
    leaked, made, verbatim = [], set[int](), 0
    for fold in folds:
        leaked.append(fold.test[_known(moment, fold.train)[moment[fold.test]]])
        from_test = _made_from(sources or {}, fold)
        leaked.append(np.array(sorted(set().union(*from_test.values())), np.int64))
        made.update(from_test)
        repeated = _known(vector, fold.train)[vector[fold.test]]
        verbatim += int((repeated & heard[fold.test]).sum())
    return Leaks(
        split=split.name,
        exempt=exempt,
        test_rows=sum(len(fold.test) for fold in folds),
        rows=np.unique(np.concatenate([np.empty(0, np.int64), *leaked])),
        augmented=len(made),
        verbatim=verbatim,
        copied=find_copied_sessions(table) if split.name in (PUBLISHED, SEALED) else (),
    )


def refuse_leaks(table: FingerprintTable, leaks: Leaks) -> None:
    """Refuse a split whose training rows hold test rows; the published one is exempt by name.

    Args:
        table: the rows that `leaks` numbers.
        leaks: what `find_leaks` found.

    Raises:
        LeakError: it names the rows.
    """
    if leaks.exempt or not len(leaks.rows):
        return
    named = "; ".join(_row_in_words(table, row) for row in leaks.rows[:NAMED_ROWS].tolist())
    more = len(leaks.rows) - NAMED_ROWS
    raise LeakError(
        f"no test row may stand in training, itself or cloned by place and time, but in split "
        f"{leaks.split!r} {len(leaks.rows)} of {leaks.test_rows} do: {named}"
        f"{f'; and {more} more' if more > 0 else ''}. Delete the clones, mark them synthetic, or "
        "augment after the split, in its training rows alone",
        rows=tuple(leaks.rows.tolist()),
    )


def _known(of: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return, for every number in `of`, whether one of the rows has it."""
    known = np.zeros(int(of.max(initial=-1)) + 1, np.bool_)
    known[of[rows]] = True
    return known


def _made_from(sources: Sources, fold: Fold) -> dict[int, set[int]]:
    """Return the training rows that test rows went into, each with those test rows."""
    test, train = set(fold.test.tolist()), set(fold.train.tolist()) if sources else set()
    found = {row: test.intersection(made) for row, made in sources.items() if row in train}
    return {row: made_from for row, made_from in found.items() if made_from}


def sources_of(augmented: Augmented, *, first: int, origin: int) -> Sources:
    """Return what augmented rows were made from, in the numbers of a joined table.

    Args:
        augmented: rows that stand in the joined table one after the other.
        first: the number of the first of them there.
        origin: the number, there, of the first row of the table that was augmented.
    """
    return {
        first + at: [origin + row for row in made.rows]
        for at, made in enumerate(augmented.provenance)
        if made.labelled
    }


def _moments(table: FingerprintTable) -> NDArray[np.int64]:
    """Number the rows [n] so that rows of one device, place and time have one number."""
    columns = [
        np.unique(table.device, return_inverse=True)[1],
        np.unique(table.floor, return_inverse=True)[1],
        *np.round(table.position_m / SAME_PLACE_M).astype(np.int64).T,
        table.time.astype(np.int64),
    ]
    return numbered(np.stack(columns, axis=1).astype(np.int64))


def _vectors(table: FingerprintTable) -> NDArray[np.int64]:
    """Number the rows [n] so that rows of equal readings have one number."""
    return numbered(np.where(table.mask, table.rssi_dbm, np.float32(0)))


def _row_in_words(table: FingerprintTable, row: int) -> str:
    x_m, y_m = table.position_m[row]
    time = np.datetime_as_string(table.time[row], unit="s")
    return f"row {row} (session {table.session[row]}, ({x_m:.2f}, {y_m:.2f}) m, {time} UTC)"
