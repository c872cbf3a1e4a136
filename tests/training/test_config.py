import tomllib
from dataclasses import fields, replace
from pathlib import Path

import pytest
import tomli_w

from localizer.errors import ConfigError
from training.config import PRESETS, config_from_toml, config_to_toml, load_config, load_network


@pytest.mark.parametrize("name", PRESETS)
def test_presets_say_everything_and_survive_toml(name: str) -> None:
    config = load_config(name)
    assert config.name == name
    assert config_from_toml(config_to_toml(config), origin="copy") == config


@pytest.mark.parametrize("name", ["cnn", "pool"])
def test_no_key_has_a_hidden_default(name: str) -> None:
    values = tomllib.loads(config_to_toml(load_config(name)))
    # Only what `tune --sampler pbt` found has a schedule.
    assert set(values) == {field.name for field in fields(load_config(name))} - {"schedule"}
    for key in values:
        without = tomli_w.dumps({k: v for k, v in values.items() if k != key})
        with pytest.raises(ConfigError, match=key):
            config_from_toml(without, origin="t")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("epochs = 100", "epochs = 0"), "epochs"),
        (("epochs = 100", "epochs = 100\nepoch = 3"), "epoch"),
        (('network = "dnn"', 'network = "rnn"'), "network"),
        (("learning_rate = 0.001", "learning_rate = -1"), "learning_rate"),
        (("filters = []", "filters = [12]"), "kernels"),
        (('name = "paper-dnn"', 'name = "../evil"'), "name"),
        (("learning_rate = 0.001", "learning_rate = inf"), "learning_rate"),
        (("place_balanced = false", 'place_balanced = "yes"'), "place_balanced"),
        (("batch_norm_after = [\n    1,\n]", "batch_norm_after = [7]"), "batch_norm_after"),
        (("batch_norm_after = [\n    1,\n]", "batch_norm_after = [2, 1]"), "batch_norm_after"),
        (("pools = []", "pools = [2]"), "pools"),
        (('optimizer = "adam"', 'optimizer = "lion"'), "optimizer"),
        (("l2 = 0.0", "l2 = -1.0"), "l2"),
        (("dropout = [\n    0.0,\n]", "dropout = [0.1, 0.2]"), "each of the 3 blocks"),
        (('    "relu",\n', '    "relu",\n    "tanh",\n'), "activations"),
        (("epochs = 100", "epochs = "), "TOML"),
    ],
)
def test_a_wrong_key_is_named(change: tuple[str, str], words: str) -> None:
    text = config_to_toml(load_config("paper-dnn"))
    assert change[0] in text
    with pytest.raises(ConfigError, match=words):
        config_from_toml(text.replace(*change), origin="t.toml")


def test_a_dnn_has_no_convolutions() -> None:
    text = config_to_toml(load_config("cnn"))
    with pytest.raises(ConfigError, match="`filters` must be empty for a DNN"):
        config_from_toml(text.replace('network = "cnn"', 'network = "dnn"'), origin="t.toml")


def test_a_block_takes_its_own_choices_or_those_of_all() -> None:
    config = load_network("dnn")
    assert [config.of_block(block) for block in (1, 2, 3)] == [
        ("relu", True, 0.0),
        ("relu", False, 0.0),
        ("relu", False, 0.2),
    ]


def test_a_name_that_is_neither_preset_nor_file_is_refused() -> None:
    with pytest.raises(ConfigError, match="must be one of"):
        load_config("nothing")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_config(str(path))


def test_a_pool_is_no_network() -> None:
    with pytest.raises(ConfigError, match="'pool' is a pool"):
        load_network("pool")


def test_a_wrong_key_of_a_pool_is_named() -> None:
    text = config_to_toml(load_config("pool"))
    with pytest.raises(ConfigError, match="inner_folds"):
        config_from_toml(text.replace("inner_folds = 3", "inner_folds = 1"), origin="t.toml")
    with pytest.raises(ConfigError, match="method"):
        config_from_toml(text.replace('"floor-softmax"', '"oracle"'), origin="t.toml")


def test_the_hash_changes_with_any_setting() -> None:
    config = load_network("dnn")
    assert config.sha256 == load_config("dnn").sha256
    assert config.sha256 != replace(config, epochs=101).sha256
