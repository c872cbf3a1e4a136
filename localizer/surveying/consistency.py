"""Do two visits to one place tell the same story? Agree, contradict, or one visit only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal

import numpy as np

from localizer.beacons import BeaconId
from localizer.survey.records import HeardStats

SESSION_SD_DB: Final = 3.5
"""By which the mean RSSI of one beacon at one place differs from visit to visit, dB, without the
constant offset of a device: the body stands otherwise, people and furniture have moved, the
place is met within half a step. Measured on the three campaigns of the UJI survey's zone geo: 3.5
over 1,979 pairs of means. Smaller, and good surveys turn red; larger, and a moved beacon hides."""

PACKET_SD_DB: Final = 6.0
"""Standard deviation of one packet, dB, where a visit heard too few to tell."""

INDEPENDENT: Final = 0.25
"""Share of the packets of a visit that count as independent: neighbouring ones share their
fading."""

MIN_FOR_OFFSET: Final = 4
"""Shared beacons from which a constant offset between two visits can be told from a beacon that
changed: of three, one that changed is a third of all and shifts their median."""

MAX_OFFSET_DB: Final = 20.0
"""Of a device's constant offset, dB. Phones differ by 10 and up to 21 (measured by others on the
same beacon); what is beyond is no device but another place."""

AUDIBLE_DBM: Final = -80.0
"""A beacon that one visit hears at this mean, dBm, and the other does not hear at all, was there in
one of them only."""

SILENT_DBM: Final = -95.0
"""What "not heard" is worth in that comparison, dBm: where radios stop decoding."""

MAX_RMS: Final = 1.3
"""Root mean square of the differences, in standard deviations, up to which two visits agree. In the
same survey 99 % of the visits of one place (102 pairs) stayed below 0.85; of visits of two places
4.5 to 6 m apart half came above 1.3, of those 6 to 9 m apart more than three quarters."""

MAX_ONE: Final = 4.0
"""Of a single beacon's difference, in standard deviations: one that was moved or replaced shows
here while all others agree."""

MIN_SHARED: Final = 2
"""Beacons to compare; with fewer, nothing is said."""

Verdict = Literal["agree", "contradict", "one_visit"]
"""What is shown on the map as green, red and blue. ``one_visit``: nothing to compare with."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two visits of one place, beacon by beacon."""

    first: int
    """Which visits, by their place in the sequence given."""
    second: int
    offset_db: float
    """Constant difference of the two (second less first) that was taken away, dB."""
    rms: float
    """Root mean square of what is left, in standard deviations."""
    beacons: int
    """Compared."""
    changed: tuple[BeaconId, ...]
    """Those beyond `MAX_ONE`, the worst first."""

    @property
    def agrees(self) -> bool:
        """Whether the two tell the same story."""
        return self.rms <= MAX_RMS and not self.changed


@dataclass(frozen=True, slots=True)
class Consistency:
    """What the visits of one place say together."""

    verdict: Verdict
    comparisons: tuple[Comparison, ...] = ()
    """Every pair that could be compared."""

    @property
    def changed(self) -> tuple[BeaconId, ...]:
        """Beacons that changed between any two visits, by id."""
        return tuple(sorted({beacon for one in self.comparisons for beacon in one.changed}))


def compare_visits(
    visits: Sequence[Mapping[BeaconId, HeardStats]], *, tolerance_db: float = SESSION_SD_DB
) -> Consistency:
    """Return whether the visits of one place agree: all pairs of them must.

    Args:
        visits: how each heard every beacon, under ids of one time.
        tolerance_db: standard deviation that is usual from visit to visit, dB.
    """
    found = (
        _compare(pair, (visits[pair[0]], visits[pair[1]]), tolerance_db)
        for pair in combinations(range(len(visits)), 2)
    )
    comparisons = tuple(one for one in found if one is not None)
    if not comparisons:
        return Consistency("one_visit")
    agree = all(one.agrees for one in comparisons)
    return Consistency("agree" if agree else "contradict", comparisons)


def _compare(
    pair: tuple[int, int],
    visits: tuple[Mapping[BeaconId, HeardStats], Mapping[BeaconId, HeardStats]],
    tolerance_db: float,
) -> Comparison | None:
    first, second = visits
    shared = sorted(first.keys() & second.keys())
    differences = [second[beacon].mean_dbm - first[beacon].mean_dbm for beacon in shared]
    offset_db = _offset_db(differences)
    scores = {
        beacon: (difference - offset_db)
        / math.hypot(tolerance_db, _error_db(first[beacon]), _error_db(second[beacon]))
        for beacon, difference in zip(shared, differences, strict=True)
    }
    scores |= _vanished(first, second, offset_db, tolerance_db)
    scores |= _vanished(second, first, -offset_db, tolerance_db)
    if len(scores) < MIN_SHARED:
        return None
    beyond = sorted((b for b in scores if abs(scores[b]) > MAX_ONE), key=lambda b: -abs(scores[b]))
    rms = math.sqrt(float(np.mean(np.square(list(scores.values())))))
    return Comparison(*pair, offset_db, rms, len(scores), tuple(beyond))


def _offset_db(differences: Sequence[float]) -> float:
    if len(differences) < MIN_FOR_OFFSET:
        return 0.0
    return float(np.clip(np.median(differences), -MAX_OFFSET_DB, MAX_OFFSET_DB))


def _error_db(heard: HeardStats) -> float:
    """Return the standard error of a visit's mean, dB."""
    sd_db = heard.sd_dbm if heard.count >= 1 / INDEPENDENT else PACKET_SD_DB
    return max(sd_db, 1.0) / math.sqrt(max(1.0, INDEPENDENT * heard.count))


def _vanished(
    here: Mapping[BeaconId, HeardStats],
    there: Mapping[BeaconId, HeardStats],
    offset_db: float,
    tolerance_db: float,
) -> dict[BeaconId, float]:
    """Return the scores of beacons that are loud here and not heard there at all."""
    scores = {}
    for beacon, heard in here.items():
        expected_dbm = heard.mean_dbm + offset_db
        if beacon not in there and min(heard.mean_dbm, expected_dbm) > AUDIBLE_DBM and there:
            spread_db = math.hypot(tolerance_db, _error_db(heard))
            scores[beacon] = (expected_dbm - SILENT_DBM) / spread_db
    return scores
