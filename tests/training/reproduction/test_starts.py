import numpy as np

from tests.training.simulated import quick, small_survey, small_table
from training.reproduction.starts import dead_at_start, live_seeds
from training.tasks import Material


def test_a_linear_output_is_never_dead_and_a_relu_output_is_counted() -> None:
    table = small_table()
    material = Material(table, small_survey().site, table.rows(slice(0)))
    train = np.arange(20)
    linear = quick("paper-cnn", target="box", output="linear")
    assert dead_at_start(material, linear, train, range(1)) == [0]
    relu = quick("paper-cnn", target="box")
    found = dead_at_start(material, relu, train, range(5))
    assert set(found) <= {0, 1, 2}
    assert any(found)
    assert dead_at_start(material, relu, train, [3]) == found[3:4]


def test_live_seeds_are_the_first_without_a_dead_output() -> None:
    assert live_seeds([2, 0, 1, 0, 0], 2) == [1, 3]
    assert live_seeds([1, 2], 3) == []
