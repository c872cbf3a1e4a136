"""The simple methods that every table prints beside a network.

Each is a TensorFlow graph on constants, so that what is evaluated is what `export` ships. All are
invariant to the order of the training rows: rows are put into one canonical order first (which
settles the forests' bootstrap), and ties of a distance share their votes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

from localizer.features import ALIGNED_SCALE, FeatureSpec, features
from localizer.manifest import TargetScale
from localizer.site import Site
from localizer.table import FingerprintTable
from training.catalogue import SIMPLE_METHODS, Settings
from training.forests import forest_graph
from training.gaussian_process import residual_weights
from training.methods import Fitted, Positions, positions_only
from training.specs import baseline_spec, beacon_places

CENTROID_DB: Final = 15.0
"""Weights of the weighted centroid are 10^(RSSI / 15 dB): a path loss exponent of 1.5 for weights
of 1 / distance. It is fixed, because this method's point is to learn nothing."""

_TIE_DB2: Final = 1e-2
"""Squared distances (dB^2) closer than this are one distance: as float32 matrix products they are
wrong by a few thousandths, and whole dBm differ by at least 1."""

_ALIKE_DB2: Final = 9.0
"""Added to a squared distance before it weighs a neighbour: readings of one place differ by 3 dB,
so a distance below that says nothing, and its noise must not move the position."""

_WEISZFELD_STEPS: Final = 10
_NEAREST_M: Final = 0.1
"""A median step closer than this to a place stops pulling; keeps 1 / distance finite, metres."""


class Side(NamedTuple):
    """The training side as the simple methods see it, rows in canonical order."""

    level: NDArray[np.float32]
    """[n, beacons], 0..1, 0 where not heard."""
    heard: NDArray[np.float32]
    """[n, beacons], 0 or 1."""
    position_m: NDArray[np.float32]
    """[n, 2]."""
    place: NDArray[np.int64]
    """[n], index of the distinct position."""
    places_m: NDArray[np.float32]
    """[places, 2]."""
    beacons_m: NDArray[np.float32]
    """[beacons, 2], NaN without a place."""


def fit_baseline(
    method: str, table: FingerprintTable, site: Site, settings: Settings | None = None
) -> Fitted:
    """Return a simple method fitted to labelled rows of one floor.

    Args:
        method: a key of `SIMPLE_METHODS`.
        table: the training side; no synthetic rows.
        site: its site, with every heard beacon.
        settings: one of its grid; the first if None.
    """
    chosen = dict(settings if settings is not None else SIMPLE_METHODS[method].grid[0])
    spec = baseline_spec(site, table.aggregation)
    floor_id = str(table.floor[0])
    graph = _FITS[method](_side(table, site, spec, floor_id), chosen)
    identity = TargetScale(offset_m=(0.0, 0.0), scale_m=(1.0, 1.0))
    return Fitted(method, spec, positions_only(graph), chosen, identity)


def _side(table: FingerprintTable, site: Site, spec: FeatureSpec, floor_id: str) -> Side:
    vector = features(table.rssi_dbm, table.mask, spec)["vector"]
    position = table.position_m.astype(np.float32)
    order = np.lexsort(np.column_stack([vector, position]).T[::-1])
    count = len(spec.beacons)
    places, place = np.unique(position[order], axis=0, return_inverse=True)
    beacons = [at or (np.nan, np.nan) for at in beacon_places(site, floor_id)]
    return Side(
        vector[order, :count],
        vector[order, count:],
        position[order],
        place.ravel(),
        places,
        np.asarray(beacons, np.float32),
    )


def _split(inputs: Mapping[str, Any], beacons: int) -> tuple[Any, Any]:
    vector = tf.convert_to_tensor(inputs["vector"])
    return vector[:, :beacons], vector[:, beacons:]


def _training_centroid(side: Side, settings: Settings) -> Positions:
    middle = tf.constant(side.places_m.mean(axis=0, keepdims=True))

    def graph(inputs: Mapping[str, Any]) -> Any:
        level, _ = _split(inputs, side.level.shape[1])
        return level[:, :1] * 0 + middle

    return graph


def _beacon_mean(side: Side, weight: Callable[[Any, Any], Any]) -> Positions:
    """Mean of the beacons' places by a weight; the training centroid where none is placed."""
    placed = np.isfinite(side.beacons_m[:, 0])
    places = tf.constant(np.where(placed[:, None], side.beacons_m, 0).astype(np.float32))
    counts = tf.constant(placed.astype(np.float32))
    middle = tf.constant(side.places_m.mean(axis=0, keepdims=True))

    def graph(inputs: Mapping[str, Any]) -> Any:
        level, heard = _split(inputs, len(placed))
        weights = weight(level, heard * counts)
        total = tf.reduce_sum(weights, axis=1, keepdims=True)
        none = tf.cast(total <= 0, tf.float32)
        return (weights @ places + none * middle) / (total + none)

    return graph


def _strongest_beacon(side: Side, settings: Settings) -> Positions:
    def weight(level: Any, heard: Any) -> Any:
        loudest = tf.reduce_max(level * heard, axis=1, keepdims=True)
        # 0.01 dB: readings that are equal stay equal through the scaling.
        return heard * tf.cast(level >= loudest - 0.01 / ALIGNED_SCALE.span_db, tf.float32)

    return _beacon_mean(side, weight)


def _weighted_centroid(side: Side, settings: Settings) -> Positions:
    rate = float(np.log(10) * ALIGNED_SCALE.span_db / CENTROID_DB)

    def weight(level: Any, heard: Any) -> Any:
        return heard * tf.exp(rate * (level - 1.0))

    return _beacon_mean(side, weight)


