"""A population: who goes on from whose weights at a rung, and with which settings.

Nothing here trains: what is decided follows from the members' errors and a seed alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

QUARTER: Final = 4
"""One member of so many is given up at a rung, and one of so many may be copied: the truncation
selection of the paper, which takes a fifth; a quarter is whole for populations of 16."""

Explore = Callable[[Mapping[str, Any], np.random.Generator], dict[str, Any]]
"""Returns other settings than those given."""


class Copy(NamedTuple):
    """A member that was given up, and whose weights it went on with."""

    after_epochs: int
    source: int
    """Number of the other member's trial."""
    error_m: float | None
    """Its own error, for which it was given up, metres; None for one that was no number."""
    source_error_m: float


class Setting(NamedTuple):
    """What a training went on with after so many epochs."""

    after_epochs: int
    values: Mapping[str, Any]
    """By parameter, as a person writes them."""


@dataclass
class Member:
    """One of a population."""

    number: int
    """Of its trial."""
    values: dict[str, Any]
    """Settings that it trains with now, by parameter, as a person writes them."""
    schedule: list[Setting] = field(default_factory=list)
    """What its weights were trained with from the first epoch on, whoever trained them."""
    copies: list[Copy] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.schedule = [Setting(0, dict(self.values))]


class Move(NamedTuple):
    """A member that goes on from another's weights; both by their place in the population."""

    target: int
    source: int


class Population:
    """Members that are compared at rungs."""

    def __init__(self, members: Sequence[Member], explore: Explore, *, seed: Sequence[int]) -> None:
        """Begin with what the members were drawn with.

        Args:
            members: in the order of their trials.
            explore: gives other settings.
            seed: of every choice; the same seed and errors give the same choices.
        """
        self.members = list(members)
        self._explore = explore
        self._draw = np.random.default_rng(list(seed))

    def step(self, epochs: int, errors: Sequence[float]) -> list[Move]:
        """Replace the worst by the best, and return who is to take whose weights.

        Whose error is no number is replaced too, however many these are. With fewer than four
        members nobody else is, and with none that can be copied nobody at all.

        Args:
            epochs: trained by now.
            errors: of the members, metres; infinite or no number for a broken one.
        """
        order = sorted(range(len(errors)), key=lambda i: (_or_infinite(errors[i]), i))
        sound = [i for i in order if math.isfinite(errors[i])]
        quarter = len(order) // QUARTER
        best = sound[: max(1, quarter)]
        worst = order[len(order) - max(quarter, len(order) - len(sound)) :]
        targets = [i for i in worst if i not in best]
        return [self._replace(i, best, epochs, errors) for i in targets] if best else []

    def _replace(
        self, target: int, best: Sequence[int], epochs: int, errors: Sequence[float]
    ) -> Move:
        source = best[int(self._draw.integers(len(best)))]
        mine, its = self.members[target], self.members[source]
        mine.values = self._explore(its.values, self._draw)
        mine.schedule = [*its.schedule, Setting(epochs, dict(mine.values))]
        error = errors[target] if math.isfinite(errors[target]) else None
        mine.copies.append(Copy(epochs, its.number, error, errors[source]))
        return Move(target, source)


def _or_infinite(error: float) -> float:
    return error if math.isfinite(error) else math.inf
