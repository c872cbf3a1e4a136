"""Where advertisements come from: one protocol, opened by one string."""

from __future__ import annotations

from localizer.sources.opening import open_source
from localizer.sources.protocol import Source
from localizer.sources.status import SourceState, SourceStatus

__all__ = ["Source", "SourceState", "SourceStatus", "open_source"]
