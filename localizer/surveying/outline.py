"""Outlines and blocked areas as people draw them: closed, without crossing themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from localizer.errors import PlanError
from localizer.site import MIN_CORNERS, Polygon

MAX_CORNERS: Final = 2_000
"""Of one polygon. A drawn outline has tens; thousands slow the search for every way."""

MIN_AREA_M2: Final = 1e-4
"""Square metres, 1 cm x 1 cm: below, the corners lie in a line, or coordinates are degrees."""

_SAME_M: Final = 1e-9
"""Corners closer than this, metres, are one corner that was noted twice."""


def checked_polygon(corners: Sequence[tuple[float, float]], what: str = "the outline") -> Polygon:
    """Return a polygon, counter-clockwise, without repeated corners.

    Args:
        corners: (x_m, y_m) in order; the first may stand again at the end.
        what: what to call it in an error.

    Raises:
        PlanError: there are fewer than 3 corners or too many, one is not finite, two edges cross,
            or it has no area. `reason` is ``too_few_corners``, ``too_many_corners``,
            ``not_finite``, ``crosses_itself`` or ``no_area``.
    """
    if not all(math.isfinite(value) for corner in corners for value in corner):
        raise PlanError(f"{what} must have finite coordinates; draw it again", reason="not_finite")
    kept = _without_repeats([(float(x), float(y)) for x, y in corners])
    if len(kept) < MIN_CORNERS:
        raise PlanError(
            f"{what} must have at least {MIN_CORNERS} corners, but got {len(kept)}; add corners",
            reason="too_few_corners",
        )
    if len(kept) > MAX_CORNERS:
        raise PlanError(
            f"{what} must have at most {MAX_CORNERS} corners, but got {len(kept)}; simplify it",
            reason="too_many_corners",
        )
    crossing = _first_crossing(np.array(kept))
    if crossing is not None:
        a, b = crossing
        raise PlanError(
            f"{what} must not cross itself, but its edge from ({a[0]:.2f}, {a[1]:.2f}) crosses "
            f"that from ({b[0]:.2f}, {b[1]:.2f}); move a corner",
            reason="crosses_itself",
        )
    area_m2 = signed_area_m2(kept)
    if abs(area_m2) < MIN_AREA_M2:
        raise PlanError(
            f"{what} must have an area, but its corners lie in a line ({abs(area_m2):.1e} m2); "
            "draw it again",
            reason="no_area",
        )
    return tuple(kept if area_m2 > 0 else kept[::-1])


def signed_area_m2(corners: Sequence[tuple[float, float]]) -> float:
    """Return the area of a polygon, square metres; below 0 if its corners run clockwise."""
    # From the first corner: far from the origin products lose their digits.
    x, y = (np.array(corners, dtype=np.float64) - np.array(corners[0])).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def _without_repeats(corners: list[tuple[float, float]]) -> list[tuple[float, float]]:
    kept: list[tuple[float, float]] = []
    for corner in corners:
        if not kept or math.dist(kept[-1], corner) > _SAME_M:
            kept.append(corner)
    while len(kept) > 1 and math.dist(kept[0], kept[-1]) <= _SAME_M:
        kept.pop()
    return kept


def _first_crossing(
    corners: NDArray[np.float64],
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return where two edges begin that meet and are no neighbours, or None."""
    n = len(corners)
    a, b = corners, np.roll(corners, -1, axis=0)
    for i in range(n - 2):
        # Edge i against all later ones that share no corner with it.
        others = np.arange(i + 2, n - 1 if i == 0 else n)
        if not others.size:
            continue
        meets = _edges_meet(a[i], b[i], a[others], b[others])
        if meets.any():
            j = int(others[np.flatnonzero(meets)[0]])
            return tuple(a[i].tolist()), tuple(a[j].tolist())
    return None


def _edges_meet(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    c: NDArray[np.float64],
    d: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Return which of the edges c to d, [n, 2], share a point with that from a to b."""
    side_c, side_d = _turn(a, b, c), _turn(a, b, d)
    side_a, side_b = _turn(c, d, a), _turn(c, d, b)
    cross = (side_c * side_d <= 0) & (side_a * side_b <= 0)
    in_line = (side_c == 0) & (side_d == 0)
    apart = (np.maximum(c, d) < np.minimum(a, b)) | (np.minimum(c, d) > np.maximum(a, b))
    result: NDArray[np.bool_] = cross & ~(in_line & apart.any(axis=1))
    return result


def _turn(
    a: NDArray[np.float64], b: NDArray[np.float64], p: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return -1, 0 or 1: on which side of the line from a to b the points lie."""
    along, across = b - a, p - a
    return np.sign(along[..., 0] * across[..., 1] - along[..., 1] * across[..., 0])
