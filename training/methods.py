"""What every method of locating is, once fitted: a feature spec and a graph in metres."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from localizer.features import FeatureSpec, features
from localizer.manifest import TargetScale
from localizer.table import FingerprintTable

Graph = Callable[[Mapping[str, Any]], Any]
"""Tensors by feature name to a float32 tensor [n, 2], metres; TensorFlow operations only."""

PREDICT_CHUNK: Final = 512
"""Rows a call of the graph: k-NN and kernel hold [rows, training rows] distances."""


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

    def predict(self, table: FingerprintTable) -> NDArray[np.float64]:
        """Return positions of a table's scans, float64 [n, 2], metres.

        The table's beacons must be the spec's, in its order.
        """
        if tuple(table.beacons) != tuple(self.spec.beacons):
            raise ValueError("the table must have the beacons of the method's spec, in its order")
        parts = [
            np.asarray(self.graph(features(rows.rssi_dbm, rows.mask, self.spec)))
            for rows in chunks(table)
        ]
        return np.concatenate(parts).astype(np.float64) if parts else np.empty((0, 2))


def chunks(table: FingerprintTable) -> list[FingerprintTable]:
    """Return the table in parts of `PREDICT_CHUNK` rows."""
    starts = range(0, len(table), PREDICT_CHUNK)
    return [table.rows(np.arange(at, min(at + PREDICT_CHUNK, len(table)))) for at in starts]
