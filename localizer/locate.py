"""Scan to position: the bundle's features and model, one scan or many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from localizer.bundle import Bundle
from localizer.features import features, scan_to_vector
from localizer.runtime import ModelOutputs
from localizer.scans import Scan
from localizer.site import Position
from localizer.spread import SHARES

CHUNK: Final = 1024
"""Scans a call of the interpreter, which bounds the memory of a batch of images: about 10 MB at 25
pixels a side, 18 MB at 33, 39 MB at 49."""


Covariance = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class PositionEstimate:
    """One scan's answer."""

    position: Position | None
    """None if fewer beacons of the bundle were heard than it needs."""
    heard: int
    """How many beacons of the bundle were heard."""
    bundle: str
    covariance_m2: Covariance | None = None
    """Of the truth about the position, m^2: ((xx, xy), (xy, yy)). None without a position, or from
    a model that gives positions alone."""
    r68_m: float | None = None
    """Radius of the disc about the position that holds 68 % of the mass, metres, or None as
    above."""
    r95_m: float | None = None


class ArrayEstimates(NamedTuple):
    """The answers to n scans."""

    position_m: NDArray[np.float32]
    """[n, 2], metres; NaN where too little was heard."""
    radii_m: NDArray[np.float64]
    """[n, 2], r68 and r95, metres; NaN where too little was heard, and from a model that gives
    positions alone."""


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
        """Return where a scan was taken; the bundle's aliases count as its own beacons."""
        known = self.bundle.known(scan)
        rssi, mask = scan_to_vector(known, self._spec.beacons, self._spec.aggregation)
        heard = int(np.count_nonzero(mask))
        if heard < self._min_beacons:
            return PositionEstimate(None, heard, self.bundle.id)
        said = self._model.run_all(features(rssi[np.newaxis], mask[np.newaxis], self._spec))
        x, y = said.position_m[0].tolist()
        estimate = PositionEstimate(Position(x, y, self._floor), heard, self.bundle.id)
        return self._with_spread(estimate, said)

    def _with_spread(self, estimate: PositionEstimate, said: ModelOutputs) -> PositionEstimate:
        cells, log_probability = self.bundle.cells, said.log_probability
        if cells is None or log_probability is None:
            return estimate
        radii = cells.radii_m(log_probability, said.position_m)
        if not np.isfinite(radii).all():
            return estimate
        (((xx, xy), (_, yy)),) = cells.covariance_m2(log_probability, said.position_m).tolist()
        ((r68, r95),) = radii.tolist()
        return replace(estimate, covariance_m2=((xx, xy), (xy, yy)), r68_m=r68, r95_m=r95)

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
        for part in _parts(len(rssi_dbm)):
            positions[part] = self._model.run(features(rssi_dbm[part], mask[part], self._spec))
        positions[mask.sum(axis=1) < self._min_beacons] = np.nan
        return positions

    def estimate_array(
        self, rssi_dbm: NDArray[np.float32], mask: NDArray[np.bool_]
    ) -> ArrayEstimates:
        """Return positions of many scans with their radii; takes what `locate_array` takes.

        Raises:
            FeatureError: the arrays do not have one column a beacon.
        """
        cells = self.bundle.cells
        positions = np.empty((len(rssi_dbm), 2), np.float32)
        radii = np.full((len(rssi_dbm), len(SHARES)), np.nan)
        for part in _parts(len(rssi_dbm)):
            said = self._model.run_all(features(rssi_dbm[part], mask[part], self._spec))
            positions[part] = said.position_m
            if cells is not None and said.log_probability is not None:
                radii[part] = cells.radii_m(said.log_probability, said.position_m)
        silent = mask.sum(axis=1) < self._min_beacons
        positions[silent] = radii[silent] = np.nan
        return ArrayEstimates(positions, radii)


def _parts(rows: int) -> Iterator[slice]:
    return (slice(start, start + CHUNK) for start in range(0, rows, CHUNK))
