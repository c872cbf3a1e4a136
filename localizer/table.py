"""A survey as arrays: one row a fingerprint, one column a beacon."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from localizer.beacons import BeaconId
from localizer.errors import SurveyError
from localizer.features import Aggregation, scan_to_vector
from localizer.scans import Fingerprint

_SHAPES: Final = {
    "rssi_dbm": ("n", "b"),
    "mask": ("n", "b"),
    "position_m": ("n", 2),
    **dict.fromkeys(("floor", "session", "visit", "device", "time", "synthetic"), ("n",)),
}


@dataclass(frozen=True, slots=True, eq=False)
class FingerprintTable:
    """n fingerprints over b beacons. The arrays are not to be written to."""

    beacons: tuple[BeaconId, ...]
    """The order of the columns."""
    rssi_dbm: NDArray[np.float32]
    """float32 [n, b], dBm, NaN where not heard."""
    mask: NDArray[np.bool_]
    """bool [n, b], True where heard."""
    position_m: NDArray[np.float64]
    """float64 [n, 2], x and y in metres, NaN where unlabelled."""
    floor: NDArray[np.str_]
    """str [n], empty where unlabelled."""
    session: NDArray[np.str_]
    """str [n]."""
    visit: NDArray[np.str_]
    """str [n]."""
    device: NDArray[np.str_]
    """str [n]."""
    time: NDArray[np.datetime64]
    """datetime64[us] [n], UTC."""
    synthetic: NDArray[np.bool_]
    """bool [n], True for rows that are no measurements."""
    aggregation: Aggregation = "mean"
    """How several RSSIs of one beacon in one scan became one; a model's spec must say the same."""

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        sizes = {"n": len(self.session), "b": len(self.beacons)}
        for name, shape in _SHAPES.items():
            wanted = tuple(sizes.get(str(size), size) for size in shape)
            got = getattr(self, name).shape
            if got != wanted:
                raise SurveyError(f"{name} must have shape {wanted}, but got {got}")

    def __len__(self) -> int:
        """Return n."""
        return len(self.session)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Bool [n], True where there is a position."""
        return np.isfinite(self.position_m[:, 0])

    @property
    def place(self) -> NDArray[np.int64]:
        """Int64 [n], which distinct (floor, x, y) of this table a row has; -1 where unlabelled.

        Places are numbered by floor, then x, then y, so the number does not depend on the order
        of the rows. It holds within this table: a part of it numbers its own places.
        """
        place = np.full(len(self), -1, np.int64)
        labelled = self.labelled
        # np.unique has no order over mixed types: the floor goes in as its own number.
        floors = np.unique(self.floor[labelled], return_inverse=True)[1].reshape(-1, 1)
        keys = np.hstack([floors.astype(np.float64), self.position_m[labelled]])
        place[labelled] = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
        return place

    def rows(self, which: NDArray[np.bool_] | NDArray[np.integer[Any]] | slice) -> FingerprintTable:
        """Return the rows of a mask (bool [n]), an index (int [m], in its order) or a slice."""
        picked = {name: getattr(self, name)[which] for name in _SHAPES}
        return FingerprintTable(self.beacons, **picked, aggregation=self.aggregation)


def table_from_fingerprints(
    fingerprints: Iterable[Fingerprint],
    beacons: Sequence[BeaconId],
    aggregation: Aggregation = "mean",
) -> FingerprintTable:
    """Put fingerprints into a table, one row each, in their order.

    Args:
        fingerprints: read once; none give a table of 0 rows.
        beacons: the columns; what is heard of others is left out.
        aggregation: how several RSSIs of one beacon in one scan become one.

    Raises:
        SurveyError: a beacon stands twice in `beacons`, or the aggregation is unknown.
    """
    if len(set(beacons)) != len(beacons):
        raise SurveyError(f"each beacon must stand once in the columns, but got {list(beacons)}")
    if aggregation not in get_args(Aggregation):
        raise SurveyError(
            f"an aggregation must be one of {get_args(Aggregation)}, but got {aggregation!r}"
        )
    rows = list(fingerprints)
    shape = (len(rows), len(beacons))
    rssi, mask = np.empty(shape, np.float32), np.empty(shape, np.bool_)
    for at, row in enumerate(rows):
        rssi[at], mask[at] = scan_to_vector(row.scan, beacons, aggregation)
    return FingerprintTable(
        beacons=tuple(beacons),
        rssi_dbm=rssi,
        mask=mask,
        position_m=np.array([_position(row) for row in rows], np.float64).reshape(-1, 2),
        floor=_texts(row.position.floor if row.position else "" for row in rows),
        session=_texts(row.session for row in rows),
        visit=_texts(row.visit for row in rows),
        device=_texts(row.device for row in rows),
        time=np.array([_time(row) for row in rows], "datetime64[us]"),
        synthetic=np.array([row.synthetic is not None for row in rows], np.bool_),
        aggregation=aggregation,
    )


def _position(row: Fingerprint) -> tuple[float, float]:
    return (row.position.x_m, row.position.y_m) if row.position else (np.nan, np.nan)


def _texts(texts: Iterable[str]) -> NDArray[np.str_]:
    return np.array(list(texts), dtype=np.str_)


def _time(row: Fingerprint) -> np.datetime64:
    """NumPy knows no time zones: UTC, then naive."""
    return np.datetime64(row.time_utc.astimezone(UTC).replace(tzinfo=None), "us")
