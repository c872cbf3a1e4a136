"""A fork with another space: old trials say there what they said before, or stay away."""

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from training.config import load_network
from training.tuning.forks import adoption
from training.tuning.parameters import AnyParameter, ChoiceParameter, FloatParameter
from training.tuning.search import spaces_of, write_space
from training.tuning.space import Space


def _space(*parameters: AnyParameter, version: int = 1) -> Space:
    return Space("mine", version, load_network("dnn"), parameters)


def _rate(low: float, high: float, *, log: bool = True) -> FloatParameter:
    return FloatParameter(name="learning_rate", low=low, high=high, log=log)


def _optimizers(*names: str) -> ChoiceParameter:
    return ChoiceParameter(name="optimizer", values=names, default=names[0])


OLD = _space(_rate(1e-4, 1e-1), _optimizers("adam", "sgd", "nadam"))


def _trial(rate: float, optimizer: str) -> FrozenTrial:
    params = OLD.stored_params({"learning_rate": rate, "optimizer": optimizer})
    return create_trial(
        state=TrialState.COMPLETE, value=3.0, params=params, distributions=OLD.stored()
    )


def test_a_choice_keeps_its_name_where_it_has_another_place() -> None:
    new = _space(_rate(1e-4, 1e-1), _optimizers("nadam", "adam"))
    adopted = adoption(OLD, new)(_trial(1e-3, "nadam"))
    assert adopted is not None
    assert adopted.params == new.stored_params({"learning_rate": 1e-3, "optimizer": "nadam"})
    assert adopted.value == 3.0
    assert adoption(OLD, new)(_trial(1e-3, "sgd")) is None


def test_what_the_new_space_has_otherwise_is_written_its_way() -> None:
    new = _space(_rate(1e-3, 1e-2, log=False))
    adopted = adoption(OLD, new)(_trial(5e-3, "sgd"))
    assert adopted is not None
    assert adopted.distributions == new.stored()
    assert adopted.params == {"learning_rate": 5e-3}
    assert adoption(OLD, new)(_trial(5e-2, "sgd")) is None
    assert adoption(OLD, _space(_optimizers("rmsprop")))(_trial(5e-3, "sgd")) is None


@pytest.mark.parametrize("version", [1, 5])
def test_a_space_of_any_version_stands_once_however_often_it_is_opened(version: int) -> None:
    study = optuna.create_study()
    first = _space(_rate(1e-4, 1e-1), version=version)
    write_space(study, first)
    write_space(study, _space(_rate(1e-3, 1e-1), version=version + 1))
    write_space(study, first)
    assert [one.version for one in spaces_of(study.user_attrs)] == [version, version + 1]
