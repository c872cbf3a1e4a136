"""The line by which a trial tells Katib its error."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final, Literal

from localizer.errors import ConfigError

MetricName = Literal["error_cells", "error_m"]

FILTER: Final = r"([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)"
"""By which Katib's collector finds a metric in what a trial writes; its own default."""


def metric_name(cell_m: float | None) -> MetricName:
    """Return what a trial's error is called: in cells where the site has them, else in metres."""
    return "error_m" if cell_m is None else "error_cells"


def metric_line(error_m: float, cell_m: float | None, *, at: datetime | None = None) -> str:
    """Return the line that a trial prints, without its end.

    Args:
        error_m: mean error, metres.
        cell_m: side of the site's cells, metres; None where it has none.
        at: when it was measured, for a trial that prints a line at every rung: of lines without a
            time Katib cannot tell the last.

    Raises:
        ConfigError: the error is not finite. Katib would find no number in it, or half of one; a
            trial prints nothing then and fails, and Katib counts it as failed.
    """
    value = error_m if cell_m is None else error_m / cell_m
    if not (math.isfinite(value) and value >= 0):
        raise ConfigError(f"an error that Katib is told must be finite, but got {value}")
    line = f"{metric_name(cell_m)}={float(value)!r}"
    return line if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} {line}"
