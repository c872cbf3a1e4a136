from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localizer.errors import PlanError
from localizer.surveying.tangent_plane import Georeference, TangentPlane

georeferences = st.builds(
    Georeference, st.floats(-85, 85), st.floats(-180, 180), st.floats(-360, 360)
)


@given(georeferences, st.lists(st.tuples(*[st.floats(-5e3, 5e3)] * 2), min_size=1, max_size=4))
def test_metres_survive_the_way_over_the_globe(
    georeference: Georeference, points: list[tuple[float, float]]
) -> None:
    plane = TangentPlane(georeference)
    degrees = plane.to_degrees(points)
    assert (np.abs(degrees) <= (180.0, 90.0)).all()
    np.testing.assert_allclose(plane.to_metres(degrees), points, rtol=0, atol=1e-5)


def test_a_second_of_arc_is_as_long_as_the_tables_say() -> None:
    # A degree at 48 N: 111.2 km to the north, 74.6 km to the east (WGS 84).
    plane = TangentPlane(Georeference(48.0, 11.0))
    x, y = plane.to_metres([[11.0 + 1 / 3600, 48.0 + 1 / 3600]])[0]
    assert x == pytest.approx(74_625 / 3600, rel=1e-3)
    assert y == pytest.approx(111_200 / 3600, rel=1e-3)


def test_a_turned_frame_has_its_x_axis_where_it_says() -> None:
    north = TangentPlane(Georeference(48.0, 11.0, rotation_deg=90.0))
    x, y = north.to_metres([[11.0, 48.001]])[0]
    assert x == pytest.approx(111.2, rel=1e-3)
    assert y == pytest.approx(0, abs=1e-6)


def test_distances_within_a_campus_are_true() -> None:
    plane = TangentPlane(Georeference(60.0, 25.0))
    a, b = plane.to_degrees([[900.0, 500.0], [1000.0, 500.0]])
    other = TangentPlane(Georeference(float(a[1]), float(a[0])))
    assert math.hypot(*other.to_metres([b])[0]) == pytest.approx(100.0, abs=1e-4)


@pytest.mark.parametrize(
    ("latitude", "longitude", "rotation"),
    [(90.0, 0.0, 0.0), (0.0, 181.0, 0.0), (math.nan, 0.0, 0.0), (0.0, 0.0, math.inf)],
)
def test_an_origin_that_is_nowhere_is_refused(
    latitude: float, longitude: float, rotation: float
) -> None:
    with pytest.raises(PlanError, match="georeference"):
        Georeference(latitude, longitude, rotation)
