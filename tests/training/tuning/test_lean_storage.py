"""Trials as one statement reads them are those that Optuna reads."""

import math
from typing import cast

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from training.tuning.lean_storage import LeanStorage
from training.tuning.storage import open_storage

SHAPES = {
    "rate": FloatDistribution(1e-7, 1.0, log=True),
    "dropout": FloatDistribution(0.0, 1.0),
    "units": IntDistribution(1, 2**40),
    "activation": CategoricalDistribution(["relu", "geglü", None, 3.5]),
}
PARAMS = {"rate": 0.1 + 0.2, "dropout": 1.0, "units": 2**40 - 1, "activation": "geglü"}
ATTRS = {"config": {"ä": [1, None, 1e-300]}, "lease": "me 7"}
REPORTED = {1: math.nan, 3: math.inf, 9: -math.inf, 27: 0.1}
TRIALS = [
    create_trial(state=TrialState.WAITING),
    create_trial(state=TrialState.WAITING, user_attrs=ATTRS),
    create_trial(state=TrialState.WAITING, user_attrs={"error": math.nan}),
    create_trial(state=TrialState.WAITING, user_attrs=ATTRS, system_attrs={"fixed": PARAMS}),
    create_trial(state=TrialState.RUNNING, params=PARAMS, distributions=SHAPES),
    *(
        create_trial(
            state=TrialState.COMPLETE,
            value=value,
            params=PARAMS,
            distributions=SHAPES,
            intermediate_values=REPORTED,
        )
        for value in (0.1 + 0.2, 5e-324, math.inf, -math.inf)
    ),
    create_trial(state=TrialState.PRUNED, value=3.0, intermediate_values={1: 3.0}),
    create_trial(state=TrialState.FAIL, system_attrs={"why": "crashed"}),
]


def _lean(study: optuna.Study) -> LeanStorage:
    cached = cast(_CachedStorage, study._storage._backend)  # type: ignore[attr-defined]
    assert isinstance(cached._backend, LeanStorage)
    return cached._backend


def _both(
    study: optuna.Study, included: set[int], above: int
) -> tuple[list[FrozenTrial], list[FrozenTrial]]:
    lean, asked = _lean(study), (study._study_id, None, included, above)
    return lean._get_trials(*asked), RDBStorage._get_trials(lean, *asked)


def test_every_kind_of_trial_is_read_as_optuna_reads_it(database: str) -> None:
    study = optuna.create_study(storage=open_storage(database), study_name="all kinds")
    study.add_trials(TRIALS)
    ids = [trial._trial_id for trial in study.trials]
    for included, above in ((set(), -1), (set(ids[:3]), ids[5]), (set(), ids[4]), (set(), ids[-1])):
        ours, optunas = _both(study, included, above)
        assert len(ours) == len([i for i in ids if i in included or i > above])
        assert [repr(one) for one in ours] == [repr(one) for one in optunas]
    lean = _lean(study)
    for trial_id in ids:
        assert repr(lean.get_trial(trial_id)) == repr(RDBStorage.get_trial(lean, trial_id))
    with pytest.raises(KeyError):
        lean.get_trial(max(ids) + 1)


def test_other_studies_are_not_read_and_one_that_is_gone_is_missed(database: str) -> None:
    storage = open_storage(database)
    study = optuna.create_study(storage=storage, study_name="one")
    other = optuna.create_study(storage=storage, study_name="other")
    other.add_trials(TRIALS)
    assert _both(study, set(), -1) == ([], [])
    optuna.delete_study(study_name="one", storage=storage)
    with pytest.raises(KeyError):
        _both(study, set(), -1)
