from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from localizer.errors import SurveyError
from localizer.fixes import Fix
from localizer.site import Position
from localizer.surveying.check_walk import CheckPoint, report_check_walk
from tests.surveying.visits import NOON


def fix(x_m: float | None, y_m: float | None = 0.0, *, floor: str = "0", **more: Any) -> Fix:
    located = {"status": "ok", "cause": None} if x_m is not None else {"status": "no_signal"}
    values = {"cause": "nothing_heard", **located, **more}
    return Fix(
        1, NOON, NOON, x_m, None if x_m is None else y_m, floor, heard=(), bundle="b", **values
    )


def at(name: str, *fixes: Fix, x_m: float = 0.0) -> CheckPoint:
    return CheckPoint(name, Position(x_m, 0.0), fixes)


def test_errors_are_counted_by_fix_and_shown_by_point() -> None:
    report = report_check_walk(
        [
            at("P1", fix(1.0), fix(3.0)),
            at("P2", fix(10.0, 2.0), fix(None), fix(None, status="stale"), x_m=10.0),
            at("P3", fix(None), fix(0.0, floor="1")),
        ]
    )
    assert (report.n, report.fixes) == (3, 7)
    assert (report.mean, report.median) == (2.0, 2.0)
    assert report.p75 == pytest.approx(2.5)
    assert report.p95 == pytest.approx(2.9)
    assert report.no_position_share == pytest.approx(3 / 7)
    assert report.stale_share == pytest.approx(1 / 7)
    assert report.wrong_floor_share == pytest.approx(1 / 7)
    first, second, third = report.points
    assert (first.located, first.mean_error_m, first.mean_m) == (2, 2.0, (2.0, 0.0))
    assert (second.fixes, second.located, second.mean_m) == (3, 1, (10.0, 2.0))
    assert (third.located, third.mean_error_m, third.mean_m) == (0, None, None)
    again = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert (again["n"], again["points"][2]["mean_error_m"]) == (3, None)


def test_the_interval_covers_the_truth_of_drawn_walks() -> None:
    rng, covered = np.random.default_rng(0), 0
    for _ in range(16):
        # Every point has an error of its own, around which its fixes lie: mean 2 m.
        means = rng.gamma(4.0, 0.5, 25)
        points = [
            at(f"P{i}", *(fix(float(e)) for e in np.abs(mean + rng.normal(0, 0.1, 6))))
            for i, mean in enumerate(means)
        ]
        report = report_check_walk(points)
        assert report.mean_low is not None
        assert report.mean_high is not None
        assert report.p95_low is not None
        assert report.p95_high is not None
        assert report.p95 is not None
        assert report.p95_low <= report.p95 <= report.p95_high
        covered += report.mean_low <= 2.0 <= report.mean_high
    assert covered >= 13


def test_without_a_position_there_are_shares_alone() -> None:
    report = report_check_walk([at("P1", fix(None)), at("P2", fix(None))])
    assert (report.n, report.mean, report.p95, report.mean_low) == (0, None, None, None)
    assert report.no_position_share == 1.0


def test_one_point_has_no_interval() -> None:
    report = report_check_walk([at("P1", fix(1.0), fix(2.0))])
    assert (report.mean, report.mean_low, report.p95_high) == (1.5, None, None)


def test_a_walk_without_fixes_is_refused() -> None:
    for points in ([], [at("P1")]):
        with pytest.raises(SurveyError, match="fixes"):
            report_check_walk(points)
