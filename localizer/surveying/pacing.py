"""How far a walker may be from where a steady pace would have them."""

from __future__ import annotations

from typing import Final

PACE_SPREAD: Final = 0.15
"""Of the speed, without unit: how much faster or slower than its mean the two parts of a leg are
walked. People slow down at doors, at corners and to look at the phone. Without it, the middle of a
leg of 20 m would be as sure as its ends, where somebody tapped."""


def pace_sd_m(speed_m_s: float, since_tap_s: float, until_tap_s: float) -> float:
    """Return what an uneven pace adds to a place between two taps, as a deviation along the way.

    It is 0 at a tap and grows with the distance from the nearer one: walked at ``1 ± PACE_SPREAD``
    times the mean speed, that distance is off by this share of it.

    Args:
        speed_m_s: mean speed of the leg, metres a second.
        since_tap_s: seconds since the tap before; at least 0.
        until_tap_s: seconds until the next one; at least 0.

    Returns:
        A standard deviation, metres.
    """
    return PACE_SPREAD * speed_m_s * min(since_tap_s, until_tap_s)
