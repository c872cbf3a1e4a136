"""The rows of Figure 9: labelled and augmented, by both readings of the paper and without leaks.

The paper does not say which rows it tests on. Its code puts the augmented rows before the labelled
ones and tests on the last fifth of both together: labelled rows all, but more of them the more
were added. The text's counts are those of other rules than the code's. So there are two readings:

- `code`: the code's rules of augmentation, the last fifth of the concatenation;
- `text`: the text's rules, the last 284 labelled rows;

both made from the whole labelled file, before the split. The clean side augments its own training
rows alone, by the text's rules. Each is drawn once, as published: seeds differ in the networks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from localizer.site import Site
from localizer.table import FingerprintTable
from training.augmentation import join
from training.augmentation.autoencoder import autoencoder
from training.augmentation.naive import naive
from training.augmentation.rows import Generated, Material, canonical_order, to_table
from training.leaks import find_leaks
from training.reproduction.paper import TEST_SHARE
from training.reproduction.protocol import Rows, Side, clean_rows, published_rows
from training.splits import PUBLISHED, SPLITS, Fold

SEED: Final = 0
"""Of the augmentation."""

AUGMENTED: Final = {"naive": ("naive",), "autoencoder": ("autoencoder",)} | {
    "hybrid": ("naive", "autoencoder")
}
"""The methods that each bar's rows come from."""

_PAPER: Final = {"naive": naive, "autoencoder": autoencoder}
_CODE: Final = {
    "naive": partial(naive, rule="published-code"),
    "autoencoder": partial(autoencoder, rule="published-code"),
}


@dataclass(frozen=True, slots=True)
class AugmentedSide:
    """The rows of one bar of Figure 9 by one reading."""

    model: str
    """The augmentation."""
    rows: Rows
    added: int
    """Augmented rows."""
    made_from_test: int
    """Of these, those that were made from a test row."""
    test_rows_in_training: int
    """Test rows that an augmented training row was made from."""


class _Made(NamedTuple):
    """Rows of one method at their place in the joined table."""

    rows: NDArray[np.int64]
    sources: Mapping[int, tuple[int, ...]]


def augment_sides(
    labelled: FingerprintTable, unlabelled: FingerprintTable, site: Site
) -> tuple[FingerprintTable, list[AugmentedSide]]:
    """Return the labelled rows with all augmented rows behind them, and who uses which.

    Args:
        labelled: every labelled row in the order of the file.
        unlabelled: the scans that the autoencoder learns from.
        site: of both.
    """
    joined = labelled
    sides: list[AugmentedSide] = []
    everything = np.arange(len(labelled))
    readings: tuple[tuple[Side, NDArray[np.int64], Mapping[str, Callable[..., Generated]]], ...] = (
        ("code", everything, _CODE),
        ("text", everything, _PAPER),
        ("clean", clean_rows(labelled).train, _PAPER),
    )
    for side, base, rules in readings:
        made: dict[str, _Made] = {}
        for name, rule in rules.items():
            table, sources = _generate(rule, labelled, base, unlabelled, site)
            at = len(joined) + np.arange(len(table))
            made[name] = _Made(at, dict(zip(at.tolist(), sources, strict=True)))
            joined = join(joined, table)
        sides += [_side(bar, side, joined, labelled, made) for bar in AUGMENTED]
    return joined, sides


def _generate(
    rule: Callable[..., Generated],
    labelled: FingerprintTable,
    base: NDArray[np.int64],
    unlabelled: FingerprintTable,
    site: Site,
) -> tuple[FingerprintTable, list[tuple[int, ...]]]:
    """Return augmented rows, and the numbers of the labelled rows that each was made from."""
    order = base[canonical_order(labelled.rows(base))]
    scans = unlabelled.rows(canonical_order(unlabelled))
    material = Material(labelled.rows(order), scans, site, SEED)
    generated = rule(material, np.random.default_rng(SEED))
    floor = np.full(len(generated.sources), labelled.floor[0])
    sources = [tuple(order[list(rows)].tolist()) for rows in generated.sources]
    return to_table(generated, material.table, floor), sources


def _side(
    bar: str,
    side: Side,
    joined: FingerprintTable,
    labelled: FingerprintTable,
    made: Mapping[str, _Made],
) -> AugmentedSide:
    added = np.concatenate([made[name].rows for name in AUGMENTED[bar]])
    sources = {row: s for name in AUGMENTED[bar] for row, s in made[name].sources.items()}
    base = clean_rows(labelled) if side == "clean" else published_rows(labelled)
    train, test = base.train, base.test
    if side == "code":
        cut = len(labelled) - math.ceil(TEST_SHARE * (len(labelled) + len(added)))
        train, test = np.arange(cut), np.arange(cut, len(labelled))
    train = np.concatenate([added, train])
    leaks = find_leaks(joined, [Fold(bar, train, test)], SPLITS[PUBLISHED], sources)
    return AugmentedSide(bar, Rows(side, train, test), len(added), leaks.augmented, len(leaks.rows))
