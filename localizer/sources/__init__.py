"""Where advertisements come from: one protocol, opened by one string."""

from __future__ import annotations

from localizer.sources.opening import open_source
from localizer.sources.protocol import Source
from localizer.sources.status import SourceState, SourceStatus
from localizer.sources.whereabouts import PlacedSource, Whereabouts

__all__ = [
    "PlacedSource",
    "Source",
    "SourceState",
    "SourceStatus",
    "Whereabouts",
    "open_source",
]
