"""Scan to position: the bundle's features and model, one scan or many."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from localizer.bundle import Bundle
from localizer.features import features, scan_to_vector
from localizer.scans import Scan
from localizer.site import Position

CHUNK: Final = 1024
"""Scans a call of the interpreter, which bounds the memory of a batch of images: about 10 MB at 25
pixels a side, 18 MB at 33, 39 MB at 49."""


@dataclass(frozen=True, slots=True)
class PositionEstimate:
    """One scan's answer."""

    position: Position | None
    """None if fewer beacons of the bundle were heard than it needs."""
    heard: int
    """How many beacons of the bundle were heard."""
    bundle: str


class Locator:
    """A bundle at work. Its interpreter belongs to the thread that uses the locator."""

    def __init__(self, bundle: Bundle) -> None:
        """Take a checked bundle into service."""
        self.bundle = bundle
        self._spec = bundle.spec
        self._model = bundle.model
        self._floor = bundle.manifest.floor
        self._min_beacons = bundle.manifest.min_beacons

    def fresh(self) -> Locator:
        """Return a locator with an interpreter of its own, for another thread."""
        return Locator(replace(self.bundle, model=self._model.fresh()))

    def locate(self, scan: Scan) -> PositionEstimate:
        """Return where a scan was taken."""
        rssi, mask = scan_to_vector(scan, self._spec.beacons, self._spec.aggregation)
        heard = int(np.count_nonzero(mask))
        if heard < self._min_beacons:
            return PositionEstimate(None, heard, self.bundle.id)
        x, y = self._model.run(features(rssi[np.newaxis], mask[np.newaxis], self._spec))[0].tolist()
        return PositionEstimate(Position(x, y, self._floor), heard, self.bundle.id)

    def locate_array(
        self, rssi_dbm: NDArray[np.float32], mask: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Return positions of many scans, float32 [n, 2], metres; NaN where too little was heard.

        Args:
            rssi_dbm: float32 [n, n_beacons], dBm, in the order of the bundle's beacons.
            mask: bool [n, n_beacons], True where heard.

        Raises:
            FeatureError: the arrays do not have one column a beacon.
        """
        positions = np.empty((len(rssi_dbm), 2), np.float32)
        for start in range(0, len(rssi_dbm), CHUNK):
            part = slice(start, start + CHUNK)
            positions[part] = self._model.run(features(rssi_dbm[part], mask[part], self._spec))
        positions[mask.sum(axis=1) < self._min_beacons] = np.nan
        return positions
