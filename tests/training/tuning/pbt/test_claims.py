"""A population is claimed whole or not at all, whoever else is at it."""

import optuna
import pytest
from optuna.trial import TrialState

from tests.training.tuning.studies import new_study
from training.tuning.budget import Claim, read_points, take, top_up, write_copies
from training.tuning.leases import give_back
from training.tuning.pbt.cast import cast_of
from training.tuning.pbt.claims import claim_population
from training.tuning.run import begin
from training.tuning.stops import Limits
from training.tuning.verdicts import lose


def _begun(place: str, trials: int) -> optuna.Study:
    study = new_study(place)
    begin(study, Limits(trials))
    return study


def _claim(study: optuna.Study, limit: int, size: int = 4) -> list[Claim]:
    known = read_points(study)[:limit]
    return claim_population(study, known, size=size, limit=limit, seed=0)


def _numbers(claims: list[Claim]) -> list[int]:
    return [one.number for one in claims]


def test_each_worker_has_a_population_of_its_own_and_the_last_one_what_is_left(place: str) -> None:
    study = _begun(place, 10)
    found = [_numbers(_claim(study, 10)) for _ in range(4)]
    assert found == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], []]


def test_a_population_that_is_not_all_written_waits(journal: str) -> None:
    study = new_study(journal)
    top_up(study, read_points(study), 8, most=3)
    assert _claim(study, 8) == []
    assert {one.state for one in study.trials} == {TrialState.WAITING}
    top_up(study, read_points(study), 8)
    assert _numbers(_claim(study, 8)) == [0, 1, 2, 3]


def test_a_population_with_a_member_that_runs_is_another_workers(journal: str) -> None:
    study = _begun(journal, 8)
    take(study, study.trials[2])
    assert _numbers(_claim(study, 8)) == [4, 5, 6, 7]


def test_who_comes_too_late_for_a_member_gives_the_others_back(journal: str) -> None:
    study = _begun(journal, 4)
    known = read_points(study)
    take(study, known[2].last)  # after the other has looked
    assert claim_population(study, known, size=4, limit=4, seed=0) == []
    states = [one.state for one in study.trials]
    assert states == [TrialState.RUNNING if i == 2 else TrialState.WAITING for i in range(4)]
    give_back(study, known[2].last._trial_id)
    assert len(_claim(study, 4)) == 4


def test_a_population_that_lost_its_worker_begins_again_together_with_its_seeds(
    journal: str,
) -> None:
    study = _begun(journal, 8)
    first = _claim(study, 8)
    for one in first[:3]:
        lose(study, one.trial_id, "worker lost", "gone")
    # The fourth is still thought to run, and some copies are not written.
    assert _numbers(_claim(study, 8)) == [4, 5, 6, 7]
    lose(study, first[3].trial_id, "worker lost", "gone")
    assert _claim(study, 8) == []
    write_copies(study, read_points(study))
    again = _claim(study, 8)
    assert [one.seed for one in again] == [one.seed for one in first]
    assert [one.attempt for one in again] == [2] * 4
    seeds = {cast_of(read_points(study), one.number, 4).seed(3) for one in [*first, *again]}
    assert len(seeds) == 1


def test_what_has_ended_stays_as_it_is(journal: str) -> None:
    study = _begun(journal, 4)
    first = _claim(study, 4)
    study.tell(first[0].number, 1.0)
    for one in first[1:]:
        give_back(study, one.trial_id)
    assert _numbers(_claim(study, 4)) == [1, 2, 3]


def test_a_larger_budget_completes_the_last_population(journal: str) -> None:
    study = _begun(journal, 6)
    for one in [*_claim(study, 6), *_claim(study, 6)]:
        study.tell(one.number, 1.0)
    begin(study, Limits(8))
    assert _numbers(_claim(study, 8)) == [6, 7]
    assert cast_of(read_points(study), 7, 4).number == 1


@pytest.mark.parametrize("size", [4, 16, 32])
def test_a_study_holds_enough_waiting_trials_for_any_population(journal: str, size: int) -> None:
    study = _begun(journal, 100)
    claimed = 0
    while claims := _claim(study, 100, size):
        claimed += len(claims)
        top_up(study, read_points(study), 100)
    assert claimed == 100
