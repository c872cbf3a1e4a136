from pathlib import Path

import pytest

from localizer.errors import ConfigError
from training.tuning.parameters import FloatParameter
from training.tuning.space_files import (
    SPACES,
    load_space,
    load_space_file,
    space_from_toml,
    space_to_toml,
)

TEXT = """
name = "mine"
version = 1
[base]
preset = "dnn"
set = { batch_size = 20 }
[parameters.learning_rate]
kind = "float"
low = 0.0001
high = 0.01
log = true
[parameters.optimizer]
kind = "choice"
values = ["adam", "sgd"]
[parameters.momentum]
kind = "float"
low = 0.8
high = 0.99
when = { optimizer = ["sgd"] }
[experiments.paper]
trials = 15
tuned_on = "its test rows"
set = { batch_size = 100 }
"""


@pytest.mark.parametrize("name", SPACES)
def test_a_preset_survives_toml(name: str) -> None:
    space = load_space(name)
    assert space.name == name
    assert space_from_toml(space_to_toml(space), origin="copy").space == space
    narrowed = space.narrowed("learning_rate", high=0.01 if "sgd" in name else 0.001)
    assert space_from_toml(space_to_toml(narrowed), origin="copy").space.sha256 == narrowed.sha256


def test_a_space_is_its_base_and_its_parameters() -> None:
    read = space_from_toml(TEXT, origin="t")
    assert read.space.base.batch_size == 20
    assert [one.name for one in read.space.drawn] == ["learning_rate", "optimizer", "momentum"]
    assert read.experiments["paper"].trials == 15
    assert read.as_in("paper").base.batch_size == 100
    with pytest.raises(ConfigError, match="must be one of"):
        read.as_in("code")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("version = 1", "version = 0", "version"),
        ("version = 1", "", "version"),
        ('preset = "dnn"', 'preset = "pool"', "is a pool"),
        ("batch_size = 20", "batch_sise = 20", "batch_sise"),
        ("low = 0.0001", 'low = "0.0001"', r"parameters\.learning_rate\.low"),
        ("log = true", "logarithm = true", r"parameters\.learning_rate\.logarithm"),
        ('kind = "choice"', 'kind = "chance"', r"parameters\.optimizer"),
        ('optimizer = ["sgd"]', 'optimiser = ["sgd"]', "parameters before it"),
        ("trials = 15", "trails = 15", r"experiments\.paper\.trails"),
        ('tuned_on = "its test rows"', "", "tuned_on"),
        ("version = 1", "version = ", "must be TOML"),
        ("[parameters.learning_rate]", "[objective]", "objective"),
    ],
)
def test_a_wrong_file_is_refused_with_the_key(old: str, new: str, words: str) -> None:
    assert old in TEXT
    with pytest.raises(ConfigError, match=words):
        space_from_toml(TEXT.replace(old, new, 1), origin="t.toml")


