from __future__ import annotations

import math

import pytest
from optuna.trial import TrialState

from tests.training.tuning.studies import new_study
from training.tuning.budget import claim, read_points, top_up
from training.tuning.trials import Training, TrialRecord, Verdict
from training.tuning.verdicts import judged, lose, reason_of, record_of, tell, verdict_of

TRAINED = (Training(0, 0, 10, 9, 2.0, 1.0, {9: 2.0}),)


@pytest.mark.parametrize(
    ("verdict", "state", "constrained"),
    [
        ("ok", TrialState.COMPLETE, False),
        ("stopped", TrialState.PRUNED, False),
        ("infeasible", TrialState.PRUNED, True),
        ("dead output", TrialState.PRUNED, True),
        ("diverged", TrialState.PRUNED, True),
        ("crashed", TrialState.FAIL, False),
        ("timed out", TrialState.FAIL, False),
    ],
)
def test_each_verdict_is_told_so_that_samplers_learn_from_it(
    journal: str, verdict: Verdict, state: TrialState, constrained: bool
) -> None:
    study = new_study(journal)
    top_up(study, [], 1)
    (claimed,) = claim(study, read_points(study), most=1, seed=0)
    assert tell(study, claimed.trial_id, TrialRecord(0, {}, verdict, "why", trainings=TRAINED))
    (trial,) = study.trials
    assert trial.state == state
    assert trial.value == (2.0 if verdict == "ok" else None)
    assert bool(trial.constraints) == constrained
    assert (verdict_of(trial), reason_of(trial)) == (verdict, "why")
    assert record_of(trial).trainings == TRAINED


def test_ok_must_have_an_error_that_is_a_number() -> None:
    bad = Training(0, 0, 10, 9, math.nan, 1.0, {})
    assert judged(TrialRecord(0, {}, "ok")).verdict == "crashed"
    assert judged(TrialRecord(0, {}, "ok", trainings=(bad,))).verdict == "diverged"
    assert judged(TrialRecord(0, {}, "ok", trainings=TRAINED)).verdict == "ok"


def test_what_stopped_has_the_error_of_its_last_rung(journal: str) -> None:
    study = new_study(journal)
    top_up(study, [], 1)
    (claimed,) = claim(study, read_points(study), most=1, seed=0)
    for epochs, error in ((1, 5.0), (3, 4.0)):
        study._storage.set_trial_intermediate_value(claimed.trial_id, epochs, error)
    tell(study, claimed.trial_id, TrialRecord(0, {}, "stopped", "not among the best"))
    assert study.trials[0].value == 4.0


def test_a_late_result_is_dropped_and_one_told_twice_is_not_late(place: str) -> None:
    study = new_study(place)
    top_up(study, [], 2)
    lost, kept = claim(study, read_points(study), most=2, seed=0)
    record = TrialRecord(0, {}, "ok", trainings=TRAINED, worker="w")
    assert lose(study, lost.trial_id, "worker lost", "no sign of life")
    assert not tell(study, lost.trial_id, record)
    # The storage went away in the middle of the first call, after it had been done.
    assert tell(study, kept.trial_id, record)
    assert tell(study, kept.trial_id, record)
    assert [verdict_of(trial) for trial in study.trials] == ["worker lost", "ok"]


def test_the_state_decides_between_two_that_spoke_at_once(journal: str) -> None:
    study = new_study(journal)
    top_up(study, [], 2)
    one, other = claim(study, read_points(study), most=2, seed=0)
    storage = study._storage
    record = TrialRecord(0, {}, "ok", trainings=TRAINED).to_json()
    for trial_id in (one.trial_id, other.trial_id):
        storage.set_trial_user_attr(trial_id, "record", record)
        storage.set_trial_user_attr(trial_id, "lost", {"verdict": "timed out", "reason": "slow"})
    storage.set_trial_state_values(one.trial_id, TrialState.FAIL)
    storage.set_trial_state_values(other.trial_id, TrialState.COMPLETE, [2.0])
    assert [verdict_of(trial) for trial in study.trials] == ["timed out", "ok"]
    assert reason_of(study.trials[0]) == "slow"
    assert record_of(study.trials[0]).trainings == ()
