from __future__ import annotations

import math
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localizer.errors import PlanError
from localizer.surveying.outline import MAX_CORNERS, checked_polygon, signed_area_m2

SQUARE = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0))


def reason(*corners: tuple[float, float]) -> str:
    with pytest.raises(PlanError) as caught:
        checked_polygon(corners)
    return caught.value.reason


def test_a_polygon_comes_back_counter_clockwise_and_open() -> None:
    assert checked_polygon(SQUARE) == SQUARE
    assert checked_polygon(SQUARE[::-1]) == SQUARE
    assert checked_polygon((*SQUARE, SQUARE[0])) == SQUARE
    assert checked_polygon((SQUARE[0], *SQUARE, SQUARE[3])) == SQUARE


def test_a_spike_back_along_its_own_edge_and_a_bow_tie_are_refused() -> None:
    assert reason((0, 0), (4, 4), (4, 0), (0, 4)) == "crosses_itself"
    assert reason((0, 0), (4, 0), (4, 2), (2, 2), (2, 0), (0, 2)) == "crosses_itself"


def test_what_is_no_polygon_is_refused() -> None:
    assert reason((0, 0), (4, 0)) == "too_few_corners"
    assert reason((0, 0), (4, 0), (4, 0), (0, 0)) == "too_few_corners"
    assert reason((0, 0), (4, 0), (2, 0)) == "no_area"
    assert reason((0, 0), (math.nan, 0), (2, 2)) == "not_finite"
    many = [(math.cos(i / 500), math.sin(i / 500)) for i in range(MAX_CORNERS + 1)]
    assert reason(*many) == "too_many_corners"


@given(st.integers(3, 40), st.floats(-1e4, 1e4), st.floats(0.1, 100))
def test_a_regular_polygon_is_taken_with_its_area(n: int, shift: float, radius: float) -> None:
    turns = 2 * np.pi * np.arange(n) / n
    corners = [(shift + radius * math.cos(t), radius * math.sin(t)) for t in turns]
    area = signed_area_m2(checked_polygon(corners))
    assert area == pytest.approx(n / 2 * radius**2 * math.sin(2 * math.pi / n), rel=1e-6)


@given(st.lists(st.tuples(*[st.integers(0, 6).map(float)] * 2), min_size=3, max_size=7))
def test_a_polygon_that_comes_back_comes_back_again(corners: list[tuple[float, float]]) -> None:
    kept = None
    with suppress(PlanError):
        kept = checked_polygon(corners)
    if kept is not None:
        assert signed_area_m2(kept) > 0
        assert checked_polygon(kept) == kept
