"""How figures are written in sentences."""

from __future__ import annotations


def percent(share: float) -> str:
    """Return a share as text: 0.25 is `25 %`."""
    return f"{share * 100:.0f} %"
