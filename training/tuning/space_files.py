"""Spaces as TOML: the presets, and files of one's own.

A file has `name`, `version`, a base (a preset of training/presets and what differs from it), a
table a parameter, and how a publication ran its study, where there is one:

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
    [experiments.paper]
    trials = 15
"""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final

import tomli_w
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from localizer.errors import ConfigError
from training.config import NetworkConfig, config_from_values, load_network
from training.tuning.parameters import AnyParameter
from training.tuning.space import Space

SPACES: Final = (
    "cisco-dnn-adam",
    "cisco-dnn-sgd",
    "cisco-cnn-adam",
    "cisco-cnn-sgd",
    "molnar",
    "dnn-tuner",
    "shawki-mlp",
    "automl",
)
"""Spaces that come with the product, in training/tuning/spaces."""

Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class Experiment:
    """How a publication ran its study; None for what it leaves open."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    tuned_on: str
    """The rows that its trials were scored on."""
    sampler: str | None = None
    """A name of `training.tuning.samplers`."""
    trials: Count | None = None
    goal_cells: Annotated[float, Field(gt=0)] | None = None
    """The study has succeeded at this mean error, in grid cells of the site."""
    parallel: Count | None = None
    most_failed: Count | None = None
    """Failed trials that end the study."""
    burn_in: Count | None = None
    """Random trials before the surrogate is asked."""
    note: str = ""
    set: Mapping[str, Any] = field(default_factory=dict)
    """What differs from the base of the space."""


@dataclass(frozen=True, slots=True)
class SpaceFile:
    """A space and how publications searched it."""

    space: Space
    experiments: Mapping[str, Experiment]
    """By where it is said: `paper` or `code`."""

    def as_in(self, experiment: str) -> Space:
        """Return the space on the base of an experiment.

        Raises:
            ConfigError: there is no such experiment.
        """
        if experiment not in self.experiments:
            raise ConfigError(
                f"an experiment of {self.space.name!r} must be one of {list(self.experiments)}, "
                f"but got {experiment!r}"
            )
        base = _changed(self.space.base, self.experiments[experiment].set, self.space.name)
        return dataclasses.replace(self.space, base=base)


@dataclass(frozen=True, slots=True)
class _Base:
    __pydantic_config__ = ConfigDict(extra="forbid")

    preset: str
    set: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _File:
    __pydantic_config__ = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._+-]{0,63}$")]
    version: Count
    base: _Base
    parameters: tuple[Annotated[AnyParameter, Field(discriminator="kind")], ...]
    experiments: Mapping[str, Experiment] = field(default_factory=dict)


_ADAPTER: Final = TypeAdapter(_File)


def load_space(name: str) -> Space:
    """Read the space of a preset by name, or of a TOML file by path.

    Raises:
        ConfigError: there is neither, or the file is wrong.
    """
    return load_space_file(name).space


def load_space_file(name: str) -> SpaceFile:
    """Read a preset by name or a TOML file by path, with the experiments.

    Raises:
        ConfigError: as `load_space`.
    """
    if name in SPACES:
        text = (files(__package__) / "spaces" / f"{name}.toml").read_text(encoding="utf-8")
        return space_from_toml(text, origin=f"space {name!r}")
    path = Path(name)
    if not path.is_file():
        raise ConfigError(f"a space must be one of {SPACES} or a TOML file, but got {name!r}")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"a space must be readable UTF-8, but {name}: {error}") from error
    return space_from_toml(text, origin=name)


def space_from_toml(text: str, *, origin: str) -> SpaceFile:
    """Read a space.

    Args:
        text: TOML as the head of this module shows.
        origin: what to call it in an error.

    Raises:
        ConfigError: no TOML, a key is missing, unknown or out of range, or the space contradicts
            itself.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin} must be TOML, but {error}") from error
    tables = values.get("parameters")
    if not isinstance(tables, dict) or not all(isinstance(one, dict) for one in tables.values()):
        raise ConfigError(
            f"{origin} must have a table [parameters.NAME] a parameter, but got {tables!r}; "
            "training/tuning/spaces shows every key"
        )
    values["parameters"] = [{"name": name, **table} for name, table in tables.items()]
    read = _read(values, list(tables), origin)
    try:
        base = _changed(load_network(read.base.preset), read.base.set, origin)
        space = Space(read.name, read.version, base, read.parameters)
        found = SpaceFile(space, read.experiments)
        for experiment in read.experiments:
            found.as_in(experiment)
    except ConfigError as error:
        raise ConfigError(f"{origin}: {error}") from error
    return found


def _read(values: Mapping[str, Any], names: list[str], origin: str) -> _File:
    try:
        # As JSON: there alone strict checking takes a table for a dataclass.
        return _ADAPTER.validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = list(first["loc"])
        if path[0] == "parameters" and len(path) > 1:
            # The number of the parameter says nothing, and its kind is no key of the file.
            path = ["parameters", names[int(path[1])], *path[3:]]
        key = ".".join(str(step) for step in path)
        raise ConfigError(
            f"{origin}: key {key!r}: {first['msg']}, but got {first['input']!r}; "
            "training/tuning/spaces shows every key"
        ) from error


def _changed(base: NetworkConfig, changes: Mapping[str, Any], origin: str) -> NetworkConfig:
    values = {**dataclasses.asdict(base), **changes}
    config = config_from_values(values, origin=f"base of {origin}")
    if not isinstance(config, NetworkConfig):
        raise ConfigError(f"base of {origin}: it must be a network, but got a pool")
    return config


def space_to_toml(space: Space) -> str:
    """Write a space as TOML that `space_from_toml` reads back with the same hash.

    Its base is written whole, as differences from the preset of its kind of network.
    """
    values = dataclasses.asdict(space.base)
    preset = dataclasses.asdict(load_network(space.base.network))
    changes = {key: value for key, value in values.items() if value != preset[key]}
    parameters = {one.name: _said(one) for one in space.parameters}
    whole = {
        "name": space.name,
        "version": space.version,
        "base": {"preset": space.base.network, "set": changes},
        "parameters": parameters,
    }
    return tomli_w.dumps(_with_lists(whole))


def _said(one: AnyParameter) -> dict[str, Any]:
    """Return what differs from what a key is where it is left out."""
    said: dict[str, Any] = {}
    for key in dataclasses.fields(one):
        value = getattr(one, key.name)
        standard = key.default
        if key.default_factory is not dataclasses.MISSING:
            standard = key.default_factory()
        if key.name == "kind" or (key.name != "name" and value != standard):
            said[key.name] = value
    return said


def _with_lists(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _with_lists(each) for key, each in value.items()}
    return [_with_lists(each) for each in value] if isinstance(value, list | tuple) else value
