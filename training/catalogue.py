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
    what: str
    """How it locates, in plain words."""
    grid: tuple[Settings, ...]
    """The first serves where nothing can be chosen; `({},)` for a method without settings."""
    most_rows: int | None = None
    """Training scans that it is fitted to at most; None for as many as there are."""


_KS: Final = tuple({"k": float(k)} for k in (5, 1, 3, 9, 15, 25))
_WIDTHS: Final = tuple({"width_db": float(width)} for width in (5, 2, 3, 8, 12))
_LEAVES: Final = tuple({"leaf": float(leaf)} for leaf in (3, 8))
_NONE: Final[tuple[Settings, ...]] = ({},)
_PROCESSES: Final = tuple(
    {"width_db": float(width), "noise": float(noise)}
    for width, noise in ((20, 3), (20, 1), (10, 3), (10, 1))
)

_MOST_NEIGHBOURS: Final = 6000
"""Rows whose distance to every scan is worked out, and that a bundle carries: a survey that stood
half an hour at every point has 145,000, which say little more."""
_MOST_PROCESS_ROWS: Final = 1500
"""Rows of a Gaussian process: its fit takes the cube of their number, a tenth of a second here."""

SIMPLE_METHODS: Final[dict[str, SimpleMethod]] = {
    "training-centroid": SimpleMethod(
        "training centroid",
        "always answers the middle of the surveyed places; what is no better has learnt nothing",
        _NONE,
    ),
    "strongest-beacon": SimpleMethod(
        "strongest beacon", "answers the place of the loudest beacon; learns nothing", _NONE
    ),
    "weighted-centroid": SimpleMethod(
        "weighted centroid",
        "averages the places of the heard beacons, louder ones more; learns nothing",
        _NONE,
    ),
    "knn": SimpleMethod(
        "k-NN", "averages the places of the most similar scans of the survey", _KS, _MOST_NEIGHBOURS
    ),
    "weighted-knn": SimpleMethod(
        "weighted k-NN", "the same, more similar scans counting more", _KS, _MOST_NEIGHBOURS
    ),
    "kernel-mean": SimpleMethod(
        "kernel, mean",
        "averages all surveyed places by how similar their scans are, one vote a place",
        _WIDTHS,
        _MOST_NEIGHBOURS,
    ),
    "kernel-median": SimpleMethod(
        "kernel, median",
        "the same votes, but the point of least expected distance",
        _WIDTHS,
        _MOST_NEIGHBOURS,
    ),
    "gp-residual": SimpleMethod(
        "GP on weighted centroid",
        "the weighted centroid, corrected where the survey shows what it gets wrong",
        _PROCESSES,
        _MOST_PROCESS_ROWS,
    ),
    "random-forest": SimpleMethod(
        "random forest",
        "averages 50 decision trees that were grown on the survey",
        _LEAVES,
        _MOST_NEIGHBOURS,
    ),
    "extra-trees": SimpleMethod(
        "extra trees", "the same with more random trees", _LEAVES, _MOST_NEIGHBOURS
    ),
}

NETWORKS: Final = {
    "pool": "several ways to locate (the weighted centroid, the same with its numbers learnt, "
    "Gaussian processes, a radio map), averaged with weights that the survey chooses; it also says "
    "how probable every part of the floor is",
    "dnn": "a neural network that learns the position from how loud each beacon is",
    "cnn": "a neural network that sees how loud the beacons are as a picture of the floor",
}
"""What each kind of network does."""
