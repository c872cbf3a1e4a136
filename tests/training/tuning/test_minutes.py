"""The time that a study is given: opening the survey and the finals are within it."""

import pytest

from training.tuning.minutes import search_seconds, whole_time


@pytest.mark.parametrize(
    ("elapsed_s", "finals_s", "seconds"),
    [
        (0, 50, 180),
        (0, 0, 300),
        (100, 50, 120),
        (100, 0, 200),
        (0, 200, 100),  # slow finals take more than their share
        (290, 50, 60),  # a fifth of the time at least, whatever went before
        (900, 50, 60),
        (0, 900, 60),
    ],
)
def test_the_search_has_its_share_of_what_is_left(
    elapsed_s: float, finals_s: float, seconds: float
) -> None:
    assert search_seconds(5, elapsed_s, finals_s) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("times", "epochs", "seconds"),
    [
        ([10, 13, 13.1, 13.2, 13.3], 100, 12.9),  # 3 s of tracing, and 99 epochs of 0.1 s
        ([10, 13, 13.1, 18, 18.1], 100, 12.9),  # another program had the core for a moment
        ([10, 13], 1, 3),
    ],
)
def test_the_first_epoch_is_not_taken_for_all_of_them(
    times: list[float], epochs: int, seconds: float
) -> None:
    assert whole_time(times, epochs) == pytest.approx(seconds)
