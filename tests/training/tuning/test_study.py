from __future__ import annotations

from dataclasses import replace

import pytest
from optuna.trial import FrozenTrial, TrialState

from localizer.errors import ConfigError
from tests.training.tuning.studies import IDENTITY, new_study, run_here
from training.tuning.budget import read_points
from training.tuning.run import begin
from training.tuning.stops import Limits, best
from training.tuning.storage import open_storage
from training.tuning.stub import Stub
from training.tuning.study import (
    CODE,
    Identity,
    enqueue,
    fork_name,
    fork_study,
    join_study,
    open_study,
)

OTHER = replace(IDENTITY, data_hash="data 2")


def test_a_study_goes_on_with_what_it_began_with(place: str) -> None:
    new_study(place)
    study = open_study(open_storage(place), "study", IDENTITY, code_version="2")
    assert study.user_attrs[CODE] == ["1", "2"]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (OTHER, "data data 1 there, data 2 now"),
        (replace(IDENTITY, space_hash="space 2"), "space space 1 there, space 2 now"),
        (replace(IDENTITY, seed=3), "seed 0 there, 3 now"),
    ],
)
def test_other_data_and_another_space_are_refused_with_both_hashes(
    journal: str, other: Identity, words: str
) -> None:
    new_study(journal)
    with pytest.raises(ConfigError, match=rf"{words}; take another --study, or --fork"):
        new_study(journal, identity=other)


def test_a_fork_is_taught_by_the_old_trials_and_counts_none_of_them(journal: str) -> None:
    old = new_study(journal)
    begin(old, Limits(4))
    run_here(old, Stub(faults={"infeasible": 0.5}))
    new = fork_study(old, OTHER, code_version="1")
    assert new.study_name == fork_name("study", OTHER)
    assert [trial.values for trial in new.trials] == [trial.values for trial in old.trials]
    assert [trial.constraints for trial in new.trials] == [t.constraints for t in old.trials]
    assert best(read_points(new)) is None
    begin(new, Limits(3))
    assert run_here(new) == 3
    assert len(fork_study(old, OTHER, code_version="1").trials) == len(old.trials) + 3


def test_a_fork_takes_over_what_its_space_can_have(journal: str) -> None:
    old = new_study(journal)
    begin(old, Limits(4))
    run_here(old)

    def adopt(trial: FrozenTrial) -> FrozenTrial | None:
        return trial if trial.number % 2 else None

    assert len(fork_study(old, OTHER, code_version="1", adopt=adopt).trials) == 2


def test_a_worker_must_name_a_study_that_is_there(journal: str) -> None:
    new_study(journal)
    with pytest.raises(ConfigError, match=r"one of \['study'\], but got 'other'"):
        join_study(open_storage(journal), "other")


def test_experts_points_come_first_and_take_places_of_the_budget(place: str) -> None:
    study = new_study(place)
    limits = Limits(4)
    begin(study, limits)
    assert enqueue(study, [{"x": 0.25}, {"x": 0.5}], source="manual", limit=4) == 2
    assert enqueue(study, [{"x": 0.25}], source="manual", limit=4) == 0
    assert run_here(study) == 4
    trials = sorted(study.trials, key=lambda trial: trial.datetime_start or 0)
    assert [trial.params["x"] for trial in trials[:2]] == [0.25, 0.5]
    assert [trial.user_attrs["record"]["source"] for trial in trials] == [
        *["manual"] * 2,
        *["sampler"] * 2,
    ]


def test_a_point_needs_a_trial_of_the_budget(journal: str) -> None:
    study = new_study(journal)
    begin(study, Limits(2))
    run_here(study)
    with pytest.raises(ConfigError, match=r"all 2 are taken and 1 points are left; ask for more"):
        enqueue(study, [{"x": 0.5}], source="manual", limit=2)
    assert enqueue(study, [{"x": 0.5}], source="manual", limit=3) == 1
    assert [trial.state for trial in study.trials][2:] == [TrialState.WAITING]
