"""What is scored on what: the surveys, their rows, and the figures to be reached."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from localizer.site import Site
from localizer.table import FingerprintTable
from training.augmentation.rows import join
from training.final import sealed_split
from training.splits import SPLITS, Split
from training.surveys import OpenedSurvey

AGGREGATION: Final = "mean"
HELD_OUT_PHONE: Final = "Galaxy A5"


@dataclass(frozen=True)
class Protocol:
    """One row of the table."""

    key: str
    title: str
    table: FingerprintTable
    unlabelled: FingerprintTable
    site: Site
    split: Split
    unit_m: float
    """Metres of the unit that errors are printed in."""
    reach: float | None
    """Mean error to be reached, in that unit; None for a table that choices were made on."""
    anchor: tuple[str, float] | None = None
    """A simple method and its error as known before this was written, in that unit."""
    final: bool = False
    """Whether all development rows train and all sealed ones test, as in a final evaluation."""

    @property
    def unit(self) -> str:
        """What errors are printed in."""
        return "m" if self.unit_m == 1.0 else "cells"


def uci_protocols(survey: OpenedSurvey) -> Iterator[Protocol]:
    """All 820 genuine rows by cells, blocks and days, and the sealed days alone."""
    development, sealed = survey.development(AGGREGATION), survey.sealed(AGGREGATION)
    table, unlabelled = join(development, sealed), survey.unlabelled(AGGREGATION)
    cell = survey.site.cell_m or 1.0
    goals: dict[str, tuple[str, float, tuple[str, float]]] = {
        "cells": ("UCI, cells left out", 1.75, ("knn", 1.92)),
        "blocks": ("UCI, blocks of places left out", 1.92, ("weighted-centroid", 1.96)),
        "sessions": ("UCI, days left out", 1.90, ("weighted-centroid", 1.96)),
    }
    for split, (title, reach, anchor) in goals.items():
        yield Protocol(
            f"uci-{split}",
            title,
            table,
            unlabelled,
            survey.site,
            SPLITS[split],
            cell,
            reach,
            anchor,
        )
    yield Protocol(
        "uci-sealed",
        "UCI, sealed days",
        table,
        unlabelled,
        survey.site,
        sealed_split(len(development)),
        cell,
        2.35,
        ("weighted-centroid", 2.57),
        final=True,
    )


def uji_protocols(survey: OpenedSurvey) -> Iterator[Protocol]:
    """The library's training campaign to its test campaign: scans, visits, and a new phone."""
    development, sealed = survey.development(AGGREGATION), survey.sealed(AGGREGATION)
    known = development.rows(development.device != HELD_OUT_PHONE)
    theirs = without_labels(development.rows(development.device == HELD_OUT_PHONE))
    tested = sealed.rows(sealed.device == HELD_OUT_PHONE)
    none = development.rows(slice(0))
    rows: list[tuple[str, str, FingerprintTable, FingerprintTable, FingerprintTable, float, float]]
    rows = [
        ("scans", "scans", development, sealed, none, 1.60, 1.92),
        ("visits", "mean of each visit", development, visit_means(sealed), none, 1.35, 1.405),
        ("new-phone", f"{HELD_OUT_PHONE} held out", known, tested, theirs, 2.30, 2.55),
    ]
    for key, title, train, test, unlabelled, reach, anchor in rows:
        yield Protocol(
            f"uji-{key}",
            f"UJI library, training to test campaign, {title}",
            join(train, test),
            unlabelled,
            survey.site,
            sealed_split(len(train)),
            1.0,
            reach,
            ("weighted-centroid", anchor),
            final=key == "scans",
        )


def tetam_protocols(survey: OpenedSurvey) -> Iterator[Protocol]:
    """Each set of static points to the nine walks, whole seconds."""
    development, walks = survey.development(AGGREGATION), survey.sealed(AGGREGATION)
    for session, reach, anchor in (("set-1", 1.95, 2.60), ("set-2", 1.92, 2.70)):
        train = development.rows(development.session == session)
        yield Protocol(
            f"tetam-{session}",
            f"TETAM, static {session.replace('-', ' ')} to walks",
            join(train, walks),
            development.rows(slice(0)),
            survey.site,
            sealed_split(len(train)),
            1.0,
            reach,
            ("weighted-knn", anchor),
        )


def development_protocols(survey: OpenedSurvey, splits: tuple[str, ...]) -> Iterator[Protocol]:
    """Cross-validation over development sessions alone: what every choice was made on."""
    for split in splits:
        yield Protocol(
            f"{survey.name}-development-{split}",
            f"{survey.name}, {split}",
            survey.development(AGGREGATION),
            survey.unlabelled(AGGREGATION),
            survey.site,
            SPLITS[split],
            survey.site.cell_m or 1.0,
            None,
        )


SEALED: Final[dict[str, Callable[[OpenedSurvey], Iterator[Protocol]]]] = {
    "uci": uci_protocols,
    "uji-lib": uji_protocols,
    "tetam": tetam_protocols,
}
"""The rows of the table by survey."""

DEVELOPMENT: Final[dict[str, tuple[str, ...]]] = {
    "uci": ("sessions", "cells", "blocks"),
    "uji-lib": ("cells", "devices"),
    "tetam": ("sessions", "cells"),
}
"""Splits of development sessions by survey."""


def without_labels(table: FingerprintTable) -> FingerprintTable:
    """Return the scans without their places."""
    return replace(
        table,
        position_m=np.full_like(table.position_m, np.nan),
        floor=np.zeros(len(table), table.floor.dtype),
    )


def visit_means(table: FingerprintTable) -> FingerprintTable:
    """Return one row a visit: each beacon's mean over the scans that heard it."""
    visits, visit = np.unique(table.visit, return_inverse=True)
    first = np.array([np.flatnonzero(visit.ravel() == at)[0] for at in range(len(visits))])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        rssi: NDArray[np.float32] = np.stack(
            [np.nanmean(table.rssi_dbm[visit.ravel() == at], axis=0) for at in range(len(visits))]
        )
    return replace(table.rows(first), rssi_dbm=rssi, mask=np.isfinite(rssi))
