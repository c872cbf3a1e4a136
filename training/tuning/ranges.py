"""Parameters that are numbers between two ends."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import Field

from training.tuning.parameter import Number, Parameter

if TYPE_CHECKING:
    from optuna.distributions import FloatDistribution, IntDistribution

Finite = Annotated[float, Field(allow_inf_nan=False)]

_SLACK: Final = 1e-9
"""Relative: a step of 0.1 reaches 0.4 as 0.30000000000000004 + 0.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range(Parameter):
    """A number between two ends, both included."""

    log: bool = False
    """Drawn evenly in its logarithm."""

    low: Any
    high: Any

    def check(self) -> None:
        """Raise ConfigError where the parameter contradicts itself."""
        if not self.low <= self.high:
            raise self.fail("`low <= high`", f"{self.low} and {self.high}", "exchange them")
        if self.log and self.low <= 0:
            raise self.fail("`low > 0` with `log`", self.low, "raise `low` or leave `log` out")

    def refuse(self, value: Any) -> None:
        """Raise ConfigError for a value that is not in the set."""
        if not self._is_number(value):
            raise self.fail("a number", repr(value), "write it without quotes")
        if not self.low <= value <= self.high:
            raise self.fail(
                f"`{self.low} <= value <= {self.high}`", value, "take one between or widen it"
            )

    def _is_number(self, value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    def ends(self) -> tuple[Any, ...]:
        """Return the least and the largest value."""
        return (self.low, self.high)

    def narrowed(
        self, low: Number | None, high: Number | None, values: Sequence[Any] | None
    ) -> Self:
        """Return the parameter with a smaller set."""
        if values is not None:
            raise self.fail("`low` and `high` to narrow a range", "values", "give its ends")
        low = self.low if low is None else low
        high = self.high if high is None else high
        if not self.low <= low <= high <= self.high:
            must = f"`{self.low} <= low <= high <= {self.high}`"
            raise self.fail(must, f"{low} and {high}", "extend the space for what lies outside")
        return self._with_ends(low, high)

    def widened(self, other: Parameter) -> Self:
        """Return the parameter with a larger set."""
        if not isinstance(other, type(self)) or other.log != self.log:
            raise self.fail("the same kind and `log`", other, "call a new parameter otherwise")
        if not other.low <= self.low <= self.high <= other.high:
            must = f"`low <= {self.low}` and `high >= {self.high}`"
            raise self.fail(must, f"{other.low} and {other.high}", "narrow it instead")
        return self._with_ends(other.low, other.high)

    def _with_ends(self, low: Number, high: Number) -> Self:
        default = None if self.default is None else min(max(self.default, low), high)
        new = dataclasses.replace(self, low=low, high=high, default=default)
        new.check()
        return new


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatParameter(_Range):
    """A real number."""

    kind: Literal["float"] = "float"
    low: Finite
    high: Finite
    step: Annotated[float, Field(gt=0)] | None = None
    """Between two values, from `low` on; none for every number."""
    complement: bool = False
    """1 - value is drawn: with `log`, 0.9, 0.99 and 0.999 are equally far apart."""

    def check(self) -> None:
        """Raise ConfigError where the parameter contradicts itself."""
        if not self.low <= self.high:
            raise self.fail("`low <= high`", f"{self.low} and {self.high}", "exchange them")
        if self.log and self._ends_stored()[0] <= 0:
            what = "`high < 1` with `log` and `complement`" if self.complement else "`low > 0`"
            raise self.fail(what, self._ends_stored(), "leave `log` out or move the end")
        if self.step is not None and (self.log or self.complement):
            raise self.fail("`step` alone", "`log` or `complement` with it", "leave one out")

    def to_stored(self, value: Any) -> Number:
        """Return what a storage holds for a value."""
        return 1 - value if self.complement else float(value)

    def from_stored(self, stored: Number) -> Any:
        """Return the value of what a storage holds."""
        # 1 - (1 - 0.9) is 0.9 and a bit: nobody writes so many digits.
        return round(1 - stored, 12) if self.complement else float(stored)

    def _ends_stored(self) -> tuple[float, float]:
        ends = sorted((float(self.to_stored(self.low)), float(self.to_stored(self.high))))
        return ends[0], ends[1]

    def stored(self) -> FloatDistribution:
        """Return the distribution that a storage is told."""
        from optuna.distributions import FloatDistribution

        low, high = self._ends_stored()
        if self.step is not None:
            high = self.low + (len(self.candidates()) - 1) * self.step
        return FloatDistribution(low, high, log=self.log, step=self.step)

    def candidates(self) -> tuple[Any, ...]:
        """Return every value, in order."""
        if self.low == self.high:
            return (self.low,)
        if self.step is None:
            raise self.fail("a `step`", "none", "give one, or use another sampler than grid")
        count = math.floor((self.high - self.low) / self.step * (1 + _SLACK) + _SLACK) + 1
        return tuple(round(self.low + i * self.step, 12) for i in range(count))


@dataclass(frozen=True, slots=True, kw_only=True)
class IntParameter(_Range):
    """A whole number."""

    kind: Literal["int"] = "int"
    low: int
    high: int
    step: Annotated[int, Field(ge=1)] = 1

    def check(self) -> None:
        """Raise ConfigError where the parameter contradicts itself."""
        _Range.check(self)
        if self.log and self.step != 1:
            raise self.fail("`step = 1` with `log`", self.step, "leave one out")

    def _is_number(self, value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    def to_stored(self, value: Any) -> Number:
        """Return what a storage holds for a value."""
        return int(value)

    def from_stored(self, stored: Number) -> Any:
        """Return the value of what a storage holds."""
        return int(stored)

    def stored(self) -> IntDistribution:
        """Return the distribution that a storage is told."""
        from optuna.distributions import IntDistribution

        high = self.low + (self.high - self.low) // self.step * self.step
        return IntDistribution(self.low, high, log=self.log, step=self.step)

    def candidates(self) -> tuple[Any, ...]:
        """Return every value, in order."""
        return tuple(range(self.low, self.high + 1, self.step))
