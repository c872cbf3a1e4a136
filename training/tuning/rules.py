"""The table of rules, what they did, and how well that worked.

DNN-Tuner's tuning rules (Fraccaroli et al., 2022) with what its later versions learn of them: each
rule has the record of its own actions, a Beta distribution, and acts where a draw from it says that
it helps more often than not.
"""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import ConfigDict, Discriminator, Field, TypeAdapter, ValidationError

from localizer.errors import ConfigError
from training.tuning.diagnosis import Diagnosis
from training.tuning.parameters import ChoiceParameter, FloatParameter, IntParameter

Do = Literal["add", "raise low", "lower high", "raise high", "leave out"]
Share = Annotated[float, Field(ge=0, le=1)]

PRIOR_ACTIONS: Final = 5.0
"""How many actions of a study a rule's prior is worth: after five, its own record weighs more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """From a diagnosis to a change of the space; the head of rules.toml explains each key."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1)]
    when: Diagnosis
    do: Do
    of: Annotated[str, Field(min_length=1)]
    prior: Annotated[float, Field(gt=0, lt=1)]
    source: Literal["paper", "code", "ours"]
    why: Annotated[str, Field(min_length=1)]
    share: Share = 0.3
    at_least: Share = 0.0
    at_most: Share = 1.0
    factor: Annotated[float, Field(gt=0)] = 1.0
    least: float | None = None
    limit: float | None = None
    values: tuple[Any, ...] = ()
    first: bool | float | None = None
    """What an added parameter is tried at first, on the best point so far; nothing if None."""
    add: tuple[
        Annotated[FloatParameter | IntParameter | ChoiceParameter, Discriminator("kind")], ...
    ] = ()

    @property
    def beta(self) -> tuple[float, float]:
        """Successes and failures that the prior is worth."""
        return self.prior * PRIOR_ACTIONS, (1 - self.prior) * PRIOR_ACTIONS


class _File(NamedTuple):
    rule: tuple[Rule, ...]


_FILE: Final = TypeAdapter(_File)


def load_rules(path: Path | None = None) -> tuple[Rule, ...]:
    """Return the product's table of rules, or one's own.

    Args:
        path: a TOML file as rules.toml is.

    Raises:
        ConfigError: it cannot be read, or a rule is not one.
    """
    origin = "rules.toml" if path is None else str(path)
    try:
        source = files(__package__) / "rules.toml" if path is None else path
        values = tomllib.loads(source.read_text(encoding="utf-8"))
        # As JSON: there alone a list is taken for a tuple.
        rules = _FILE.validate_json(json.dumps([values.get("rule", [])])).rule
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"rules must be readable TOML, but {origin}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise ConfigError(
            f"{origin}: {where}: {first['msg']}, but got {first['input']!r}; the head of "
            "training/tuning/rules.toml explains every key"
        ) from error
    _refuse(rules, origin)
    return rules


def _refuse(rules: tuple[Rule, ...], origin: str) -> None:
    names = [rule.name for rule in rules]
    for rule in rules:
        lacks = {"add": not rule.add, "leave out": not rule.values}.get(rule.do, False)
        if lacks:
            key = "add" if rule.do == "add" else "values"
            raise ConfigError(f"{origin}: rule {rule.name!r} must say `{key}`, but has none")
        if names.count(rule.name) > 1:
            raise ConfigError(f"{origin}: a rule must stand once, but {rule.name!r} stands twice")


class Change(NamedTuple):
    """What a rule did to one parameter, in words."""

    parameter: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Action:
    """A rule whose time had come: what it saw, and what it did or why it did nothing."""

    rule: str
    diagnosis: Diagnosis
    evidence: str
    """Of the trial that its bounds were taken from."""
    trial: int
    """Number of that trial."""
    found_in: tuple[int, ...]
    """Trials with the diagnosis among `window`."""
    window: tuple[int, ...]
    """Trials that were looked at."""
    record: tuple[float, float]
    """Successes and failures of the rule until then, its prior included."""
    draw: float
    """From the Beta distribution of that record; the rule acts above a half."""
    versions: tuple[int, int]
    """Of the space, before and after."""
    changes: tuple[Change, ...] = ()
    """Empty where the rule was held back by its record, or had no room."""
    held_back: str = ""
    """Why nothing changed, in words."""
    better: float | None = None
    """Share of pairs of a trial after and one before in which the later one has the smaller error;
    None until enough trials have followed."""

    @property
    def acted(self) -> bool:
        """Whether the space was changed."""
        return bool(self.changes)


@dataclass(frozen=True, slots=True)
class RulesState:
    """What the rules of a study remember; JSON in the study's attributes."""

    records: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Successes and failures by rule, without priors."""
    log: tuple[Action, ...] = ()
    """In the order of time."""
    seen: tuple[int, ...] = ()
    """Numbers of the trials that were looked at."""

    def record_of(self, rule: Rule) -> tuple[float, float]:
        """Return successes and failures of a rule, its prior included."""
        won, lost = self.records.get(rule.name, (0.0, 0.0))
        return rule.beta[0] + won, rule.beta[1] + lost

    def to_json(self) -> dict[str, Any]:
        """Return JSON values that `from_json` reads back unchanged."""
        values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RulesState:
        """Read what `to_json` wrote.

        Raises:
            ConfigError: it is something else.
        """
        try:
            return _STATE.validate_json(json.dumps(values))
        except ValidationError as error:
            raise ConfigError(
                f"a study's rules must be as `RulesState.to_json` writes them, but {error}; "
                "run with --rules off, or begin a new study"
            ) from error


_STATE: Final = TypeAdapter(RulesState)
