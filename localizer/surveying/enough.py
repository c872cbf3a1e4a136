"""How much listening at a point is enough: one rule for the ring, what is judged, and the map."""

from __future__ import annotations

from typing import Final

from localizer.survey.derivation import WINDOW_S

SCANS_PER_POINT: Final = 5
"""Scans in which something was heard, from which a stand is long enough and a point is done. With
three, one of them decides."""

STAND_S: Final = SCANS_PER_POINT * WINDOW_S
"""What that takes where something is heard all the time, seconds: 15."""
