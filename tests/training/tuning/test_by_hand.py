import math
from typing import Any

import pytest

from training.tuning.by_hand import beside_by_hand
from training.tuning.trials import Training, TrialRecord


def trial(number: int, source: Any, error_m: float, seconds: float) -> TrialRecord:
    training = Training(0, 0, 10, 9, error_m, error_m, {})
    return TrialRecord(number, {}, "ok", source=source, trainings=(training,), seconds=seconds)


def test_both_have_the_time_that_the_person_took() -> None:
    records = [
        trial(0, "default", 1.0, 5.0),
        trial(1, "manual", 4.0, 3.0),
        trial(2, "manual", 3.5, 3.0),
        trial(3, "sampler", 3.8, 2.0),
        trial(4, "rule", 3.6, 4.0),
        trial(5, "sampler", 2.0, 2.0),
    ]
    hand, equal, whole = beside_by_hand(reversed(records))
    assert (hand.trials, hand.seconds, hand.best_m, hand.trial) == (2, 6.0, 3.5, 2)
    assert (equal.trials, equal.seconds, equal.best_m, equal.trial) == (2, 6.0, 3.6, 4)
    assert (whole.trials, whole.seconds, whole.best_m, whole.trial) == (3, 8.0, 2.0, 5)


def test_without_a_person_there_is_nothing_to_compare() -> None:
    assert beside_by_hand([trial(0, "default", 1.0, 1.0), trial(1, "sampler", 1.0, 1.0)]) == ()


@pytest.mark.parametrize("verdict", ["crashed", "stopped"])
def test_a_trial_that_did_not_finish_is_counted_and_has_no_error(verdict: Any) -> None:
    hand, equal, _ = beside_by_hand([TrialRecord(0, {}, verdict, source="manual", seconds=2.0)])
    assert (hand.trials, hand.trial, equal.trials) == (1, None, 0)
    assert math.isnan(hand.best_m)
