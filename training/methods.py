"""What every method of locating is, once fitted: a feature spec and a graph in metres."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from localizer.features import FeatureSpec, features
from localizer.manifest import TargetScale
from localizer.table import FingerprintTable

Positions = Callable[[Mapping[str, Any]], Any]
"""Tensors by feature name to a float32 tensor [n, 2], metres; TensorFlow operations only."""

Graph = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Tensors by feature name to tensors by output name: `position` [n, 2], metres, and for a method
that gives a distribution over the floor `log_probability` [n, grid]."""

PREDICT_CHUNK: Final = 512
"""Rows a call of the graph: k-NN and kernel hold [rows, training rows] distances."""


def positions_only(positions: Positions) -> Graph:
    """Return the graph of a method that gives a position and no distribution."""
    return lambda inputs: {"position": positions(inputs)}


class Prediction(NamedTuple):
    """What a fitted method says about n scans."""

    position_m: NDArray[np.float64]
    """[n, 2]."""
    log_probability: NDArray[np.float32] | None
    """[n, grid], each row the logarithm of shares that sum to 1; None without a distribution."""


@dataclass(frozen=True)
class Fitted:
    """A method fitted to a training side. What is evaluated is the graph that is exported."""

    method: str
    spec: FeatureSpec
    graph: Graph
    settings: Mapping[str, Any]
    """What was chosen on the training side, for tables and the model card."""
    target: TargetScale
    notes: tuple[str, ...] = ()
    curve: Mapping[str, list[float]] = field(default_factory=dict)
    """Training curves by name, one value an epoch; empty for methods without epochs."""
    grid_m: NDArray[np.float32] | None = None
    """[grid, 2], where the cells of the distribution lie, metres; None without a distribution."""

    def predict(self, table: FingerprintTable) -> NDArray[np.float64]:
        """Return positions of a table's scans, float64 [n, 2], metres.

        The table's beacons must be the spec's, in its order.
        """
        return self.predict_all(table).position_m

    def predict_all(self, table: FingerprintTable) -> Prediction:
        """Return positions of a table's scans, and their distributions where the method has them.

        The table's beacons must be the spec's, in its order.
        """
        if tuple(table.beacons) != tuple(self.spec.beacons):
            raise ValueError("the table must have the beacons of the method's spec, in its order")
        parts = [self.graph(features(r.rssi_dbm, r.mask, self.spec)) for r in chunks(table)]

        def joined(name: str, width: int) -> NDArray[np.float32]:
            columns = [np.asarray(part[name]) for part in parts]
            return np.concatenate(columns) if columns else np.empty((0, width), np.float32)

        position = joined("position", 2).astype(np.float64)
        if self.grid_m is None:
            return Prediction(position, None)
        return Prediction(position, joined("log_probability", len(self.grid_m)))


def chunks(table: FingerprintTable) -> list[FingerprintTable]:
    """Return the table in parts of `PREDICT_CHUNK` rows."""
    starts = range(0, len(table), PREDICT_CHUNK)
    return [table.rows(np.arange(at, min(at + PREDICT_CHUNK, len(table)))) for at in starts]
