"""Hyperband's arithmetic: how many trials run for how many epochs, and which are ranked.

A bracket starts many trials on few epochs and keeps the best eta-th part at every rung, where each
goes on from the weights that it has. The brackets differ in how early they trust: the first starts
at the fewest epochs, the last runs its few trials to the end. (Li et al., 2018; the paper behind
space `molnar` found Hyperband poor, and ranked trials of few epochs among those of all.)
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from localizer.errors import ConfigError
from training.tuning.trials import TrialRecord

ETA: Final = 3
"""One trial of so many survives a rung; Li et al. recommend 3 or 4."""


class Rung(NamedTuple):
    """Where a bracket's trials are compared."""

    epochs: int
    """Trained in all when a trial gets here."""
    trials: int
    """How many get here."""


@dataclass(frozen=True, slots=True)
class Bracket:
    """Trials that start together and are thinned out at the same rungs."""

    number: int
    """0 for the bracket whose trials all run to the end; Li et al. call it s."""
    rungs: tuple[Rung, ...]
    """By epochs; the last is the full budget."""

    @property
    def trials(self) -> int:
        """Trials that it starts."""
        return self.rungs[0].trials

    @property
    def epochs(self) -> int:
        """Epochs of all its trials; each goes on from its last rung, none starts again."""
        total, reached = 0, 0
        for rung in self.rungs:
            total += rung.trials * (rung.epochs - reached)
            reached = rung.epochs
        return total


@dataclass(frozen=True, slots=True)
class Hyperband:
    """The brackets of one round; a longer study begins another round."""

    eta: int
    brackets: tuple[Bracket, ...]
    """The one with the most rungs first."""

    @property
    def trials(self) -> int:
        """Trials of a round."""
        return sum(bracket.trials for bracket in self.brackets)

    @property
    def epochs(self) -> int:
        """Epochs of a round."""
        return sum(bracket.epochs for bracket in self.brackets)

    @property
    def most_epochs(self) -> int:
        """The full budget of a trial."""
        return self.brackets[0].rungs[-1].epochs

    def bracket_of(self, rank: int) -> Bracket:
        """Return the bracket of a trial by its number in the budget, from 0.

        Every round has each bracket's trials, spread evenly over it: a study that is stopped early
        has had its part of all of them.
        """
        return self.brackets[_order(tuple(one.trials for one in self.brackets))[rank % self.trials]]

    def lines(self) -> list[str]:
        """Return the brackets as lines of text, for a person to read before a study starts."""
        said = [
            f"Hyperband: {self.trials} trials in {len(self.brackets)} brackets, "
            f"{self.epochs:,} epochs of {self.trials * self.most_epochs:,} without rungs"
        ]
        for bracket in self.brackets:
            rungs = ", ".join(f"{rung.trials} to {rung.epochs}" for rung in bracket.rungs)
            said.append(f"  bracket {bracket.number}: {rungs} epochs")
        return said


def hyperband(most_epochs: int, *, least_epochs: int = 1, eta: int = ETA) -> Hyperband:
    """Return the brackets of a budget (Li et al., 2018, algorithm 1).

    Args:
        most_epochs: full budget of a trial, R.
        least_epochs: fewest that say anything, r.
        eta: one trial of so many survives a rung.

    Raises:
        ConfigError: eta is below 2, or the fewest epochs are not within 1 and the budget.
    """
    if eta < 2:
        raise ConfigError(f"`eta >= 2` must hold, but got {eta}; one of eta survives a rung")
    if not 1 <= least_epochs <= most_epochs:
        raise ConfigError(
            f"`1 <= least epochs <= {most_epochs}` must hold, but got {least_epochs}; take fewer"
        )
    most = 0
    while least_epochs * eta ** (most + 1) <= most_epochs:
        most += 1
    return Hyperband(eta, tuple(_bracket(s, most, most_epochs, eta) for s in range(most, -1, -1)))


def _bracket(number: int, most: int, most_epochs: int, eta: int) -> Bracket:
    start = math.ceil((most + 1) * eta**number / (number + 1))
    rungs = [
        Rung(max(1, most_epochs // eta ** (number - rung)), start // eta**rung)
        for rung in range(number + 1)
    ]
    return Bracket(number, tuple(rungs))


@functools.cache
def _order(counts: tuple[int, ...]) -> list[int]:
    """Return the brackets of a round's trials: each time the one that is furthest behind."""
    total, given = sum(counts), [0] * len(counts)
    order = []
    for done in range(1, total + 1):
        behind = [done * count / total - have for count, have in zip(counts, given, strict=True)]
        chosen = behind.index(max(behind))
        given[chosen] += 1
        order.append(chosen)
    return order


def kept(rung: Rung, after: Rung, errors: Iterable[float], error: float) -> bool:
    """Tell whether a trial goes on: it is among the best that the next rung has room for.

    Trials come one by one, and none waits for the others: of those so far, the same part goes on
    (Li et al., 2020, asynchronous successive halving). The first always does.

    Args:
        rung: where it is.
        after: where it would go.
        errors: of the bracket's trials at this rung so far, its own among them.
        error: its own; one that is no number never goes on.
    """
    known = [one for one in errors if math.isfinite(one)]
    places = max(1, math.floor(len(known) * after.trials / rung.trials))
    return math.isfinite(error) and sum(one < error for one in known) < places


def ranked(records: Iterable[TrialRecord], most_epochs: int) -> list[TrialRecord]:
    """Return the trials of the full budget, the best first; no other may be called best."""
    full = [one for one in records if one.verdict == "ok" and one.epochs >= most_epochs]
    return sorted(full, key=lambda one: one.dev_m)
