"""The check walk: how far the live fixes are from where the surveyor stood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from localizer.errors import SurveyError
from localizer.fixes import Fix
from localizer.site import Position

BOOTSTRAP_DRAWS: Final = 2000
"""Of the interval; its bounds then move by less than a hundredth of its width."""

_SEED: Final = 20_261_105
"""Of the bootstrap: the same errors give the same interval."""

_TAIL: Final = 0.025


@dataclass(frozen=True, slots=True)
class CheckPoint:
    """Where the surveyor stood, and the fixes that came meanwhile."""

    id: str
    truth: Position
    fixes: Sequence[Fix]
    """In the order sent, whatever their status."""


@dataclass(frozen=True, slots=True)
class CheckedPoint:
    """One check point in the report."""

    id: str
    truth: Position
    fixes: int
    located: int
    """Fixes that had a position on the right floor."""
    mean_error_m: float | None
    """Of the located ones; None without any."""
    mean_m: tuple[float, float] | None
    """Mean of their positions (x, y), metres: the end of the arrow on the map."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Errors of a check walk, metres.

    They are of the located fixes alone: read them with the shares of the others.
    """

    points: tuple[CheckedPoint, ...]
    n: int
    """Located fixes."""
    fixes: int
    """All fixes."""
    mean: float | None
    """None, as all that follow, when nothing was located."""
    mean_low: float | None
    """Bounds of the 95 % interval of the mean, bootstrapped by check point."""
    mean_high: float | None
    median: float | None
    p75: float | None
    p95: float | None
    p95_low: float | None
    p95_high: float | None
    no_position_share: float
    """Of all fixes: those without a position, of which `stale_share` is a part."""
    stale_share: float
    wrong_floor_share: float
    """Of all fixes: those with a position on another floor."""

    def to_dict(self) -> dict[str, Any]:
        """Return what a bundle's card and a report take in: numbers, texts, lists and None."""
        names = ("n", "fixes", "mean", "mean_low", "mean_high", "median", "p75", "p95")
        shares = ("p95_low", "p95_high", "no_position_share", "stale_share", "wrong_floor_share")
        points = [
            {
                "id": one.id,
                "x_m": one.truth.x_m,
                "y_m": one.truth.y_m,
                "floor": one.truth.floor,
                "fixes": one.fixes,
                "located": one.located,
                "mean_error_m": one.mean_error_m,
                "mean_m": one.mean_m,
            }
            for one in self.points
        ]
        return {name: getattr(self, name) for name in (*names, *shares)} | {"points": points}


def report_check_walk(points: Sequence[CheckPoint]) -> CheckReport:
    """Return the error report of a check walk.

    Fixes at one point share its surroundings, so the bootstrap draws points, not fixes (Efron and
    Tibshirani 1993, the cluster bootstrap). Fewer than two located points give no interval.

    Args:
        points: at least one, with at least one fix in all.

    Raises:
        SurveyError: there is no point, or no fix.
    """
    fixes = [fix for point in points for fix in point.fixes]
    if not fixes:
        raise SurveyError(
            f"a check walk must have fixes, but got {len(points)} points and none; stand at each "
            "point until fixes come, with a bundle that is being served"
        )
    errors = [_errors_m(point) for point in points]
    located = [one for one in errors if one.size]
    every = np.concatenate(located) if located else np.empty(0)
    away = sum(_elsewhere(point) for point in points)
    median, p75, p95 = np.quantile(every, (0.5, 0.75, 0.95)).tolist() if located else (None,) * 3
    (mean_low, mean_high), (p95_low, p95_high) = _intervals(located)
    return CheckReport(
        points=tuple(map(_checked, points)),
        n=len(every),
        fixes=len(fixes),
        mean=float(every.mean()) if located else None,
        mean_low=mean_low,
        mean_high=mean_high,
        median=median,
        p75=p75,
        p95=p95,
        p95_low=p95_low,
        p95_high=p95_high,
        no_position_share=sum(fix.x_m is None for fix in fixes) / len(fixes),
        stale_share=sum(fix.status == "stale" for fix in fixes) / len(fixes),
        wrong_floor_share=away / len(fixes),
    )


def _positions_m(point: CheckPoint) -> NDArray[np.float64]:
    """Return the positions on the right floor, float64 [n, 2], metres."""
    found = [
        (fix.x_m, fix.y_m)
        for fix in point.fixes
        if fix.x_m is not None and fix.y_m is not None and fix.floor == point.truth.floor
    ]
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def _errors_m(point: CheckPoint) -> NDArray[np.float64]:
    off = _positions_m(point) - (point.truth.x_m, point.truth.y_m)
    result: NDArray[np.float64] = np.hypot(off[:, 0], off[:, 1])
    return result


def _elsewhere(point: CheckPoint) -> int:
    return sum(fix.x_m is not None and fix.floor != point.truth.floor for fix in point.fixes)


def _checked(point: CheckPoint) -> CheckedPoint:
    positions, errors = _positions_m(point), _errors_m(point)
    x, y = positions.mean(axis=0) if len(positions) else (0.0, 0.0)
    return CheckedPoint(
        point.id,
        point.truth,
        len(point.fixes),
        len(positions),
        float(errors.mean()) if len(errors) else None,
        (float(x), float(y)) if len(positions) else None,
    )


_Interval = tuple[float, float] | tuple[None, None]


def _intervals(located: Sequence[NDArray[np.float64]]) -> tuple[_Interval, _Interval]:
    """Return the 95 % intervals of the mean and of the 95th percentile."""
    if len(located) < 2:
        return (None, None), (None, None)
    errors = np.concatenate(located)
    order = np.argsort(errors, kind="stable")
    point = np.repeat(np.arange(len(located)), [one.size for one in located])[order]
    errors = errors[order]
    rng = np.random.default_rng(_SEED)
    means, p95s = [], []
    for _ in range(BOOTSTRAP_DRAWS):
        # A point that is drawn twice counts twice, with all its fixes.
        drawn = np.bincount(rng.integers(0, len(located), len(located)), minlength=len(located))
        filled = drawn[point].cumsum()
        means.append(float(drawn[point] @ errors) / int(filled[-1]))
        p95s.append(errors[int((filled >= 0.95 * filled[-1]).argmax())])
    mean_low, mean_high = np.quantile(means, (_TAIL, 1 - _TAIL)).tolist()
    p95_low, p95_high = np.quantile(p95s, (_TAIL, 1 - _TAIL)).tolist()
    return (mean_low, mean_high), (p95_low, p95_high)
