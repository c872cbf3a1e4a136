"""What augmentation is made from and what it makes: tables in, new rows with their provenance."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from localizer.site import Site
from localizer.table import FingerprintTable

_ARRAYS: Final = tuple(
    field.name for field in fields(FingerprintTable) if field.name not in ("beacons", "aggregation")
)

Sources = tuple[tuple[int, ...], ...]
"""Per generated row the numbers of the rows it was made from; the first lends it its session,
visit, device and time, so that a generated row can be told from its place and time."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where one generated row comes from."""

    method: str
    """Never `hybrid`: the one of its two that made the row."""
    seed: int
    labelled: bool
    """Whether `rows` number the labelled table; else the unlabelled one."""
    rows: tuple[int, ...]
    """Row numbers of the table as `augment` got it; the first lent session, visit and time."""


@dataclass(frozen=True, slots=True, eq=False)
class Augmented:
    """New rows only, and one provenance a row."""

    table: FingerprintTable
    """`synthetic` is True for each."""
    provenance: tuple[Provenance, ...]

    def counts(self) -> dict[str, int]:
        """Return how many rows each method made."""
        return dict(Counter(row.method for row in self.provenance))


class Material(NamedTuple):
    """A training side, its rows in canonical order: a method cannot depend on the given one."""

    table: FingerprintTable
    """Labelled rows."""
    unlabelled: FingerprintTable
    site: Site
    seed: int


class Generated(NamedTuple):
    """What a method makes, m rows over b beacons."""

    rssi_dbm: NDArray[np.float64]
    """[m, b], dBm, NaN where not heard."""
    position_m: NDArray[np.float64]
    """[m, 2], metres."""
    sources: Sources
    """m tuples of row numbers of the material's table."""
    labelled: bool = True
    """Whether they number the labelled table."""

    def only(self, kept: NDArray[np.bool_]) -> Generated:
        """Return the rows of a mask, bool [m]."""
        sources = tuple(s for s, keep in zip(self.sources, kept, strict=True) if keep)
        return Generated(self.rssi_dbm[kept], self.position_m[kept], sources, self.labelled)

    def heard(self) -> Generated:
        """Return the rows in which something is heard: the edge answers no other with a fix."""
        return self.only(np.asarray(np.isfinite(self.rssi_dbm).any(axis=1)))


def one_each(table: FingerprintTable, rssi_dbm: NDArray[np.float64]) -> Generated:
    """Return changed readings, [n, b] in dBm, of each row of a table at its own place."""
    own = tuple((row,) for row in range(len(table)))
    return Generated(rssi_dbm, table.position_m, own)


def canonical_order(table: FingerprintTable) -> NDArray[np.int64]:
    """Return row numbers, int64 [n], by floor, place, session, visit, device, time, readings.

    Rows that tie in all of them are equal, so nothing can depend on how they stand.
    """
    readings = np.where(table.mask, table.rssi_dbm, -np.inf).T
    place = np.nan_to_num(table.position_m, nan=np.inf).T
    keys = (table.floor, *place, table.session, table.visit, table.device, table.time, *readings)
    return np.lexsort(keys[::-1])


def join(one: FingerprintTable, other: FingerprintTable) -> FingerprintTable:
    """Return the rows of two tables, of the same beacons and aggregation, one after the other."""
    arrays = {name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in _ARRAYS}
    return FingerprintTable(one.beacons, **arrays, aggregation=one.aggregation)


def to_table(
    generated: Generated, origin: FingerprintTable, floor: NDArray[np.str_]
) -> FingerprintTable:
    """Return generated rows as a table; what a row does not have of its own its source lends.

    Args:
        generated: m rows.
        origin: the table that their sources number.
        floor: str [m].
    """
    lender = origin.rows(np.array([rows[0] for rows in generated.sources], np.int64))
    mask = np.isfinite(generated.rssi_dbm)
    return FingerprintTable(
        beacons=origin.beacons,
        rssi_dbm=generated.rssi_dbm.astype(np.float32),
        mask=mask,
        position_m=generated.position_m.astype(np.float64),
        floor=floor,
        session=lender.session,
        visit=lender.visit,
        device=lender.device,
        time=lender.time,
        synthetic=np.ones(len(mask), np.bool_),
        aggregation=origin.aggregation,
    )
