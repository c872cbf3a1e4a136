"""The time that a study is given: opening the survey and the finals are within it."""

import pytest

from training.tuning.tune import search_seconds


@pytest.mark.parametrize(
    ("minutes", "elapsed_s", "finals", "seconds"),
    [
        (5, 0, True, 180),
        (5, 0, False, 300),
        (5, 100, True, 120),
        (5, 100, False, 200),
        (5, 290, True, 60),  # a fifth of the time at least, whatever went before
        (5, 900, True, 60),
    ],
)
def test_the_search_has_its_share_of_what_is_left(
    minutes: float, elapsed_s: float, finals: bool, seconds: float
) -> None:
    assert search_seconds(minutes, elapsed_s, finals=finals) == pytest.approx(seconds)
