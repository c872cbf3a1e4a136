from hypothesis import given
from hypothesis import strategies as st

from localizer.surveying.pacing import pace_sd_m

seconds = st.floats(0, 1e4)


@given(st.floats(0, 3), seconds, seconds)
def test_it_is_nothing_at_a_tap_and_alike_from_both_ends(
    speed: float, since: float, until: float
) -> None:
    assert pace_sd_m(speed, 0.0, until) == pace_sd_m(speed, since, 0.0) == 0.0
    assert pace_sd_m(speed, since, until) == pace_sd_m(speed, until, since)


@given(st.floats(0, 3), seconds, seconds)
def test_it_grows_with_the_distance_to_the_nearer_tap_and_with_speed(
    speed: float, a: float, b: float
) -> None:
    near, far = sorted((a, b))
    assert pace_sd_m(speed, near, 2e4) <= pace_sd_m(speed, far, 2e4)
    assert pace_sd_m(speed / 2, near, 2e4) <= pace_sd_m(speed, near, 2e4)


def test_standing_still_adds_nothing() -> None:
    assert pace_sd_m(0.0, 50.0, 50.0) == 0.0


def test_the_middle_of_a_leg_of_20_m_is_off_by_a_metre_and_a_half() -> None:
    assert round(pace_sd_m(1.25, 8.0, 8.0), 3) == 1.5