def _squared_distances(side: Side) -> Callable[[Any], Any]:
    """Squared distances in dB^2 to every training row, [n, rows], as one matrix product."""
    # About the mean of the training side: the norms, and with them their rounding, stay small.
    middle = tf.constant(side.level.mean(axis=0, keepdims=True))
    known_db = (side.level - side.level.mean(axis=0)) * np.float32(ALIGNED_SCALE.span_db)
    known = tf.constant(known_db.T)
    norms = tf.constant((known_db**2).sum(axis=1)[None])

    def distances(level: Any) -> Any:
        query = (level - middle) * ALIGNED_SCALE.span_db
        own = tf.reduce_sum(query * query, axis=1, keepdims=True)
        return tf.maximum(own + norms - 2.0 * (query @ known), 0.0)

    return distances


def _nearest(side: Side, settings: Settings, *, weighted: bool) -> Positions:
    count = min(int(settings["k"]), len(side.level))
    distances = _squared_distances(side)
    positions = tf.constant(side.position_m)

    def graph(inputs: Mapping[str, Any]) -> Any:
        squared = distances(_split(inputs, side.level.shape[1])[0])
        border = -tf.math.top_k(-squared, k=count).values[:, -1:]
        closer = tf.cast(squared < border - _TIE_DB2, tf.float32)
        tied = tf.cast(tf.abs(squared - border) <= _TIE_DB2, tf.float32)
        left = count - tf.reduce_sum(closer, axis=1, keepdims=True)
        votes = closer + tied * left / tf.reduce_sum(tied, axis=1, keepdims=True)
        if weighted:
            votes /= tf.sqrt(squared + _ALIKE_DB2)
        return (votes @ positions) / tf.reduce_sum(votes, axis=1, keepdims=True)

    return graph


def _knn(side: Side, settings: Settings) -> Positions:
    return _nearest(side, settings, weighted=False)


def _weighted_knn(side: Side, settings: Settings) -> Positions:
    return _nearest(side, settings, weighted=True)


def _place_shares(side: Side, width_db: float) -> Callable[[Any], Any]:
    """Share of each place, [n, places]: mean Gaussian kernel of its scans, one vote a place."""
    distances = _squared_distances(side)
    member = np.zeros((len(side.place), len(side.places_m)), np.float32)
    member[np.arange(len(side.place)), side.place] = 1.0
    mean = tf.constant(member / member.sum(axis=0, keepdims=True))

    def shares(level: Any) -> Any:
        squared = distances(level)
        # The nearest row gets weight 1: far from everything the kernel must not underflow to 0.
        nearest = tf.reduce_min(squared, axis=1, keepdims=True)
        votes = tf.exp((nearest - squared) / (2 * width_db**2)) @ mean
        return votes / tf.reduce_sum(votes, axis=1, keepdims=True)

    return shares


def _kernel_mean(side: Side, settings: Settings) -> Positions:
    shares = _place_shares(side, settings["width_db"])
    places = tf.constant(side.places_m)
    return lambda inputs: shares(_split(inputs, side.level.shape[1])[0]) @ places


def _kernel_median(side: Side, settings: Settings) -> Positions:
    shares = _place_shares(side, settings["width_db"])
    places = tf.constant(side.places_m)

    def graph(inputs: Mapping[str, Any]) -> Any:
        share = shares(_split(inputs, side.level.shape[1])[0])
        return geometric_median(share, places)

    return graph


def geometric_median(share: Any, places_m: Any) -> Any:
    """Return the point of least expected distance, [n, 2], by Weiszfeld's steps (1937).

    Args:
        share: [n, places], each row sums to 1.
        places_m: [places, 2], metres.
    """
    point = share @ places_m
    norms = tf.reduce_sum(places_m * places_m, axis=1)[None]
    for _ in range(_WEISZFELD_STEPS):
        own = tf.reduce_sum(point * point, axis=1, keepdims=True)
        squared = own + norms - 2.0 * tf.matmul(point, places_m, transpose_b=True)
        pull = share / tf.sqrt(tf.maximum(squared, _NEAREST_M**2))
        point = (pull @ places_m) / tf.reduce_sum(pull, axis=1, keepdims=True)
    return point


def _gp_residual(side: Side, settings: Settings) -> Positions:
    centroid, distances = _weighted_centroid(side, settings), _squared_distances(side)
    rows = {"vector": tf.constant(_rows(side)[0])}
    weights = tf.constant(
        residual_weights(
            distances(tf.constant(side.level)).numpy(),
            side.position_m - centroid(rows).numpy(),
            side.place,
            settings,
        )
    )
    rate = -0.5 / settings["width_db"] ** 2

    def graph(inputs: Mapping[str, Any]) -> Any:
        level, _ = _split(inputs, side.level.shape[1])
        return centroid(inputs) + tf.exp(rate * distances(level)) @ weights

    return graph


def _random_forest(side: Side, settings: Settings) -> Positions:
    return forest_graph(RandomForestRegressor, *_rows(side), leaf=int(settings["leaf"]))


def _extra_trees(side: Side, settings: Settings) -> Positions:
    return forest_graph(ExtraTreesRegressor, *_rows(side), leaf=int(settings["leaf"]))


def _rows(side: Side) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return np.concatenate([side.level, side.heard], axis=1), side.position_m


_FITS: Final[dict[str, Callable[[Side, Settings], Positions]]] = {
    "training-centroid": _training_centroid,
    "strongest-beacon": _strongest_beacon,
    "weighted-centroid": _weighted_centroid,
    "knn": _knn,
    "weighted-knn": _weighted_knn,
    "kernel-mean": _kernel_mean,
    "kernel-median": _kernel_median,
    "gp-residual": _gp_residual,
    "random-forest": _random_forest,
    "extra-trees": _extra_trees,
}
"""How each of `SIMPLE_METHODS` is fitted."""
