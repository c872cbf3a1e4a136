"""What a study by populations is asked for, and what it cannot have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from localizer.errors import ConfigError
from training.tuning.budget import WINDOW
from training.tuning.pbt.explore import changing
from training.tuning.pbt.population import QUARTER
from training.tuning.space import Space

POPULATION_SIZE: Final = 16
"""Members unless told otherwise: at a rung four are replaced and four may be copied. The paper has
10 to 80 members, and finds those of 10 and fewer poorer and less steady."""
GENERATIONS: Final = 10
"""Rungs of a training, at even distances. With fewer, a learning rate that is multiplied by 0.8 at
each cannot fall to a seventh; with more, members are compared by what a change does at once, which
is not what it does in the end. A rung costs a scoring of every member."""


def intervals_of(epochs: int) -> tuple[int, ...]:
    """Return the epochs after which members of a population are compared, the last one too."""
    each = {max(1, epochs * rung // GENERATIONS) for rung in range(1, GENERATIONS + 1)}
    return tuple(sorted(each))


def refuse_population(space: Space, *, size: int, executor: str, rules: str) -> None:
    """Raise ConfigError for what a population cannot be.

    Args:
        space: what is searched.
        size: members of a population.
        executor: what runs the trials.
        rules: `on` where a person asked for them.
    """
    if not QUARTER <= size <= WINDOW:
        raise ConfigError(
            f"`{QUARTER} <= --population <= {WINDOW}` must hold, but got {size}: fewer have no "
            "quarter, and a study does not hold more waiting trials"
        )
    if executor != "stack":
        raise ConfigError(
            f"a population must be trained by --executor stack, but got {executor!r}: there alone "
            "weights and the optimiser's memory go from one trial to another; leave --executor out"
        )
    if rules == "on":
        raise ConfigError(
            "a population must have its rules off, but got --rules on: they read a trial's curve "
            "as that of one setting, and here settings change on the way; leave --rules out"
        )
    if space.base.epochs < 2:
        raise ConfigError(
            f"a population must train for at least 2 epochs, but got {space.base.epochs}: its "
            "members are compared on the way; ask for more --epochs"
        )


def refuse_points(space: Space, points: Iterable[Mapping[str, Any]]) -> None:
    """Raise ConfigError for a person's point that says what a population has in common."""
    free = [one.name for one in changing(space)]
    for point in points:
        other = [name for name in point if name not in free or not point[name]]
        if other:
            raise ConfigError(
                f"a point for a population must set some of {free} to above 0, but {dict(point)} "
                f"sets {other[0]!r}, which all members have in common; narrow the space instead"
            )
