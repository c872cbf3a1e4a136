"""Fewer rows of a large survey, the same places: what methods that keep every row can afford."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from localizer.table import FingerprintTable


def condense(table: FingerprintTable, most: int) -> tuple[FingerprintTable, tuple[str, ...]]:
    """Return at most `most` labelled rows, and what is to be said about the others.

    Places with many scans give some up first, so that those with few keep theirs, and keep scans
    that are evenly spaced over their sessions and time. With more places than rows, the places
    themselves are thinned evenly.

    Args:
        table: labelled rows; a table that is small enough comes back as it is.
        most: at least 1.
    """
    if len(table) <= most:
        return table, ()
    place = table.place
    counts = np.bincount(place)
    quota = _quota(counts, most)
    order = np.lexsort((table.time, table.session, place))
    starts = np.cumsum(counts) - counts
    kept = np.sort(
        np.concatenate(
            [
                order[start + _evenly(int(count), quota)]
                for start, count in zip(starts, counts, strict=True)
            ]
        )
    )
    if len(kept) > most:
        by_time = kept[np.lexsort((table.time[kept], table.session[kept]))]
        kept = np.sort(by_time[_evenly(len(kept), most)])
    note = (
        f"fitted to {len(kept)} of {len(table)} training scans, at most {quota} a place, evenly "
        "spaced in time: this method holds or compares every row"
    )
    return table.rows(kept), (note,)


def _quota(counts: NDArray[np.int64], most: int) -> int:
    """Most rows a place, at least 1, so that all places together stay within `most`."""
    low, high = 1, int(counts.max())
    while low < high:
        middle = (low + high + 1) // 2
        fits = int(np.minimum(counts, middle).sum()) <= most
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


def _evenly(count: int, wanted: int) -> NDArray[np.int64]:
    """Indices of `wanted` of `count` things in order, evenly spaced; all of them if fewer."""
    if count <= wanted:
        return np.arange(count)
    return ((np.arange(wanted) + 0.5) * count / wanted).astype(np.int64)
