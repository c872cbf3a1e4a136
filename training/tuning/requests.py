"""What a study is to search, and how: written into the study, so that a worker anywhere knows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from localizer.errors import ConfigError
from training.executors.running import ExecutorName
from training.tuning.pbt.options import POPULATION_SIZE
from training.tuning.rules import Rule, load_rules
from training.tuning.space import Space
from training.tuning.space_files import space_from_toml, space_to_toml

REQUEST: Final = "request"
"""Key of a study's attributes under which its request lies."""


@dataclass(frozen=True)
class Request:
    """What a study is to search, and how."""

    space: Space
    split: str
    folds: int
    repeats: int
    """Seeds of a trial on each fold."""
    rungs: tuple[int, ...]
    sampler: str
    pruner: str
    executor: ExecutorName
    seed: int
    rules: tuple[Rule, ...]
    """Empty with the rules off."""
    every: int
    """Trials after which the rules look again."""
    population: int = POPULATION_SIZE
    """Members of a population; read by the sampler `pbt` alone."""

    def to_json(self) -> dict[str, Any]:
        """Return JSON values that `from_json` reads back; of the rules, whether they are on."""
        values = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        return {
            **values,
            "space": space_to_toml(self.space),
            "rungs": list(self.rungs),
            "rules": bool(self.rules),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Request:
        """Read what `to_json` wrote."""
        return cls(
            **{
                **values,
                "space": space_from_toml(values["space"], origin="the study's space").space,
                "rungs": tuple(values["rungs"]),
                "rules": load_rules() if values["rules"] else (),
            }
        )


def request_in(attrs: Mapping[str, Any], name: str) -> Request:
    """Return the request in a study's attributes.

    Raises:
        ConfigError: there is none.
    """
    if REQUEST not in attrs:
        raise ConfigError(
            f"a study must say what it searches, but {name!r} does not; start it with `tune SURVEY`"
        )
    return Request.from_json(attrs[REQUEST])
