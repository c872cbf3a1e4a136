"""The time that a study is given: opening the survey and the finals are within it."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from training.config import load_network
from training.tuning import minutes
from training.tuning.finalists import Candidate
from training.tuning.minutes import LEAST_SEEDS, Time, fitting, search_seconds
from training.tuning.tune import Study

FIT_S, SIMPLE_S = 1.0, 10.0


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
    ("left_s", "networks", "seeds"),
    [
        (None, 6, 16),
        (200, 6, 16),  # 6 networks, 16 seeds, 2 folds and all of them, 2 processes: 144 s
        (100, 6, 9),  # the simple methods' 10 s are none of the networks'
        (40, 4, LEAST_SEEDS),
        (0, 2, LEAST_SEEDS),
    ],
)
def test_finals_have_as_many_seeds_and_networks_as_there_is_time_for(
    left_s: float | None, networks: int, seeds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minutes, "_seconds_of_a_fit", lambda *_: FIT_S)
    study = cast(Study, SimpleNamespace(rows=SimpleNamespace(folds=(1, 2)), simple_s=SIMPLE_S))
    candidates = [Candidate(load_network("dnn"), number, 100) for number in range(6)]
    chosen, drawn = fitting(cast(Any, None), study, candidates, 16, Time(left_s, 2))
    assert (len(chosen), drawn) == (networks, seeds)