def test_a_name_that_is_neither_preset_nor_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be one of"):
        load_space("nothing")
    (tmp_path / "s.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_space(str(tmp_path / "s.toml"))
    (tmp_path / "mine.toml").write_text(TEXT)
    assert load_space(str(tmp_path / "mine.toml")).name == "mine"


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("network", ["dnn", "cnn"])
def test_ranges_and_defaults_of_the_studies_of_2020(network: str, optimizer: str) -> None:
    file = load_space_file(f"cisco-{network}-{optimizer}")
    rate, other = file.space.drawn
    low, high = (0.001, 0.002) if optimizer == "adam" else (0.01, 0.02)
    assert rate == FloatParameter(name="learning_rate", low=low, high=high)
    assert other.name == ("beta1" if optimizer == "adam" else "momentum")
    assert other.ends() == (0.88, 0.93)
    assert file.space.default_point() == {"learning_rate": low, other.name: 0.9}
    tuned = {
        "dnn-adam": (0.00197, 0.89177),
        "dnn-sgd": (0.015, 0.905),
        "cnn-adam": (0.00177, 0.885),
        "cnn-sgd": (0.01375, 0.885),
    }[f"{network}-{optimizer}"]
    file.space.config({"learning_rate": tuned[0], other.name: tuned[1]}, name="table-2")
    assert file.space.base.epochs == 100


@pytest.mark.parametrize("network", ["dnn", "cnn"])
def test_paper_and_code_of_2020_are_both_there_and_differ(network: str) -> None:
    file = load_space_file(f"cisco-{network}-adam")
    paper, code = file.experiments["paper"], file.experiments["code"]
    assert (paper.trials, paper.goal_cells) == (15, 1.2)
    assert (code.trials, code.goal_cells, code.parallel) == (12, 1.3, 2)
    assert (code.most_failed, code.burn_in) == (9, 5)
    assert "test rows" in paper.tuned_on
    assert file.as_in("paper").base.batch_size == 100
    assert file.as_in("code").base.batch_size == (20 if network == "cnn" else 100)


def test_molnars_grid_has_2880_points() -> None:
    space = load_space("molnar")
    assert space.grid_size() == 2880
    assert space.grid() == {
        "dropout": [0.0, 0.1, 0.2, 0.3, 0.4],
        "activation": ["relu", "sigmoid"],
        "filters_1": [16, 32, 64, 128],
        "filters_2": [16, 32, 64, 128],
        "units": [64, 128, 256],
        "optimizer": ["sgd", "rmsprop", "adam"],
        "learning_rate": [0.001, 0.01],
    }
    point = {**space.default_point(), "dropout": 0.3, "activation": "sigmoid", "filters_2": 64}
    config = space.config(point, name="p")
    assert config.dropout == (0.0, 0.3, 0.3), "after the pooling and after the dense layer"
    assert config.filters == (32, 64)
    assert config.activations == ("sigmoid",)


def test_dnn_tuners_first_space() -> None:
    space = load_space("dnn-tuner")
    ends = {one.name: one.ends() for one in space.drawn}
    assert ends["filters_block_1"] == (16, 48)
    assert ends["filters_block_2"] == (64, 128)
    assert ends["units"] == (256, 512)
    assert ends["dropout_1"] == (0.002, 0.3)
    assert ends["dropout_2"] == (0.03, 0.5)
    assert ends["learning_rate"] == (1e-5, 1e-1)
    point = {**space.default_point(), "filters_block_1": 20, "filters_block_2": 70}
    assert space.config(point, name="p").filters == (20, 20, 70, 70)


def test_shawkis_space_holds_the_networks_of_its_table() -> None:
    space = load_space("shawki-mlp")
    rest = {"loss": "mse", "optimizer": "adam", "learning_rate": 0.001, "batch_size": 512}
    tables = [
        ((52, 92, 62, 72, 67), ("sigmoid", "sigmoid", "sigmoid", "sigmoid", "tanh"), 0.0),
        ((97, 47, 62, 37), ("tanh", "sigmoid", "exponential", "tanh"), 0.25),
    ]
    for units, activations, dropout in tables:
        blocks: dict[str, object] = {f"units_{i + 1}": value for i, value in enumerate(units)}
        blocks |= {f"activation_{i + 1}": value for i, value in enumerate(activations)}
        point = {"layers": len(units), **blocks, "dropout": dropout, **rest, "epochs": 10}
        config = space.config(point, name="p")
        assert (config.hidden, config.activations) == (units, activations)
    ends = {one.name: one.ends() for one in space.drawn}
    assert ends["batch_size"] == (8, 512)
    assert ends["epochs"] == (10, 35)
    assert ends["learning_rate"] == (1e-4, 1e-3)


def test_automl_has_preparation_augmentation_architecture_and_training() -> None:
    space = load_space("automl")
    targets = {one.target for one in space.drawn}
    assert targets > {"network", "convention", "image_size", "target", "augment", "convolutions"}
    ends = {one.name: one.ends() for one in space.parameters}
    assert ends["layers"] == (1, 6)
    assert ends["units"] == (8, 256)
    assert ends["filters"] == (4, 64)
    assert ends["kernel"] == (2, 7)
    assert ends["pool"] == (1, 3)
    assert ends["l2"] == (1e-8, 1e-2)
    assert ends["learning_rate"] == (1e-5, 1e-1)
    assert "exponential" not in ends["activation"]


def test_a_space_without_parameters_is_refused() -> None:
    text = 'name = "mine"\nversion = 1\n[base]\npreset = "dnn"\n[parameters]\n'
    with pytest.raises(ConfigError, match="a space must have a parameter"):
        space_from_toml(text, origin="mine.toml")
