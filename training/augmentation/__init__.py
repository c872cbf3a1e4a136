"""More training rows from those that there are, inside a training side and never outside it.

`augment` sees the labelled rows of a fold's training side, its unlabelled scans and the site. Each
row that it makes is marked synthetic and says which rows it was made from. docs/augmentation.md
says what each method does and what it gains.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np

from localizer.errors import ConfigError, SurveyError
from localizer.site import Site
from localizer.table import FingerprintTable
from training.augmentation.autoencoder import autoencoder
from training.augmentation.device import device
from training.augmentation.dropout import dropout
from training.augmentation.interpolation import interpolation
from training.augmentation.naive import naive
from training.augmentation.noise import noise
from training.augmentation.pseudo_labels import pseudo_labels
from training.augmentation.rows import (
    Augmented,
    Generated,
    Material,
    Provenance,
    canonical_order,
    join,
    to_table,
)

__all__ = ["AUGMENTATIONS", "Augmentation", "Augmented", "Provenance", "augment", "join"]


_Make = Callable[[Material, np.random.Generator], Generated]

_MAKES: Final[dict[str, _Make]] = {
    "naive": naive,
    "autoencoder": autoencoder,
    "noise": noise,
    "dropout": dropout,
    "device": device,
    "interpolation": interpolation,
    "pseudo-labels": pseudo_labels,
}


class Augmentation(NamedTuple):
    """A way to make rows."""

    title: str
    methods: tuple[str, ...]
    """What makes them, as a provenance names it: `hybrid` has two, each other itself."""
    needs_unlabelled: bool = False
    """Whether it raises without unlabelled scans."""


AUGMENTATIONS: Final[dict[str, Augmentation]] = {
    "naive": Augmentation("uniform between a place's extremes (paper)", ("naive",)),
    "autoencoder": Augmentation("autoencoder of the unlabelled (paper)", ("autoencoder",), True),
    "hybrid": Augmentation("naive and autoencoder (paper)", ("naive", "autoencoder"), True),
    "noise": Augmentation("noise of the survey's own spread", ("noise",)),
    "dropout": Augmentation("heard beacons dropped", ("dropout",)),
    "device": Augmentation("another receiver's offset and gain", ("device",)),
    "interpolation": Augmentation("places between the surveyed ones", ("interpolation",)),
    "pseudo-labels": Augmentation("unlabelled scans, located", ("pseudo-labels",), True),
}
"""Every augmentation by the name that a configuration gives it."""


def augment(
    names: Sequence[str],
    table: FingerprintTable,
    unlabelled: FingerprintTable,
    site: Site,
    *,
    seed: int,
) -> Augmented:
    """Return new rows for a training side; the given ones are not among them.

    The same rows come out whatever the order of the given ones and whichever other methods are
    named: every method has a stream of random numbers of its own.

    Args:
        names: of `AUGMENTATIONS`; none gives no rows.
        table: labelled rows of one floor, a fold's training side and nothing else.
        unlabelled: scans of the training side without a position; may be none.
        site: with every beacon of the table.
        seed: of all that is random.

    Raises:
        ConfigError: a name is unknown or stands twice, or a method lacks what it learns from.
        SurveyError: the table has rows without a position or on two floors, or the tables'
            beacons differ.
    """
    methods = _methods(names)
    if not methods:
        return Augmented(table.rows(slice(0)), ())
    _check(table, unlabelled)
    order, unlabelled_order = canonical_order(table), canonical_order(unlabelled)
    material = Material(table.rows(order), unlabelled.rows(unlabelled_order), site, seed)
    made = table.rows(slice(0))
    provenance: list[Provenance] = []
    for name in methods:
        generated = _MAKES[name](material, np.random.default_rng([seed, zlib.crc32(name.encode())]))
        made = join(made, _as_table(generated, material))
        numbers = order if generated.labelled else unlabelled_order
        provenance += [
            Provenance(name, seed, generated.labelled, tuple(numbers[list(rows)].tolist()))
            for rows in generated.sources
        ]
    return Augmented(made, tuple(provenance))


def _methods(names: Sequence[str]) -> list[str]:
    unknown = [name for name in names if name not in AUGMENTATIONS]
    if unknown:
        raise ConfigError(
            f"an augmentation must be one of {list(AUGMENTATIONS)}, but got {unknown}"
        )
    methods = [method for name in names for method in AUGMENTATIONS[name].methods]
    if len(set(methods)) < len(methods):
        raise ConfigError(
            f"each augmentation must stand once (`hybrid` is naive and autoencoder), but got "
            f"{list(names)}; leave one out"
        )
    return methods


def _check(table: FingerprintTable, unlabelled: FingerprintTable) -> None:
    if not table.labelled.all() or len(np.unique(table.floor)) != 1:
        raise SurveyError(
            "augmentation needs labelled rows of one floor, but got "
            f"{int(table.labelled.sum())} labelled of {len(table)} on floors "
            f"{np.unique(table.floor).tolist()}; choose a floor, and hand the rest as `unlabelled`"
        )
    if table.beacons != unlabelled.beacons:
        raise SurveyError(
            "labelled and unlabelled rows must have the same beacons in the same order, but got "
            f"{len(table.beacons)} and {len(unlabelled.beacons)} that differ; read both with the "
            "beacons of one site"
        )


def _as_table(generated: Generated, material: Material) -> FingerprintTable:
    origin = material.table if generated.labelled else material.unlabelled
    floor = np.full(len(generated.sources), material.table.floor[0])
    return to_table(generated, origin, floor)
