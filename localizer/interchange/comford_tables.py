"""The columns and the words of COMFORD's three tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, FiniteFloat

from localizer.scans import Role

SAMPLES: Final = ("Samples.csv", "Sample.csv")
RSSI: Final = ("RSSI.csv",)
ACCESS_POINTS: Final = ("APs.csv", "AP.csv")
"""Names that the package writes and, where they differ, those that its specification gives."""

SAMPLE_COLUMNS: Final = (
    *("sample_id", "x", "y", "z", "timestamp", "set", "floor", "building", "device", "user"),
    *("config", "orientation"),
)
RSSI_COLUMNS: Final = ("sample_id", "rssi", "ap_id", "channel/freq")
AP_COLUMNS: Final = ("ap_id", "technology", "x", "y", "z")

NONE: Final = "None"
"""What stands where nothing is known."""

SET_OF: Final[dict[Role, str]] = {"development": "training", "sealed": "testing"}
"""How the package names the sets; only so does it find their samples."""

TECHNOLOGY: Final = "BLE"

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
US_PER_S: Final = 1_000_000
"""Microseconds in a second."""


class Settings(BaseModel):
    """What ``config`` says of a sample, if Localizer wrote it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    session: str
    visit: str
    local_date: str
    start_ns: int
    duration_s: FiniteFloat
    position_sd_m: FiniteFloat | None = None
    synthetic: str | None = None
