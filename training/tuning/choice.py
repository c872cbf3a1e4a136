"""Parameters that are one of some values."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field

from training.tuning.parameter import Infeasible, Number, Parameter

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution, IntDistribution
    from optuna.trial import BaseTrial


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceParameter(Parameter):
    """One of some values; a value may be a list."""

    kind: Literal["choice"] = "choice"
    values: Annotated[tuple[Any, ...], Field(min_length=1)]
    """The present set."""
    known: tuple[Any, ...] = ()
    """Every value that the set ever had: a storage holds the index among these. They keep their
    order and only grow; those of `values` if empty."""

    @property
    def all_values(self) -> tuple[Any, ...]:
        """Every value that the set ever had."""
        return self.known or self.values

    @property
    def _ordered(self) -> bool:
        return all(isinstance(v, int | float) and not isinstance(v, bool) for v in self.values)

    @property
    def _ranked(self) -> tuple[Any, ...]:
        return tuple(sorted(self.values))

    def check(self) -> None:
        """Raise ConfigError where the parameter contradicts itself."""
        repeated = [v for i, v in enumerate(self.values) if _index(self.values[:i], v) is not None]
        if repeated:
            raise self.fail("values that differ", repeated[0], "leave the second one out")
        lost = [v for v in self.values if _index(self.all_values, v) is None]
        if lost:
            raise self.fail("`values` among `known`", lost[0], "add it at the end of `known`")

    def refuse(self, value: Any) -> None:
        """Raise ConfigError for a value that is not in the set."""
        if _index(self.values, value) is None:
            raise self.fail(f"one of {list(self.values)}", repr(value), "take one of these")

    def to_stored(self, value: Any) -> Number:
        """Return what a storage holds for a value."""
        self.refuse(value)
        index = _index(self.all_values, value)
        return index if index is not None else 0

    def from_stored(self, stored: Number) -> Any:
        """Return the value of what a storage holds."""
        return self.all_values[int(stored)]

    def stored(self) -> IntDistribution:
        """Return the distribution that a storage is told."""
        from optuna.distributions import IntDistribution

        present = [int(self.to_stored(value)) for value in self.values]
        return IntDistribution(min(present), max(present))

    def seen(self) -> BaseDistribution:
        """Return the ranks of numbers, or a category a choice."""
        from optuna.distributions import CategoricalDistribution, IntDistribution

        if self._ordered:
            return IntDistribution(0, len(self.values) - 1)
        return CategoricalDistribution([int(self.to_stored(value)) for value in self.values])

    def to_seen(self, stored: Number) -> Number | None:
        """Return its rank or index; None for a choice that is gone."""
        value = self.from_stored(stored)
        if _index(self.values, value) is None:
            return None
        return _index(self._ranked, value) if self._ordered else stored

    def from_seen(self, shown: Number) -> Number:
        """Return the index of what a sampler drew."""
        return self.to_stored(self._ranked[int(shown)]) if self._ordered else shown

    def suggest(self, trial: BaseTrial) -> Any:
        """Draw a value.

        Raises:
            Infeasible: one was drawn that is gone, by a sampler that was not shown the present set.
        """
        value = Parameter.suggest(self, trial)
        if _index(self.values, value) is None:
            raise Infeasible(
                f"parameter {self.name!r} must be one of {list(self.values)}, but an earlier "
                f"version's {value!r} was drawn"
            )
        return value

    def candidates(self) -> tuple[Any, ...]:
        """Return every value, in order."""
        return self.values

    def ends(self) -> tuple[Any, ...]:
        """Return every choice."""
        return self.values

    def narrowed(
        self, low: Number | None, high: Number | None, values: Sequence[Any] | None
    ) -> Self:
        """Return the parameter with a smaller set."""
        if values is None:
            if not self._ordered:
                raise self.fail("`values` to narrow a choice", "low or high", "name what stays")
            least, most = (-math.inf if low is None else low), (math.inf if high is None else high)
            values = [value for value in self.values if least <= value <= most]
        for value in values:
            self.refuse(value)
        kept = tuple(value for value in self.values if _index(values, value) is not None)
        if not kept:
            raise self.fail("at least one value left", "none", "leave one")
        default = self.default if _index(kept, self.default) is not None else kept[0]
        return dataclasses.replace(self, values=kept, known=self.all_values, default=default)

    def widened(self, other: Parameter) -> Self:
        """Return the parameter with a larger set."""
        if not isinstance(other, ChoiceParameter):
            raise self.fail("the same kind", other, "call a new parameter otherwise")
        lost = [value for value in self.values if _index(other.values, value) is None]
        if lost:
            raise self.fail("every present value among the new ones", lost[0], "narrow it instead")
        new = tuple(value for value in other.values if _index(self.all_values, value) is None)
        return dataclasses.replace(self, values=other.values, known=self.all_values + new)


def _index(values: Sequence[Any], wanted: Any) -> int | None:
    """Return where a value stands. `in` would take False for 0, and tell a list from a tuple."""
    for i, value in enumerate(values):
        if _plain(value) == _plain(wanted) and isinstance(value, bool) == isinstance(wanted, bool):
            return i
    return None


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
