"""The scale of a plan from two measured distances, and the way between its pixels and metres."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from localizer.errors import PlanError

MIN_ANGLE_DEG: Final = 30.0
"""Between the two distances, degrees. Of a stretch along one axis they show at most the sine of the
angle between them: half at 30 degrees, all at 90, where one lies along the plan's width and one
along its height. Nearer to parallel it would hide behind what the tape and the taps are off by."""

MAX_MISMATCH: Final = 0.10
"""By which the two may differ, as a share of the smaller. Two careful ones differ by 1 to 3 %; a
stretched plan, or a mistyped number, by more. At 10 % a floor of 20 m would be wrong by 1 m."""

MIN_LENGTH_PX: Final = 40.0
"""Of a distance on the plan, pixels: two fingertips' errors (`TAP_SD_PX`) are then 10 % of it."""

TAP_SD_PX: Final = 3.0
"""Standard deviation of one tap on a zoomed plan, pixels of the plan."""

TAPE_SD_M: Final = 0.02
"""Standard deviation of a distance measured between two walls, metres: a tape that sags, a skirting
board. A laser does better."""


@dataclass(frozen=True, slots=True)
class MeasuredDistance:
    """A stretch of the plan whose length somebody measured in the building."""

    from_px: tuple[float, float]
    """(x, y), pixels, y downwards."""
    to_px: tuple[float, float]
    length_m: float

    @property
    def length_px(self) -> float:
        """Its length on the plan, pixels."""
        return math.dist(self.from_px, self.to_px)

    @property
    def px_per_m(self) -> float:
        """Pixels in a metre."""
        return self.length_px / self.length_m

    @property
    def angle_deg(self) -> float:
        """Its direction on the plan, degrees from 0 to below 180: which end is first is nothing."""
        (x1, y1), (x2, y2) = self.from_px, self.to_px
        return math.degrees(math.atan2(y1 - y2, x2 - x1)) % 180

    @property
    def relative_sd(self) -> float:
        """Standard deviation of `px_per_m`, as a share of it."""
        return math.hypot(TAP_SD_PX * math.sqrt(2) / self.length_px, TAPE_SD_M / self.length_m)


@dataclass(frozen=True, slots=True)
class PlanScale:
    """How large a plan is, and how sure that is."""

    m_per_px: float
    relative_sd: float
    """Standard deviation as a share: 0.01 is 20 cm on 20 m."""
    mismatch: float
    """By which the two measurements differ, as a share of the smaller."""


@dataclass(frozen=True, slots=True)
class PlanTransform:
    """A similarity from a plan's pixels (y downwards) to a floor's metres (y upwards).

    Raises:
        PlanError: a value is not finite, or the scale not above 0.
    """

    m_per_px: float
    origin_px: tuple[float, float] = (0.0, 0.0)
    """Where (0, 0) metres lies, pixels."""
    rotation_deg: float = 0.0
    """Direction of the floor's +x axis on the plan, degrees counter-clockwise from the plan's right
    as one looks at it."""

    def __post_init__(self) -> None:
        """Refuse a transform without an inverse."""
        values = (self.m_per_px, *self.origin_px, self.rotation_deg)
        if not (all(map(math.isfinite, values)) and self.m_per_px > 0):
            raise PlanError(
                f"a plan's scale must be above 0 and all its values finite, but got {self}; "
                "measure the scale again",
                reason="bad_transform",
            )

    def to_metres(self, xy_px: ArrayLike) -> NDArray[np.float64]:
        """Return metres, float64 [n, 2], of pixels [n, 2]."""
        px = np.asarray(xy_px, np.float64).reshape(-1, 2) - self.origin_px
        result: NDArray[np.float64] = (px * (1.0, -1.0)) @ self._axes() * self.m_per_px
        return result

    def to_pixels(self, xy_m: ArrayLike) -> NDArray[np.float64]:
        """Return pixels, float64 [n, 2], of metres [n, 2]; the inverse of `to_metres`."""
        metres = np.asarray(xy_m, np.float64).reshape(-1, 2)
        result: NDArray[np.float64] = (metres / self.m_per_px) @ self._axes().T * (1.0, -1.0)
        return result + self.origin_px

    def _axes(self) -> NDArray[np.float64]:
        """Return the floor's axes as columns, in the plan's directions with y upwards."""
        turn = math.radians(self.rotation_deg)
        cos, sin = math.cos(turn), math.sin(turn)
        return np.array([[cos, -sin], [sin, cos]])


def measure_scale(first: MeasuredDistance, second: MeasuredDistance) -> PlanScale:
    """Return the scale that two measured distances agree on.

    The mean of both by their precision (inverse variance). Its deviation is that of taps and tape,
    or half of what the two differ by, whichever is larger.

    Raises:
        PlanError: `reason` is ``bad_measurement`` (a length is not above 0, or too short on the
            plan), ``same_direction`` or ``stretched``.
    """
    for one in (first, second):
        _check(one)
    apart = abs(first.angle_deg - second.angle_deg)
    apart = min(apart, 180 - apart)
    if apart < MIN_ANGLE_DEG:
        raise PlanError(
            f"the two distances must lie at least {MIN_ANGLE_DEG:g} degrees apart, or a stretched "
            f"plan would not show, but got {apart:.0f}; measure one along the plan's width and "
            "one along its height",
            reason="same_direction",
        )
    mismatch = max(first.px_per_m, second.px_per_m) / min(first.px_per_m, second.px_per_m) - 1
    if mismatch > MAX_MISMATCH:
        raise PlanError(
            f"the two distances must agree within {MAX_MISMATCH:.0%}, but the first says "
            f"{first.px_per_m:.1f} pixels a metre and the second {second.px_per_m:.1f} "
            f"({mismatch:.0%} more); measure and tap both again, and if they stay, the plan is "
            "stretched: export it with equal scales on both axes",
            reason="stretched",
        )
    weights = np.array([one.relative_sd**-2 for one in (first, second)])
    m_per_px = np.exp(
        np.average(np.log([1 / first.px_per_m, 1 / second.px_per_m]), weights=weights)
    )
    by_hand = float(weights.sum() ** -0.5)
    return PlanScale(float(m_per_px), max(by_hand, mismatch / 2), mismatch)


def axis_rotation_deg(origin_px: tuple[float, float], along_x_px: tuple[float, float]) -> float:
    """Return the rotation of a floor whose +x axis runs from one pixel to another, degrees.

    Raises:
        PlanError: the two lie too close together to give a direction (`MIN_LENGTH_PX`).
    """
    if math.dist(origin_px, along_x_px) < MIN_LENGTH_PX:
        raise PlanError(
            f"the x axis must be drawn over at least {MIN_LENGTH_PX:g} pixels, but got "
            f"{math.dist(origin_px, along_x_px):.0f}; tap a place further along it",
            reason="bad_measurement",
        )
    x, y = along_x_px[0] - origin_px[0], origin_px[1] - along_x_px[1]
    return math.degrees(math.atan2(y, x))


def _check(one: MeasuredDistance) -> None:
    if not (math.isfinite(one.length_m) and one.length_m > 0):
        raise PlanError(
            f"a measured distance must be above 0 m, but got {one.length_m!r}; type it in metres",
            reason="bad_measurement",
        )
    if not one.length_px >= MIN_LENGTH_PX:
        raise PlanError(
            f"a distance must cover at least {MIN_LENGTH_PX:g} pixels of the plan, but got "
            f"{one.length_px:.0f}; take a longer one, such as a whole wall",
            reason="bad_measurement",
        )
