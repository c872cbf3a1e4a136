"""Fingerprint tables written by hand, for tests that need rows of a known kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from localizer.beacons import BeaconId
from localizer.table import FingerprintTable

START = np.datetime64("2024-05-01T09:00:00", "us")


def make_table(
    rssi_dbm: ArrayLike,
    position_m: ArrayLike,
    session: Sequence[str] | str = "s",
    *,
    seconds: ArrayLike | None = None,
    device: Sequence[str] | str = "phone",
) -> FingerprintTable:
    """Return rows of one floor, a second apart unless `seconds` says when; NaN is not heard."""
    rssi = np.asarray(rssi_dbm, np.float32)
    n = len(rssi)
    after = np.arange(n) if seconds is None else np.asarray(seconds)
    sessions = np.broadcast_to(np.asarray(session, np.str_), (n,)).copy()
    return FingerprintTable(
        beacons=tuple(BeaconId(f"name:t:b{i}") for i in range(rssi.shape[1])),
        rssi_dbm=rssi,
        mask=np.isfinite(rssi),
        position_m=np.asarray(position_m, np.float64),
        floor=np.full(n, "0"),
        session=sessions,
        visit=sessions,
        device=np.broadcast_to(np.asarray(device, np.str_), (n,)).copy(),
        time=START + (after * 1_000_000).astype("timedelta64[us]"),
        synthetic=np.zeros(n, np.bool_),
    )
