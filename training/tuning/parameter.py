"""One parameter of a space: what may be drawn, how a storage holds it, what a sampler is shown.

A value has three forms. A person writes 0.93 or "sgd". A storage holds a number under the
parameter's name for the whole study: a choice as its index among all values that it ever had, so
that the set may grow and shrink while old trials stay what they were. A sampler is shown the
present set: numbers by their rank, names as categories.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field

from localizer.errors import ConfigError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
    from optuna.trial import BaseTrial

Group = Literal["convolutions", "layers"]
"""Blocks of a network: its convolutions, or its dense hidden layers."""

Number = int | float


class Infeasible(ConfigError):
    """A point that is inside its space and yet no network: a fact about the space, no failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(ABC):
    """What every kind of parameter has."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    sets: str = ""
    """The setting that it writes; the parameter's name if empty, and `nothing` for a switch that
    only other parameters read."""
    of: Group | Literal[""] = ""
    """Whose activation, dropout or batch normalisation it sets; those of all blocks if empty."""
    at: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """The blocks that it sets, from 1: numbers in its group, or with `of` empty in the network,
    convolutions first. All of them if empty."""
    each: str = ""
    """The parameter that counts blocks: there is one `name_1`, `name_2`, ... a block. `layers` and
    `convolutions` count those of the base where no parameter has this name."""
    when: Mapping[str, tuple[bool | int | float | str, ...]] = field(default_factory=dict)
    """It is there only for these values of earlier parameters."""
    default: Any = None
    """What trials that are older than the parameter ran with; the base's value if None."""

    @property
    def target(self) -> str:
        """The setting that it writes."""
        return self.sets or self.name

    def active(self, values: Mapping[str, Any]) -> bool:
        """Whether the parameter is there, for the values of those before it."""
        return all(name in values and values[name] in held for name, held in self.when.items())

    def fail(self, must: str, got: object, remedy: str) -> ConfigError:
        """Return the error of something that must hold for this parameter."""
        return ConfigError(f"parameter {self.name!r}: {must} must hold, but got {got}; {remedy}")

    @abstractmethod
    def check(self) -> None:
        """Raise ConfigError where the parameter contradicts itself."""

    @abstractmethod
    def refuse(self, value: Any) -> None:
        """Raise ConfigError for a value, as a person writes it, that is not in the set."""

    @abstractmethod
    def to_stored(self, value: Any) -> Number:
        """Return what a storage holds for a value."""

    @abstractmethod
    def from_stored(self, stored: Number) -> Any:
        """Return the value, as a person writes it, that a storage holds."""

    @abstractmethod
    def stored(self) -> FloatDistribution | IntDistribution:
        """Return the distribution that a storage is told."""

    def seen(self) -> BaseDistribution:
        """Return the distribution that a sampler is shown: the present set."""
        return self.stored()

    def to_seen(self, stored: Number) -> Number | None:
        """Return what a sampler is shown for a stored number; None where that is no longer said."""
        return stored

    def from_seen(self, shown: Number) -> Number:
        """Return the number to store for what a sampler drew."""
        return shown

    def suggest(self, trial: BaseTrial) -> Any:
        """Draw a value, as a person writes it, through the form that a storage holds."""
        from optuna.distributions import FloatDistribution

        shape = self.stored()
        drawn: Number
        if isinstance(shape, FloatDistribution):
            drawn = trial.suggest_float(
                self.name, shape.low, shape.high, step=shape.step, log=shape.log
            )
        else:
            drawn = trial.suggest_int(
                self.name, shape.low, shape.high, step=shape.step, log=shape.log
            )
        return self.from_stored(drawn)

    @abstractmethod
    def candidates(self) -> tuple[Any, ...]:
        """Return every value, in order; ConfigError where there are infinitely many."""

    @abstractmethod
    def ends(self) -> tuple[Any, ...]:
        """Return the least and the largest value, or every choice."""

    @abstractmethod
    def narrowed(
        self, low: Number | None, high: Number | None, values: Sequence[Any] | None
    ) -> Self:
        """Return the parameter with a smaller set; ConfigError where it is not inside."""

    @abstractmethod
    def widened(self, other: Parameter) -> Self:
        """Return the parameter with the set of another of its name, which holds all of this."""
