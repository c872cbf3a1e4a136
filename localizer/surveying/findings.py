"""What speaks against leaving a point, in words and for machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from localizer.beacons import BeaconId

Reason = Literal[
    "source_not_running",
    "too_short",
    "too_few_adverts",
    "beacon_silent",
    "rate_dropped",
    "spread_too_wide",
    "moved",
]
"""Machine-readable, and never renamed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a recording that the surveyor can still put right."""

    reason: Reason
    text: str
    """What was found, in words with its figures."""
    advice: str
    """What to do now."""
    beacons: tuple[BeaconId, ...] = ()
    """Whom it is about; empty where it is about all."""
