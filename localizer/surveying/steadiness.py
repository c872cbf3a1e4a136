"""Did the receiver stay where it was while a point was recorded?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from localizer.beacons import BeaconId
from localizer.surveying.findings import Finding

MAX_SPREAD_DB: Final = 8.0
"""Robust standard deviation of one beacon's RSSIs, dB. Standing still gave 3 to 4.4 (95 %) in the
simulator's default radio, 4.4 to 5.9 without a direct path; in one of 450 recordings a beacon was
above 8. Two places 4 m apart under one name gave more in half of the recordings."""

MIN_SPREAD_COUNT: Final = 10
"""Packets of a beacon from which its spread means something."""

MAX_SHIFT_DB: Final = 6.0
"""By which the first and the second half of a recording may differ, dB in the median, in at least
`MIN_SHIFTED` beacons. Of 450 simulated recordings of somebody who stood still none did; of those
who walked 4 m on halfway, two thirds did."""

MIN_SHIFTED: Final = 2

_TO_SD: Final = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


def judge_steadiness(readings: Mapping[BeaconId, Sequence[float]]) -> list[Finding]:
    """Return whether the levels at a point stayed what they were.

    Args:
        readings: RSSIs in the order heard, dBm, by beacon.
    """
    well_heard = {
        beacon: np.asarray(rssi_dbm, dtype=np.float64)
        for beacon, rssi_dbm in readings.items()
        if len(rssi_dbm) >= MIN_SPREAD_COUNT
    }
    wide = {
        beacon: spread
        for beacon, values in well_heard.items()
        if (spread := robust_sd_db(values)) > MAX_SPREAD_DB
    }
    shifts = {beacon: _shift_db(values) for beacon, values in well_heard.items()}
    shifted = {beacon: by for beacon, by in shifts.items() if abs(by) > MAX_SHIFT_DB}
    findings = []
    if wide:
        worst = max(wide, key=lambda beacon: wide[beacon])
        findings.append(
            Finding(
                "spread_too_wide",
                f"{len(wide)} of {len(well_heard)} beacons vary by more than {MAX_SPREAD_DB:g} dB, "
                f"{worst} by {wide[worst]:.0f} dB",
                "stand still, hold the receiver as always, and record this point again",
                tuple(sorted(wide)),
            )
        )
    if len(shifted) >= MIN_SHIFTED:
        findings.append(
            Finding(
                "moved",
                f"{len(shifted)} of {len(well_heard)} beacons changed by more than "
                f"{MAX_SHIFT_DB:g} dB between the first and the second half",
                "somebody walked on, or turned around: stand still and record this point again",
                tuple(sorted(shifted)),
            )
        )
    return findings


def _shift_db(values: NDArray[np.float64]) -> float:
    middle = len(values) // 2
    return float(np.median(values[middle:]) - np.median(values[:middle]))


def robust_sd_db(rssi_dbm: ArrayLike) -> float:
    """Return the spread of RSSIs by their median absolute deviation, dB.

    Radios report whole dBm, so it comes in steps of 1.5 dB.
    """
    values = np.asarray(rssi_dbm, dtype=np.float64)
    return float(_TO_SD * np.median(np.abs(values - np.median(values))))
