import dataclasses

import optuna
import pytest

from localizer.errors import ConfigError
from localizer.sites import built_in_site
from tests.training.tuning.dice import Dice
from training.config import load_network
from training.networks import build_network
from training.tuning.architecture import sides_left
from training.tuning.parameters import (
    AnyParameter,
    ChoiceParameter,
    FloatParameter,
    Infeasible,
    IntParameter,
)
from training.tuning.space import Space
from training.tuning.space_files import SPACES, load_space

RATE = FloatParameter(name="learning_rate", low=1e-4, high=1e-1, log=True)
OPTIMIZER = ChoiceParameter(name="optimizer", values=("adam", "sgd"))
MOMENTUM = FloatParameter(name="momentum", low=0.8, high=0.99, when={"optimizer": ("sgd",)})


def of(*parameters: AnyParameter, preset: str = "dnn") -> Space:
    return Space("t", 1, load_network(preset), parameters)


@pytest.mark.parametrize("name", SPACES)
def test_a_drawn_point_is_a_network_and_comes_back_from_what_is_stored(name: str) -> None:
    space = load_space(name)
    for seed in range(20):
        dice = Dice(seed)
        point = space.suggest(dice)
        config = space.config(point, name="drawn")
        assert config.name == "drawn"
        assert space.point(dice.drawn) == point
        assert space.point(space.params_for_enqueue(point)) == point


@pytest.mark.parametrize("name", SPACES)
def test_the_point_of_the_defaults_is_the_base(name: str) -> None:
    space = load_space(name)
    assert space.config(space.default_point(), name=space.base.name) == space.base


def convolutions_only() -> Space:
    space = load_space("automl").narrowed("network", values=["cnn"])
    kept = {"convolutions", "kernel", "pool", "filters", "network", "convention", "image_size"}
    parameters = tuple(one for one in space.parameters if one.name in kept)
    return dataclasses.replace(space, parameters=parameters)


def test_no_kernel_of_ten_thousand_draws_exceeds_what_is_left_of_the_image() -> None:
    space, dice = convolutions_only(), Dice(1)
    sides = set()
    for _ in range(10_000):
        point = space.suggest(dice)
        count = point["convolutions"]
        kernels = [point[f"kernel_{layer}"] for layer in range(1, count + 1)]
        pools = [point[f"pool_{layer}"] for layer in range(1, count + 1)]
        sides.add(sides_left(point.get("image_size", 25), kernels, pools)[-1])
    assert min(sides) == 1, "some draws must be cut, or the test says nothing"


def test_a_sample_of_drawn_networks_is_built() -> None:
    space = load_space("automl").narrowed("network", values=["cnn"])
    space = space.narrowed("convolutions", low=2).narrowed("kernel", low=5)
    for seed in range(12):
        config = space.config(space.suggest(Dice(seed)), name="built")
        side = config.image_size or 25
        model = build_network(config, {"image": (side, side, 4)}, seed=seed)
        assert model.output.shape == (None, 2)


def test_a_kernel_is_cut_to_what_leaves_room_for_the_next_one() -> None:
    space = of(
        IntParameter(name="kernel", low=2, high=25, each="convolutions"),
        IntParameter(name="pool", low=1, high=3, each="convolutions"),
        preset="cnn",
    )
    point = space.point({"kernel_1": 25, "pool_1": 3, "kernel_2": 25, "pool_2": 3})
    # 25 - 24 + 1 = 2 pixels are what a kernel of 2 needs after it.
    assert point == {"kernel_1": 24, "pool_1": 1, "kernel_2": 2, "pool_2": 1}


def test_what_is_not_drawn_is_not_cut_and_so_may_be_infeasible() -> None:
    base = dataclasses.replace(load_network("cnn"), kernels=(24, 5))
    space = Space("t", 1, base, (ChoiceParameter(name="batch_size", values=(20, 50)),))
    with pytest.raises(Infeasible, match="convolution 2 must fit the image"):
        space.config({"batch_size": 20}, name="no-network")


