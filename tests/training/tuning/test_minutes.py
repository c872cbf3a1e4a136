"""The time that a study is given: opening the survey and the finals are within it."""

import pytest

from training.tuning.minutes import search_seconds, shortest_finals, whole_time


@pytest.mark.parametrize(
    ("elapsed_s", "finals_s", "seconds"),
    [
        (0, 50, 180),
        (0, 0, 300),
        (100, 50, 120),
        (100, 0, 200),
        (0, 150, 150),  # slow finals take more than their share
        (290, 50, 120),  # two fifths of the time at least, whatever went before
        (900, 50, 120),
        (0, 900, 120),
    ],
)
def test_the_search_has_its_share_of_what_is_left(
    elapsed_s: float, finals_s: float, seconds: float
) -> None:
    assert search_seconds(5, elapsed_s, finals_s) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("times", "epochs", "seconds"),
    [
        ([10, 13, 13.1, 13.2, 13.3, 15], 100, 14.6),  # 3 s of tracing, 2 s of converting
        ([10, 13, 13, 13.3, 13.3, 15], 100, 14.6),  # told of two at a time
        ([10, 13, 15], 1, 5),
    ],
)
def test_the_first_epoch_is_not_taken_for_all_of_them(
    times: list[float], epochs: int, seconds: float
) -> None:
    assert whole_time(times, epochs) == pytest.approx(seconds)


def test_the_shortest_finals_are_of_two_networks_on_few_seeds_and_the_simple_methods() -> None:
    assert shortest_finals(5, 16, 2, fit_s=2, simple_s=16) == 24 * 2 * 2 + 16
    assert shortest_finals(5, 1, 2, fit_s=2, simple_s=16) == 6 * 2 * 2 + 16
    assert shortest_finals(5, 16, 64, fit_s=2, simple_s=16) == 2 * 2 + 16
