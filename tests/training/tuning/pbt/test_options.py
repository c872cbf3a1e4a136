import pytest

from localizer.errors import ConfigError
from training.config import load_network
from training.tuning.parameters import ChoiceParameter, FloatParameter
from training.tuning.pbt.options import intervals_of, refuse_points
from training.tuning.space import Space

RATE = FloatParameter(name="learning_rate", low=1e-4, high=1e-1, log=True)
DROPOUT = FloatParameter(name="dropout", low=0.0, high=0.5, default=0.1)
BATCH = ChoiceParameter(name="batch_size", values=(20, 50))
SPACE = Space("small", 1, load_network("dnn"), (RATE, DROPOUT, BATCH))


def test_members_are_compared_ten_times_at_even_distances() -> None:
    assert intervals_of(100) == (10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
    assert intervals_of(25) == (2, 5, 7, 10, 12, 15, 17, 20, 22, 25)
    assert intervals_of(4) == (1, 2, 3, 4)
    assert intervals_of(2) == (1, 2)


def test_a_point_of_ones_own_leaves_the_architecture_alone() -> None:
    refuse_points(SPACE, [{}, {"learning_rate": 0.01}, {"learning_rate": 0.01, "dropout": 0.2}])
    with pytest.raises(ConfigError, match="'batch_size', which all members have in common"):
        refuse_points(SPACE, [{"learning_rate": 0.01, "batch_size": 20}])
    with pytest.raises(ConfigError, match="above 0"):
        refuse_points(SPACE, [{"dropout": 0.0}])
