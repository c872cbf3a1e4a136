import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localizer.errors import SurveyError
from localizer.site import Position
from localizer.survey import Waypoint
from localizer.survey.walked_path import STAND_SD_M, TAP_SD_S, WalkedPath
from localizer.surveying.pacing import pace_sd_m
from tests.survey.recorded import S


def _path(*waypoints: tuple[float, float, float, str]) -> WalkedPath:
    return WalkedPath(
        [Waypoint(round(t * S), Position(x, y, floor)) for t, x, y, floor in waypoints]
    )


def test_places_lie_on_the_line_at_a_steady_pace() -> None:
    path = _path((10, 0, 0, "1"), (20, 10, 0, "1"), (24, 10, 2, "1"))
    place = path.at(15 * S, window_s=3.0)
    assert place is not None
    assert place.position == Position(5.0, 0.0, "1")
    assert place.sd_m == pytest.approx(
        math.sqrt(STAND_SD_M**2 + TAP_SD_S**2 + pace_sd_m(1.0, 5.0, 5.0) ** 2 + 9 / 12)
    )
    slower = path.at(22 * S, window_s=3.0)
    assert slower is not None
    assert slower.position == Position(10.0, 1.0, "1")
    assert slower.sd_m < place.sd_m


def test_the_middle_of_a_leg_is_less_sure_than_its_ends() -> None:
    path = _path((0, 0, 0, "1"), (20, 20, 0, "1"))
    places = [path.at(second * S, window_s=3.0) for second in (1, 5, 10, 15, 19)]
    sds = [0.0 if place is None else place.sd_m for place in places]
    assert sds[0] < sds[1] < sds[2]
    assert sds == pytest.approx(sds[::-1])


def test_nowhere_before_after_and_on_the_stairs() -> None:
    path = _path((10, 0, 0, "1"), (20, 10, 0, "1"), (30, 10, 0, "2"), (40, 0, 0, "2"))
    places = [path.at(second * S, window_s=3.0) for second in (9, 10, 20, 25, 30, 40, 41)]
    floors = [None if place is None else place.position.floor for place in places]
    assert floors == [None, "1", None, None, "2", "2", None]


def test_no_walk_without_two_waypoints() -> None:
    assert _path().at(0, window_s=1.0) is None
    assert _path((10, 0, 0, "1")).at(10 * S, window_s=1.0) is None


def test_two_taps_at_once_are_no_infinite_speed() -> None:
    path = _path((10, 0, 0, "1"), (10, 9, 0, "1"), (20, 9, 5, "1"))
    place = path.at(10 * S, window_s=3.0)
    assert place is not None
    assert place.position == Position(9.0, 0.0, "1")
    assert math.isfinite(place.sd_m)


def test_time_must_not_run_back() -> None:
    with pytest.raises(SurveyError, match="order of time"):
        _path((10, 0, 0, "1"), (9, 1, 0, "1"))


@given(
    st.lists(
        st.tuples(st.integers(0, 100), st.floats(-50, 50), st.floats(-50, 50)),
        min_size=2,
        max_size=6,
    ),
    st.integers(0, 100 * S),
)
def test_a_place_lies_between_its_neighbours(
    taps: list[tuple[int, float, float]], time_ns: int
) -> None:
    taps.sort(key=lambda tap: tap[0])
    place = _path(*((t, x, y, "1") for t, x, y in taps)).at(time_ns, window_s=3.0)
    assert (place is None) == (not taps[0][0] * S <= time_ns <= taps[-1][0] * S)
    if place is not None:
        assert place.sd_m >= STAND_SD_M
        for axis, value in ((1, place.position.x_m), (2, place.position.y_m)):
            values = [tap[axis] for tap in taps]
            assert min(values) - 1e-9 <= value <= max(values) + 1e-9
