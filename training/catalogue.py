"""The simple methods by name, with the settings that a training side chooses from.

Apart from `baselines`, which fits them, so that listing them does not import TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

Settings = Mapping[str, float]


class SimpleMethod(NamedTuple):
    """A method that trains no network."""

    title: str
    grid: tuple[Settings, ...]
    """The first serves where nothing can be chosen; `({},)` for a method without settings."""


_KS: Final = tuple({"k": float(k)} for k in (5, 1, 3, 9, 15, 25))
_WIDTHS: Final = tuple({"width_db": float(width)} for width in (5, 2, 3, 8, 12))
_LEAVES: Final = tuple({"leaf": float(leaf)} for leaf in (3, 8))
_NONE: Final[tuple[Settings, ...]] = ({},)

SIMPLE_METHODS: Final[dict[str, SimpleMethod]] = {
    "training-centroid": SimpleMethod("training centroid", _NONE),
    "strongest-beacon": SimpleMethod("strongest beacon", _NONE),
    "weighted-centroid": SimpleMethod("weighted centroid", _NONE),
    "knn": SimpleMethod("k-NN", _KS),
    "weighted-knn": SimpleMethod("weighted k-NN", _KS),
    "kernel-mean": SimpleMethod("kernel, mean", _WIDTHS),
    "kernel-median": SimpleMethod("kernel, median", _WIDTHS),
    "random-forest": SimpleMethod("random forest", _LEAVES),
    "extra-trees": SimpleMethod("extra trees", _LEAVES),
}
