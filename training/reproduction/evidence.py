"""What the rows themselves say about the published protocol: copies, frames, pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from localizer.features import PAPER_IMAGE_SCALE
from localizer.site import Site
from localizer.table import FingerprintTable
from training.leaks import find_leaks
from training.near_copies import NEAR_DB, find_copied_sessions
from training.reproduction.protocol import clean_rows, published_rows
from training.specs import beacon_places
from training.splits import PUBLISHED, SPLITS, Fold
from training.targets import target_scale, to_scaled

_ROUNDING_DB = 1e-3
"""Readings are float32."""


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """Rows that stand in training as copies of test rows."""

    labelled: int
    genuine: int
    copies: tuple[dict[str, Any], ...]
    """The sessions that the detector names, as `CopiedSession.to_record` has them."""
    train_published: int
    train_clean: int
    test: int
    near_published: int
    """Test rows with a near copy among the published training rows."""
    paired_published: int
    """The same one to one: no training row counts for two test rows."""
    near_clean: int
    """Test rows with a near copy among the clean training rows: what chance and walls give."""
    same_session: int
    """Test rows of a session that also trains, copies aside."""
    shared_visits: int
    """Visits that the published cut divides: they train and test."""
    verbatim: int
    """Test rows whose readings stand word for word in training, at whatever place."""


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """Where beacons were heard, by the labels in our frame and in the published code's."""

    readings: int
    ours_cells: float
    """Mean distance from a beacon to where it was heard."""
    paper_cells: float
    ours_falling: int
    """Beacons whose RSSI falls with distance (negative correlation)."""
    paper_falling: int
    beacons: int


@dataclass(frozen=True, slots=True)
class PixelFacts:
    """What the published image shows of a scan."""

    silent: float
    """Pixel of a beacon that was not heard; the background is 0."""
    loudest: float
    """Pixel of the loudest reading."""
    quietest: float
    silent_share: float
    """Of all beacon pixels of the labelled rows."""
    one_beacon_share: float
    """Of the genuine rows, those that hear one beacon only."""


@dataclass(frozen=True, slots=True)
class StartFacts:
    """Initialisations of the CNN on the published training rows, before any training."""

    tried: int
    one_dead: int
    """With one output coordinate 0 for every row."""
    both_dead: int


@dataclass(frozen=True, slots=True)
class AugmentedFacts:
    """One bar of Figure 9 by one reading: its rows."""

    model: str
    side: str
    train: int
    test: int
    added: int
    made_from_test: int
    test_rows_in_training: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that is counted, not trained."""

    copies: CopyFacts
    frame: FrameFacts
    pixels: PixelFacts
    starts: StartFacts
    augmented: tuple[AugmentedFacts, ...]


def has_near_copy(of: FingerprintTable, among: FingerprintTable) -> NDArray[np.bool_]:
    """Return for each row of a table, bool [n], whether another table holds a near copy of it.

    The same place, the same beacons heard, every reading within `NEAR_DB`.
    """
    return np.asarray(_near(of, among).any(axis=1))


def _near(of: FingerprintTable, among: FingerprintTable) -> NDArray[np.bool_]:
    """Return which rows are near copies, bool [of, among]."""
    near = np.zeros((len(of), len(among)), np.bool_)
    for row in range(len(of)):
        same = (among.position_m == of.position_m[row]).all(axis=1)
        same &= (among.mask == of.mask[row]).all(axis=1)
        heard = of.mask[row]
        off = np.abs(among.rssi_dbm[:, heard] - of.rssi_dbm[row, heard])
        near[row] = same & (off <= NEAR_DB + _ROUNDING_DB).all(axis=1)
    return near


def copy_facts(table: FingerprintTable) -> CopyFacts:
    """Count copies among all labelled rows, given in the order of the file."""
    _, train, test = published_rows(table)
    clean = clean_rows(table).train
    near = _near(table.rows(test), table.rows(train))
    paired = maximum_bipartite_matching(csr_array(near.astype(np.int8)), perm_type="column")
    genuine = train[~table.synthetic[train]]
    leaks = find_leaks(table, [Fold(PUBLISHED, train, test)], SPLITS[PUBLISHED])
    return CopyFacts(
        labelled=len(table),
        genuine=int((~table.synthetic).sum()),
        copies=tuple(found.to_record() for found in find_copied_sessions(table)),
        train_published=len(train),
        train_clean=len(clean),
        test=len(test),
        near_published=int(near.any(axis=1).sum()),
        paired_published=int((paired >= 0).sum()),
        near_clean=int(has_near_copy(table.rows(test), table.rows(clean)).sum()),
        same_session=int(np.isin(table.session[test], table.session[genuine]).sum()),
        shared_visits=len(np.intersect1d(table.visit[train], table.visit[test])),
        verbatim=leaks.verbatim,
    )


def frame_facts(table: FingerprintTable, site: Site) -> FrameFacts:
    """Compare labels and beacons in our frame and in the published code's."""
    rows = table.rows(~table.synthetic)
    floor = str(rows.floor[0])
    scale = target_scale("paper", site, floor)
    cell_m = abs(scale.scale_m[0])
    places = np.asarray([place or (np.nan, np.nan) for place in beacon_places(site, floor)])
    ours = _distances(rows.position_m / cell_m, places / cell_m)
    # The code turns the labels and leaves the beacons as they are.
    paper = _distances(to_scaled(rows.position_m, scale).astype(np.float64), places / cell_m)
    heard = rows.mask
    return FrameFacts(
        readings=int(heard.sum()),
        ours_cells=float(ours[heard].mean()),
        paper_cells=float(paper[heard].mean()),
        ours_falling=_falling(rows, ours),
        paper_falling=_falling(rows, paper),
        beacons=len(places),
    )


def _distances(at: NDArray[np.float64], beacons: NDArray[np.float64]) -> NDArray[np.float64]:
    off = at[:, np.newaxis] - beacons
    return np.hypot(off[..., 0], off[..., 1])


def _falling(rows: FingerprintTable, distance: NDArray[np.float64]) -> int:
    falling = 0
    for beacon in range(len(rows.beacons)):
        heard = rows.mask[:, beacon]
        pairs = np.stack([rows.rssi_dbm[heard, beacon], distance[heard, beacon]])
        falling += bool(np.corrcoef(pairs)[0, 1] < 0)
    return falling


def pixel_facts(table: FingerprintTable) -> PixelFacts:
    """Say what the published pixel is for silence and for readings."""
    scale = PAPER_IMAGE_SCALE
    levels = (table.rssi_dbm[table.mask] - scale.offset_dbm) / scale.span_db
    genuine = table.mask[~table.synthetic].sum(axis=1)
    return PixelFacts(
        silent=scale.absent,
        loudest=float(levels.min()),
        quietest=float(levels.max()),
        silent_share=float(1 - table.mask.mean()),
        one_beacon_share=float((genuine == 1).mean()),
    )


def start_facts(dead: Sequence[int]) -> StartFacts:
    """Sum up how many output coordinates of each initialisation were dead."""
    found = list(dead)
    return StartFacts(len(found), found.count(1), found.count(2))
