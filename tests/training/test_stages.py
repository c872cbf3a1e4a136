import hashlib
import json
from dataclasses import asdict, replace

import pytest

from localizer.errors import ConfigError
from training.config import NetworkConfig, config_from_toml, config_to_toml, load_network
from training.stages import CHANGEABLE, Stage


def _stage(config: NetworkConfig, after_epochs: int, **changes: object) -> Stage:
    values = {name: getattr(config, name) for name in CHANGEABLE}
    return Stage(after_epochs, **{**values, **changes})


def _with(*stages: Stage) -> NetworkConfig:
    return replace(load_network("dnn"), schedule=stages)


BASE = load_network("dnn")


def test_a_schedule_survives_toml() -> None:
    config = _with(_stage(BASE, 10, learning_rate=0.003), _stage(BASE, 40, dropout=(0, 0, 0.4)))
    assert config_from_toml(config_to_toml(config), origin="copy") == config


def test_the_stages_of_a_training_are_its_configurations_in_turn() -> None:
    config = replace(_with(_stage(BASE, 10, learning_rate=0.003), _stage(BASE, 40, l2=0.0)))
    said = [(one.learning_rate, one.schedule, epochs) for one, epochs in config.stages()]
    assert said == [(0.001, (), 10), (0.003, (), 30), (0.001, (), 60)]
    assert BASE.stages() == [(BASE, 100)]
    # What a shorter training does not come to is left out.
    assert [epochs for _, epochs in replace(config, epochs=20).stages()] == [10, 10]


def test_the_hash_is_that_of_before_there_were_schedules() -> None:
    values = asdict(BASE)
    del values["schedule"]
    text = json.dumps(values, sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest() == BASE.sha256
    assert _with(_stage(BASE, 10)).sha256 != BASE.sha256


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ((_stage(BASE, 40), _stage(BASE, 10)), "in order"),
        ((_stage(BASE, 40), _stage(BASE, 40)), "in order"),
        ((_stage(BASE, 100),), "fewer than the 100 epochs"),
        ((_stage(BASE, 40, l2=0.1),), "`l2` must be 0 in all stages"),
        ((_stage(BASE, 40, dropout=(0.1, 0.0, 0.2)),), "`dropout` must be 0 in all stages"),
        ((_stage(BASE, 40, dropout=(0.1, 0.2)),), "each of the 3 blocks"),
        ((_stage(BASE, 40, learning_rate=-1.0),), "learning_rate"),
        ((_stage(BASE, 0),), "after_epochs"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(stages: tuple[Stage, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config_from_toml(config_to_toml(_with(*stages)), origin="t.toml")
