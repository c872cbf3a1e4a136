"""Fitting a pooled locator: its methods, their weights, and how sure it may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from localizer.errors import ConfigError
from localizer.features import ALIGNED_SCALE, features
from localizer.manifest import TargetScale
from localizer.site import Site
from localizer.table import FingerprintTable
from training.augmentation.rows import join
from training.baselines import fit_baseline
from training.condense import condense
from training.distributions import negative_log_likelihood
from training.methods import Fitted, Graph, Positions, chunks
from training.pool.config import Expert, PoolConfig
from training.pool.device_copies import device_copies
from training.pool.distribution import (
    SHARPNESSES,
    Spread,
    log_probability,
    log_probability_now,
    spread_of,
)
from training.pool.floor_softmax import FloorSoftmax, fit_floor_softmax
from training.pool.grid import FloorGrid, floor_grid
from training.pool.learned_centroid import fit_learned_centroid
from training.pool.side import MIDDLE_DBM, STEP_DB, pool_side
from training.pool.weights import Prior, pool_weights
from training.specs import baseline_spec
from training.splits import inner_folds


class _Members(NamedTuple):
    """The methods of a pool, fitted to one training side."""

    positions: tuple[Positions, ...]
    """In the order of the configuration."""
    maps: tuple[FloorSoftmax, ...]
    grid: FloorGrid


class _HeldOut(NamedTuple):
    """What members said about scans that they were not fitted to."""

    located_m: NDArray[np.float64]
    """[n, members, 2]."""
    vectors: NDArray[np.float32]
    """[n, 2 * beacons]."""
    rows: FingerprintTable
    members: _Members


def fit_pool(
    config: PoolConfig,
    table: FingerprintTable,
    site: Site,
    *,
    seed: int,
    unlabelled: FingerprintTable,
    progress: Callable[[int], None] = lambda _: None,
) -> Fitted:
    """Return a pooled locator fitted to labelled rows of one floor.

    The members' weights and the sharpness of the distribution are chosen on neighbourhoods that
    they were not fitted to, inside this training side; then the members are fitted to all of it.

    Args:
        config: the members, and how they are weighed.
        table: the training side.
        site: its site, with every heard beacon.
        seed: of the copies for unlabelled devices; without such devices nothing is drawn.
        unlabelled: scans of the training side without a position.
        progress: told about ended inner folds, and the final fit.

    Raises:
        ConfigError: no scan hears a beacon.
    """
    rows, notes = _training_rows(config, table, unlabelled, seed)
    held_out = []
    for fold in inner_folds(rows, "blocks", config.inner_folds):
        held_out.append(_held_out(config, rows.rows(fold.train), rows.rows(fold.test), site))
        progress(1)
    weight = _weights(config, held_out)
    sharpness = _sharpness(held_out, weight)
    members = _fit_members(config, rows, site)
    progress(config.epochs - len(held_out))
    graph = _pooled(members, weight, sharpness, len(rows.beacons))
    settings = {
        "weights": {
            _name(e): round(float(w), 3) for e, w in zip(config.experts, weight, strict=True)
        },
        "sharpness": sharpness,
        "rows": len(rows),
        "seed": seed,
    }
    identity = TargetScale(offset_m=(0.0, 0.0), scale_m=(1.0, 1.0))
    grid_m = members.grid.cells_m.astype(np.float32) if members.maps else None
    spec = baseline_spec(site, table.aggregation)
    return Fitted(config.name, spec, graph, settings, identity, notes, grid_m=grid_m)


def _training_rows(
    config: PoolConfig, table: FingerprintTable, unlabelled: FingerprintTable, seed: int
) -> tuple[FingerprintTable, tuple[str, ...]]:
    heard = table.rows(np.flatnonzero(table.mask.any(axis=1)))
    if len(heard) == 0:
        raise ConfigError(
            "a pool needs labelled scans that hear a beacon, but the training side has none; "
            "survey places where beacons are heard"
        )
    copies = device_copies(heard, unlabelled, config.device_copies, seed=seed)
    rows, notes = condense(heard if copies is None else join(heard, copies), config.most_rows)
    if copies is not None:
        devices = ", ".join(np.unique(copies.device))
        notes += (f"{len(copies)} copies of scans as {devices} would hear them",)
    return rows, notes


def _fit_members(config: PoolConfig, rows: FingerprintTable, site: Site) -> _Members:
    side = pool_side(rows, site)
    grid = floor_grid(side, config.grid_cells, site.bounds_m(str(rows.floor[0])))
    positions: list[Positions] = []
    maps: list[FloorSoftmax] = []
    for expert in config.experts:
        if expert.method == "learned-centroid":
            positions.append(fit_learned_centroid(side, ridge=expert.settings["ridge"]))
        elif expert.method == "floor-softmax":
            maps.append(fit_floor_softmax(side, grid, price=expert.settings.get("price")))
            positions.append(_mean_of(maps[-1], grid, len(rows.beacons)))
        else:
            baseline = fit_baseline(expert.method, rows, site, expert.settings)
            positions.append(_position_of(baseline))
    return _Members(tuple(positions), tuple(maps), grid)


def _position_of(fitted: Fitted) -> Positions:
    return lambda inputs: fitted.graph(inputs)["position"]


def _mean_of(floor_map: FloorSoftmax, grid: FloorGrid, beacons: int) -> Positions:
    weight, bias, cells = (
        tf.constant(np.asarray(value, np.float32))
        for value in (floor_map.weight, floor_map.bias, grid.cells_m)
    )
    return lambda inputs: tf.nn.softmax(_map_inputs(inputs, beacons) @ weight + bias) @ cells


def _map_inputs(inputs: Mapping[str, Any], beacons: int) -> Any:
    """`softmax_inputs` as a graph of `vector`."""
    vector = tf.convert_to_tensor(inputs["vector"])
    level, heard = vector[:, :beacons], vector[:, beacons:]
    step = level * (ALIGNED_SCALE.span_db / STEP_DB)
    step = heard * (step + (ALIGNED_SCALE.offset_dbm - MIDDLE_DBM) / STEP_DB)
    return tf.concat([heard, step, step * step], axis=1)


def _held_out(
    config: PoolConfig, train: FingerprintTable, test: FingerprintTable, site: Site
) -> _HeldOut:
    members = _fit_members(config, train, site)
    spec = baseline_spec(site, train.aggregation)
    parts = [features(part.rssi_dbm, part.mask, spec) for part in chunks(test)]
    located = [
        np.stack([np.asarray(one(part)) for one in members.positions], axis=1) for part in parts
    ]
    vectors = np.concatenate([part["vector"] for part in parts])
    return _HeldOut(np.concatenate(located).astype(np.float64), vectors, test, members)


def _votes(rows: FingerprintTable) -> NDArray[np.float64]:
    _, place, count = np.unique(rows.place, return_inverse=True, return_counts=True)
    return 1.0 / count[place.ravel()]


def _weights(config: PoolConfig, held_out: list[_HeldOut]) -> NDArray[np.float64]:
    counts = np.array([expert.prior for expert in config.experts])
    prior = Prior(counts / counts.sum(), config.trust)
    if not held_out:
        return prior.weight
    return pool_weights(
        np.concatenate([one.located_m for one in held_out]),
        np.concatenate([one.rows.position_m for one in held_out]),
        np.concatenate([_votes(one.rows) for one in held_out]),
        prior,
    )


def _sharpness(held_out: list[_HeldOut], weight: NDArray[np.float64]) -> float:
    """Return the sharpness under which the held-out truths are least surprising."""
    if not held_out or not held_out[0].members.maps:
        return 1.0

    def surprise(sharpness: float) -> float:
        total = 0.0
        for one in held_out:
            spread = spread_of(one.members.maps, one.members.grid, sharpness)
            position = np.einsum("nkc,k->nc", one.located_m, weight).astype(np.float32)
            inputs = _map_inputs({"vector": one.vectors}, len(one.rows.beacons))
            said = log_probability_now(spread, inputs, position)
            nll = negative_log_likelihood(said, spread.cells_m, one.rows.position_m)
            total += float(_votes(one.rows) @ nll)
        return total

    return min(SHARPNESSES, key=surprise)


def _pooled(
    members: _Members, weight: NDArray[np.float64], sharpness: float, beacons: int
) -> Graph:
    shares = [float(share) for share in weight]
    spread: Spread | None = None
    if members.maps:
        spread = spread_of(members.maps, members.grid, sharpness)

    def graph(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        located = [
            one(inputs) * share for one, share in zip(members.positions, shares, strict=True)
        ]
        position = tf.add_n(located)
        if spread is None:
            return {"position": position}
        said = log_probability(spread, _map_inputs(inputs, beacons), position)
        return {"position": position, "log_probability": said}

    return graph


def _name(expert: Expert) -> str:
    settings = " ".join(f"{key} {value:g}" for key, value in expert.settings.items())
    return f"{expert.method} {settings}".strip()
