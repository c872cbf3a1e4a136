from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import optuna
import pytest
from optuna.trial import TrialState

from tests.training.tuning.studies import new_study, run_here
from training.tuning.budget import (
    RETRIES,
    RETRIES_LOST,
    WINDOW,
    claim,
    read_points,
    seed_of,
    take,
    top_up,
    within,
    write_copies,
)
from training.tuning.run import begin
from training.tuning.stops import Limits
from training.tuning.trials import Verdict
from training.tuning.verdicts import lose


def _lose_next(study: optuna.Study, verdict: Verdict) -> None:
    claimed = claim(study, read_points(study), most=1, seed=0)[0]
    assert lose(study, claimed.trial_id, verdict, "on purpose")
    write_copies(study, read_points(study))


def test_one_claim_of_many_is_granted(place: str) -> None:
    study = new_study(place)
    top_up(study, [], 3)
    studies = [new_study(place) for _ in range(4)]

    def claim_all(mine: optuna.Study) -> list[int]:
        known = read_points(mine)
        return [point.last.number for point in known if take(mine, point.last)]

    with ThreadPoolExecutor(4) as pool:
        taken = [number for numbers in pool.map(claim_all, studies) for number in numbers]
    assert sorted(taken) == [0, 1, 2]


def test_a_trial_ends_for_one_caller_only(place: str) -> None:
    study = new_study(place)
    top_up(study, [], 1)
    (claimed,) = claim(study, read_points(study), most=1, seed=0)
    others = [new_study(place) for _ in range(3)]
    assert [lose(one, claimed.trial_id, "worker lost", "gone") for one in others].count(True) == 1


def test_the_number_of_trials_is_exact_and_more_may_be_asked_for_later(place: str) -> None:
    study = new_study(place)
    begin(study, Limits(5))
    assert run_here(study, batch=2) == 5
    begin(study, Limits(5))
    assert run_here(study) == 0
    begin(study, Limits(9))
    assert run_here(study) == 4
    assert Counter(trial.state for trial in study.trials) == {TrialState.COMPLETE: 9}


def test_who_writes_at_once_writes_too_many_and_none_is_claimed_beyond_the_limit(
    journal: str,
) -> None:
    study = new_study(journal)
    stale = read_points(study)
    assert [top_up(study, stale, 4), top_up(study, stale, 4)] == [4, 4]
    known = read_points(study)
    assert len(claim(study, within(known, 4), most=99, seed=0)) == 4
    assert top_up(study, known, 4) == 0
    assert len(claim(study, within(read_points(study), 6), most=99, seed=0)) == 2


def test_few_trials_wait_at_any_time(journal: str) -> None:
    study = new_study(journal)
    assert top_up(study, [], 1000) == WINDOW
    assert top_up(study, read_points(study), 1000) == 0
    claim(study, read_points(study), most=10, seed=0)
    assert top_up(study, read_points(study), 1000, most=3) == 3


def test_a_copy_has_the_parameters_and_the_seed_and_is_taken_alone(journal: str) -> None:
    study = new_study(journal)
    top_up(study, [], 3)
    first, _ = claim(study, read_points(study), most=2, seed=7)
    x = optuna.Trial(study, first.trial_id).suggest_float("x", 0, 1)
    lose(study, first.trial_id, "crashed", "on purpose")
    # Two who see it at once both write a copy; all read the first one.
    known = read_points(study)
    assert [write_copies(study, known), write_copies(study, known)] == [1, 1]
    (copy,) = claim(study, read_points(study), most=9, seed=7)
    assert (copy.seed, copy.attempt) == (first.seed, 2)
    assert optuna.Trial(study, copy.trial_id).suggest_float("x", 0, 1) == x
    assert [one.attempt for one in claim(study, read_points(study), most=9, seed=7)] == [1]


@pytest.mark.parametrize(("verdict", "retries"), [("crashed", RETRIES), ("timed out", RETRIES)])
def test_what_fails_comes_back_twice(journal: str, verdict: Verdict, retries: int) -> None:
    study = new_study(journal)
    top_up(study, [], 1)
    for _ in range(1 + retries):
        assert not read_points(study)[0].ended
        _lose_next(study, verdict)
    (point,) = read_points(study)
    assert (point.failed, point.verdict, len(point.attempts)) == (True, verdict, 1 + retries)
    assert claim(study, read_points(study), most=1, seed=0) == []


def test_a_lost_worker_is_not_held_against_a_trial_for_long(journal: str) -> None:
    study = new_study(journal)
    top_up(study, [], 1)
    _lose_next(study, "crashed")
    for _ in range(RETRIES_LOST):
        _lose_next(study, "worker lost")
    assert not read_points(study)[0].failed
    _lose_next(study, "worker lost")
    assert read_points(study)[0].failed


def test_seeds_differ_by_study_and_point() -> None:
    assert len({seed_of(study, number) for study in range(20) for number in range(50)}) == 1000
