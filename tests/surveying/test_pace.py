from __future__ import annotations

import pytest

from localizer.surveying.pace import minutes_left, seconds_per_point
from tests.surveying.visits import recording


def test_before_the_first_point_nobody_knows() -> None:
    assert seconds_per_point([]) is None
    assert minutes_left([], 3) is None
    assert minutes_left([], 0) == 0.0
    assert seconds_per_point([recording(duration_s=None, status="open")]) is None


def test_one_point_counts_with_its_duration() -> None:
    assert seconds_per_point([recording(duration_s=20.0)]) == 20.0


def test_the_way_counts_and_breaks_do_not() -> None:
    starts = [0.0, 35.0, 70.0, 105.0, 5000.0]
    done = [recording(i, start_s=s, point=f"P{i}") for i, s in enumerate(starts)]
    assert seconds_per_point(done) == pytest.approx(35.0)
    assert minutes_left(done[::-1], 12) == pytest.approx(7.0)


def test_what_is_no_step_to_another_point_is_left_out() -> None:
    done = [
        recording(0, point="P0"),
        recording(1, start_s=25.0, point="P0"),  # the same point once more
        recording(2, start_s=60.0, point=None),  # a walk
        recording(3, start_s=65.0, point="P3", status="discarded"),
        recording(4, start_s=85.0, point="P4"),
        recording(5, start_s=90.0, point="P5", session="s2"),  # another surveyor
    ]
    assert seconds_per_point(done) == pytest.approx(60.0)


def test_the_last_ten_points_set_the_pace() -> None:
    slow = [recording(i, start_s=100.0 * i, point=f"P{i}") for i in range(20)]
    fast = [recording(20 + i, start_s=2000.0 + 30.0 * i, point=f"Q{i}") for i in range(11)]
    assert seconds_per_point(slow + fast) == pytest.approx(30.0)
