"""Small tables of known readings, for tests that say which row must come out."""

from collections.abc import Sequence

import numpy as np

from localizer.beacons import BeaconId
from localizer.site import Floor, Site
from localizer.table import FingerprintTable

NAN = float("nan")
BEACONS = tuple(BeaconId(f"name:test:b{i}") for i in (1, 2, 3))
SITE = Site(
    "test",
    "Test",
    (Floor("0", "Ground", ((0.0, 0.0), (20.0, 0.0), (20.0, 20.0), (0.0, 20.0))),),
    (),
    "made up",
)


def table(
    readings: Sequence[Sequence[float]],
    places: Sequence[tuple[float, float]],
    visits: Sequence[str] | None = None,
) -> FingerprintTable:
    """Rows of three beacons, NaN where not heard, 2 s apart; unlabelled where a place is NaN."""
    n = len(readings)
    rssi = np.array(readings, np.float32).reshape(n, len(BEACONS))
    position = np.array(places, np.float64).reshape(n, 2)
    labelled = np.isfinite(position[:, 0])
    start = np.datetime64("2026-01-01T00:00:00", "us")
    return FingerprintTable(
        beacons=BEACONS,
        rssi_dbm=rssi,
        mask=np.isfinite(rssi),
        position_m=position,
        floor=np.where(labelled, "0", ""),
        session=np.full(n, "s"),
        visit=np.array(visits if visits is not None else ["v"] * n, np.str_),
        device=np.full(n, "d"),
        time=start + np.arange(n) * np.timedelta64(2, "s"),
        synthetic=np.zeros(n, np.bool_),
    )


def unlabelled(readings: Sequence[Sequence[float]]) -> FingerprintTable:
    return table(readings, [(NAN, NAN)] * len(readings))


NO_ROWS = unlabelled([])
