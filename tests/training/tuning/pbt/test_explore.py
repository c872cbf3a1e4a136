import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localizer.errors import ConfigError
from training.config import load_network
from training.tuning.parameters import ChoiceParameter, FloatParameter
from training.tuning.pbt.explore import FACTORS, RESAMPLED, changing, explored, refuse_unchanging
from training.tuning.space import Space
from training.tuning.space_files import SPACES, load_space

RATE = FloatParameter(name="learning_rate", low=1e-4, high=1e-1, log=True)
BETA = FloatParameter(name="beta1", low=0.7, high=0.99, log=True, complement=True)
MOMENTUM = FloatParameter(name="momentum", low=0.0, high=0.99)
DROPOUT = FloatParameter(name="dropout", low=0.0, high=0.5, step=0.05)
RANGES = {one.name: one for one in (RATE, BETA, MOMENTUM, DROPOUT)}


@given(
    rate=st.floats(1e-4, 1e-1),
    beta=st.floats(0.7, 0.99),
    momentum=st.floats(0.001, 0.99),
    dropout=st.sampled_from(DROPOUT.candidates()[1:]),
    seed=st.integers(0, 2**32),
)
def test_what_is_explored_is_inside_its_range_and_above_zero(
    rate: float, beta: float, momentum: float, dropout: float, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    values = {"learning_rate": rate, "beta1": beta, "momentum": momentum, "dropout": dropout}
    for _ in range(20):
        values = explored(RANGES, values, draw)
        for name, value in values.items():
            RANGES[name].refuse(value)
            assert value > 0
        assert any(abs(values["dropout"] - one) < 1e-9 for one in DROPOUT.candidates())


def test_a_setting_is_multiplied_or_drawn_anew() -> None:
    draw = np.random.default_rng(0)
    found = [explored({"learning_rate": RATE}, {"learning_rate": 0.005}, draw) for _ in range(4000)]
    rates = np.array([one["learning_rate"] for one in found])
    shares = [float(np.isclose(rates, 0.005 * factor).mean()) for factor in FACTORS]
    assert shares == pytest.approx([(1 - RESAMPLED) / 2] * 2, abs=0.03)
    anew = rates[~np.isclose(rates, 0.004) & ~np.isclose(rates, 0.006)]
    # Evenly in the logarithm: a third of them in each decade.
    assert np.histogram(np.log10(anew), [-4, -3, -2, -1])[0] / len(anew) == pytest.approx(
        [1 / 3] * 3, abs=0.05
    )


def test_of_a_beta_its_distance_from_one_is_multiplied() -> None:
    draw = np.random.default_rng(1)
    found = {round(explored({"beta1": BETA}, {"beta1": 0.9}, draw)["beta1"], 9) for _ in range(60)}
    assert {0.92, 0.88} <= found


def test_a_step_is_always_left() -> None:
    draw = np.random.default_rng(2)
    low, high = DROPOUT.candidates()[1], DROPOUT.candidates()[-1]
    near = {explored({"dropout": DROPOUT}, {"dropout": low}, draw)["dropout"] for _ in range(60)}
    far = {explored({"dropout": DROPOUT}, {"dropout": high}, draw)["dropout"] for _ in range(60)}
    assert 0.1 in near
    assert 0.4 in far


def test_what_is_off_stays_off() -> None:
    draw = np.random.default_rng(3)
    for _ in range(40):
        assert explored({"dropout": DROPOUT}, {"dropout": 0.0}, draw) == {"dropout": 0.0}


def test_numbers_that_a_network_may_change_while_it_trains_are_explored() -> None:
    space = load_space("automl")
    names = {one.name for one in changing(space)}
    assert {"learning_rate", "beta1", "rho", "weight_decay", "momentum", "l2", "dropout"} <= names
    assert names.isdisjoint({"huber_delta", "layers", "units_1", "batch_size", "optimizer"})


@pytest.mark.parametrize("name", SPACES)
def test_every_space_says_what_a_population_explores(name: str) -> None:
    space = load_space(name)
    assert changing(space)
    refuse_unchanging(space)


def test_a_space_of_choices_has_nothing_to_explore() -> None:
    batches = ChoiceParameter(name="batch_size", values=(20, 50))
    space = Space("choices", 1, load_network("dnn"), (batches,))
    with pytest.raises(ConfigError, match="take another sampler"):
        refuse_unchanging(space)
