from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localizer.errors import PlanError
from localizer.surveying.scale import (
    MAX_MISMATCH,
    MeasuredDistance,
    PlanTransform,
    axis_rotation_deg,
    measure_scale,
)


def stretch(angle_deg: float, length_px: float = 400.0, length_m: float = 10.0) -> MeasuredDistance:
    turn = math.radians(angle_deg)
    to_px = (100.0 + length_px * math.cos(turn), 100.0 - length_px * math.sin(turn))
    return MeasuredDistance((100.0, 100.0), to_px, length_m)


def test_two_distances_that_agree_give_the_scale() -> None:
    scale = measure_scale(stretch(0), stretch(90, 410.0))
    assert 10 / 410 < scale.m_per_px < 10 / 400
    assert scale.mismatch == pytest.approx(0.025)
    assert scale.relative_sd == pytest.approx(0.0125)


def test_without_a_difference_taps_and_tape_remain() -> None:
    scale = measure_scale(stretch(0), stretch(90))
    one = math.hypot(3 * math.sqrt(2) / 400, 0.02 / 10)
    assert scale.relative_sd == pytest.approx(one / math.sqrt(2))
    assert scale.m_per_px == pytest.approx(1 / 40)


def test_a_stretched_plan_is_refused_with_both_figures() -> None:
    measure_scale(stretch(0), stretch(90, 400 * (1 + MAX_MISMATCH) - 0.1))
    with pytest.raises(PlanError, match=r"40\.0 pixels a metre.*44\.4.*11% more") as caught:
        measure_scale(stretch(0), stretch(90, 444.0))
    assert caught.value.reason == "stretched"


@pytest.mark.parametrize("angle_deg", [10.0, 29.0, 151.0, 180.0, 195.0, -20.0])
def test_two_distances_of_one_direction_are_refused(angle_deg: float) -> None:
    with pytest.raises(PlanError, match="30 degrees apart") as caught:
        measure_scale(stretch(0), stretch(angle_deg))
    assert caught.value.reason == "same_direction"


@pytest.mark.parametrize("angle_deg", [31.0, 90.0, 149.0, 225.0, -40.0])
def test_the_direction_of_drawing_does_not_matter(angle_deg: float) -> None:
    assert measure_scale(stretch(0), stretch(angle_deg)).mismatch == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    "one",
    [stretch(90, length_m=0.0), stretch(90, length_m=math.nan), stretch(90, 39.0), stretch(90, 0)],
)
def test_a_measurement_that_says_nothing_is_refused(one: MeasuredDistance) -> None:
    with pytest.raises(PlanError) as caught:
        measure_scale(stretch(0), one)
    assert caught.value.reason == "bad_measurement"


def test_y_points_up_and_x_where_it_was_drawn() -> None:
    plain = PlanTransform(0.1, (100.0, 200.0))
    np.testing.assert_allclose(plain.to_metres([[110.0, 180.0]]), [[1.0, 2.0]])
    # The floor's +x points to the top of the plan.
    turned = PlanTransform(0.1, (100.0, 200.0), axis_rotation_deg((100, 200), (100, 100)))
    np.testing.assert_allclose(turned.to_metres([[100.0, 190.0]]), [[1.0, 0.0]], atol=1e-12)
    np.testing.assert_allclose(turned.to_metres([[90.0, 200.0]]), [[0.0, 1.0]], atol=1e-12)


@given(
    st.floats(1e-4, 10),
    st.tuples(*[st.floats(-1e4, 1e4)] * 2),
    st.floats(-360, 360),
    st.lists(st.tuples(*[st.floats(-1e4, 1e4)] * 2), min_size=1, max_size=5),
)
def test_pixels_survive_the_way_there_and_back(
    m_per_px: float,
    origin_px: tuple[float, float],
    rotation_deg: float,
    points: list[tuple[float, float]],
) -> None:
    transform = PlanTransform(m_per_px, origin_px, rotation_deg)
    metres = transform.to_metres(points)
    np.testing.assert_allclose(transform.to_pixels(metres), points, rtol=0, atol=1e-8)
    spans_m = np.linalg.norm(metres - metres[0], axis=1)
    spans_px = np.linalg.norm(np.array(points) - points[0], axis=1)
    np.testing.assert_allclose(spans_m, spans_px * m_per_px, rtol=1e-6, atol=1e-8)


def test_a_transform_without_an_inverse_is_refused() -> None:
    for scale in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(PlanError):
            PlanTransform(scale)
    with pytest.raises(PlanError, match="40 pixels"):
        axis_rotation_deg((0, 0), (5, 5))