def test_a_parameter_is_there_only_where_its_condition_holds() -> None:
    space = of(OPTIMIZER, RATE, MOMENTUM)
    points = [space.suggest(Dice(seed)) for seed in range(20)]
    assert {"momentum" in point for point in points} == {True, False}
    for point in points:
        assert ("momentum" in point) == (point["optimizer"] == "sgd")
    adam = space.config({"optimizer": "adam", "learning_rate": 0.01}, name="a")
    assert adam.momentum == space.base.momentum
    with pytest.raises(ConfigError, match="for it to be there"):
        space.config({"optimizer": "adam", "learning_rate": 0.01, "momentum": 0.9}, name="a")


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ({"optimizer": "sgd", "learning_rate": 0.01}, "momentum"),
        ({"optimizer": "adam", "learning_rate": 1.0}, "0.0001 <= value <= 0.1"),
        ({"optimizer": "adam", "learning_rate": "0.01"}, "without quotes"),
        ({"optimizer": "lion", "learning_rate": 0.01}, "one of"),
        ({"optimizer": "adam", "learning_rate": 0.01, "beta": 0.9}, "'beta'"),
    ],
)
def test_a_wrong_point_is_refused_with_what_must_hold(point: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        of(OPTIMIZER, RATE, MOMENTUM).config(point, name="a")


def test_a_person_may_leave_open_what_the_sampler_then_draws() -> None:
    space = of(OPTIMIZER, RATE, MOMENTUM)
    assert space.params_for_enqueue({"momentum": 0.9}) == {}
    assert space.params_for_enqueue({"optimizer": "sgd"}) == {"optimizer": 1}
    with pytest.raises(ConfigError, match="for it to be there"):
        space.params_for_enqueue({"optimizer": "adam", "momentum": 0.9})


def test_an_enqueued_point_is_what_the_trial_draws() -> None:
    space = load_space("automl")
    point = space.suggest(Dice(5))
    study = optuna.create_study()
    study.enqueue_trial(space.params_for_enqueue(point))
    assert space.suggest(study.ask()) == point


@pytest.mark.parametrize("name", ["objective", "metric", "executor", "aggregation", "name"])
def test_what_configurations_are_compared_by_is_never_tuned(name: str) -> None:
    with pytest.raises(ConfigError, match="may not be tuned"):
        of(ChoiceParameter(name=name, values=("a", "b"), default="a"))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ((dataclasses.replace(RATE, low=0.2),), "`low <= high`"),
        ((dataclasses.replace(RATE, low=0.0),), "`low > 0`"),
        ((dataclasses.replace(RATE, low=0.01),), "0.01 <= value"),
        ((RATE, RATE), "stands twice"),
        ((MOMENTUM, OPTIMIZER), "parameters before it"),
        ((FloatParameter(name="speed", low=0.0, high=1.0),), "one of"),
        ((IntParameter(name="units", low=8, high=64, each="epochs"),), "counts layers"),
        ((IntParameter(name="epochs", low=8, high=100, at=(1,)),), "`at` with what a block has"),
        ((IntParameter(name="layers", low=1, high=5),), "`units` of every block"),
        ((ChoiceParameter(name="loss", values=("mse", "euclid", "mse")),), "values that differ"),
        ((ChoiceParameter(name="loss", values=("euclid", "hinge")),), "loss"),
        (
            (RATE, FloatParameter(name="rate", sets="learning_rate", low=0.001, high=0.1)),
            "one parameter a setting",
        ),
    ],
)
def test_a_space_that_contradicts_itself_is_refused(
    parameters: tuple[AnyParameter, ...], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        of(*parameters)


def test_layers_bring_their_units_and_the_blocks_their_dropout() -> None:
    base = dataclasses.replace(load_network("dnn"), dropout=(0.0,), batch_norm_after=())
    space = Space(
        "t",
        1,
        base,
        (
            IntParameter(name="layers", low=1, high=4),
            IntParameter(name="units", low=8, high=64, each="layers", default=50),
            FloatParameter(name="dropout", low=0.0, high=0.5, each="layers"),
            ChoiceParameter(name="batch_norm", values=(False, True), at=(2,)),
        ),
    )
    point = {
        "layers": 2,
        "units_1": 10,
        "units_2": 20,
        "dropout_1": 0.0,
        "dropout_2": 0.25,
        "batch_norm": True,
    }
    config = space.config(point, name="two")
    assert config.hidden == (10, 20)
    assert config.dropout == (0.0, 0.25)
    assert config.batch_norm_after == (2,)


def test_dropout_of_each_block_of_a_base_does_not_fit_other_numbers_of_blocks() -> None:
    counted = (
        IntParameter(name="layers", low=1, high=4),
        IntParameter(name="units", low=8, high=64, each="layers", default=50),
    )
    with pytest.raises(ConfigError, match=r"`(batch_norm|dropout)` of every block"):
        of(*counted)


def test_a_complement_is_drawn_as_the_distance_from_one() -> None:
    beta = FloatParameter(name="beta1", low=0.7, high=0.99, log=True, complement=True)
    shape = beta.stored()
    assert (shape.low, shape.high) == pytest.approx((0.01, 0.3))
    assert shape.log
    assert of(beta).params_for_enqueue({"beta1": 0.9}) == {"beta1": pytest.approx(0.1)}
    assert of(beta).point({"beta1": 0.1}) == {"beta1": 0.9}


def test_a_grid_has_every_point_once() -> None:
    space = of(
        OPTIMIZER,
        FloatParameter(name="learning_rate", low=0.001, high=0.003, step=0.001),
        ChoiceParameter(name="momentum", values=(0.5, 0.9), when={"optimizer": ("sgd",)}),
    )
    points = list(space.grid_points())
    assert space.grid_size() == len(points) == 3 + 3 * 2
    assert len({tuple(sorted(point.items())) for point in points}) == len(points)
    assert space.grid()["learning_rate"] == [0.001, 0.002, 0.003]


def test_a_grid_of_a_continuous_parameter_is_refused() -> None:
    with pytest.raises(ConfigError, match="'learning_rate': a `step`"):
        of(RATE).grid()


def test_a_site_without_cells_has_no_target_of_cells() -> None:
    space = load_space("automl")
    assert space.for_site(built_in_site("uci")) is space
    site = dataclasses.replace(built_in_site("demo"), cell_m=None)
    assert space.for_site(site).seen()["target"].single()


def test_a_preset_of_the_paper_is_for_sites_without_grid_cells_too() -> None:
    space = load_space("cisco-dnn-adam")
    assert (space.base.target, space.for_site(built_in_site("demo")).base.target) == (
        "paper",
        "box",
    )
