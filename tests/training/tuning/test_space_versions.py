import dataclasses

import optuna
import pytest

from localizer.errors import ConfigError
from training.config import load_network
from training.tuning.parameters import ChoiceParameter, FloatParameter
from training.tuning.space import Space

RATE = FloatParameter(name="learning_rate", low=1e-4, high=1e-1, log=True)
BATCH = ChoiceParameter(name="batch_size", values=(20, 50, 100))
SPACE = Space("t", 1, load_network("dnn"), (RATE, BATCH))


def test_the_hash_is_of_the_content() -> None:
    same = Space("t", 1, load_network("dnn"), (RATE, BATCH))
    assert same.sha256 == SPACE.sha256
    changes = (
        dataclasses.replace(SPACE, version=2),
        dataclasses.replace(SPACE, base=load_network("paper-dnn")),
        dataclasses.replace(SPACE, parameters=(RATE,)),
        SPACE.narrowed("learning_rate", high=0.05),
    )
    assert len({SPACE.sha256, *(change.sha256 for change in changes)}) == 5


def test_a_range_is_narrowed_inside_itself_only() -> None:
    space = SPACE.narrowed("learning_rate", high=0.01)
    assert space.version == 2
    assert space.named("learning_rate").ends() == (1e-4, 0.01)
    with pytest.raises(ConfigError, match=r"low <= high <= 0\.01"):
        space.narrowed("learning_rate", high=0.05)
    with pytest.raises(ConfigError, match="'rate'"):
        space.narrowed("rate", high=0.05)


def test_a_default_outside_a_narrowed_range_is_its_nearest_end() -> None:
    space = SPACE.narrowed("learning_rate", low=0.01)
    assert space.default_point()["learning_rate"] == 0.01


def test_choices_keep_their_numbers_through_every_version() -> None:
    smaller = SPACE.narrowed("batch_size", values=[50, 100])
    larger = smaller.extended(ChoiceParameter(name="batch_size", values=(32, 50, 100, 512)))
    assert larger.version == 3
    for space in (SPACE, smaller, larger):
        assert space.params_for_enqueue({"batch_size": 100}) == {"batch_size": 2}
    assert larger.params_for_enqueue({"batch_size": 512}) == {"batch_size": 4}
    assert larger.point({"batch_size": 0})["batch_size"] == 20, "old trials stay what they were"
    with pytest.raises(ConfigError, match="one of"):
        larger.params_for_enqueue({"batch_size": 20})


def test_numbers_are_narrowed_by_their_ends_as_well() -> None:
    space = SPACE.narrowed("batch_size", low=50)
    assert space.named("batch_size").candidates() == (50, 100)


def test_a_sampler_is_shown_ranks_of_numbers_and_categories_of_names() -> None:
    numbers = SPACE.narrowed("batch_size", low=50).named("batch_size")
    assert numbers.seen() == optuna.distributions.IntDistribution(0, 1)
    assert [numbers.to_seen(stored) for stored in (0, 1, 2)] == [None, 0, 1]
    assert [numbers.from_seen(shown) for shown in (0, 1)] == [1, 2]
    names = ChoiceParameter(name="loss", values=("mse", "euclid"), known=("huber", "mse", "euclid"))
    assert names.seen() == optuna.distributions.CategoricalDistribution([1, 2])
    assert [names.to_seen(stored) for stored in (0, 1, 2)] == [None, 1, 2]


def test_a_new_parameter_counts_as_its_default_in_old_trials() -> None:
    switch = ChoiceParameter(name="use_l2", sets="nothing", values=(False, True), default=False)
    l2 = FloatParameter(
        name="l2", low=1e-8, high=1e-2, log=True, default=1e-4, when={"use_l2": (True,)}
    )
    space = SPACE.extended(switch).extended(l2)
    assert space.version == 3
    old = space.point({"learning_rate": 0.01, "batch_size": 1})
    assert old == {"learning_rate": 0.01, "batch_size": 50, "use_l2": False}
    assert space.config(old, name="old").l2 == 0.0
    on = {**old, "use_l2": True, "l2": 0.001}
    assert space.config(on, name="on").l2 == 0.001


def test_an_extension_holds_what_was_there() -> None:
    wider = dataclasses.replace(RATE, low=1e-5)
    assert SPACE.extended(wider).named("learning_rate").ends() == (1e-5, 1e-1)
    with pytest.raises(ConfigError, match=r"`low <= 0\.0001`"):
        SPACE.extended(dataclasses.replace(RATE, low=0.001))
    with pytest.raises(ConfigError, match="same kind"):
        SPACE.extended(dataclasses.replace(RATE, log=False))
    with pytest.raises(ConfigError, match="every present value"):
        SPACE.extended(dataclasses.replace(BATCH, values=(20, 50)))


def test_old_and_new_trials_live_in_one_study() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    spaces = [
        SPACE,
        SPACE.narrowed("learning_rate", high=0.01),
        SPACE.extended(dataclasses.replace(BATCH, values=(20, 50, 100, 512))),
    ]
    for space in spaces:
        for _ in range(5):
            space.suggest(trial := study.ask())
            study.tell(trial, 1.0)
    assert len(study.trials) == 15
