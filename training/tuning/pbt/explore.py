"""How a member's settings are changed when it takes another's weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from localizer.errors import ConfigError
from training.stages import CHANGEABLE
from training.tuning.parameters import FloatParameter, Number
from training.tuning.space import Space

FACTORS: Final = (0.8, 1.2)
"""What a setting is multiplied by, one or the other, as in the paper: nine times the first is a
seventh, nine times the second five."""
RESAMPLED: Final = 0.25
"""How often a setting is drawn anew from its whole range instead, as Ray Tune has it: a population
would else forget what none of its best had."""

_ALMOST_NONE: Final = 1e-6
"""Of the largest value: what stands for 0 in a range without steps."""
_SLACK: Final = 1e-9
"""Steps: 0.05 * 0.8 lies 0.8000000000000001 of a step up."""


def changing(space: Space) -> tuple[FloatParameter, ...]:
    """Return the parameters that a population explores.

    They are numbers of a range, of settings that a network may change while it trains, and decide
    over no other parameter. All others are drawn once for a population.
    """
    deciding = {name for one in space.drawn for name in one.when}
    return tuple(
        one
        for one in space.drawn
        if isinstance(one, FloatParameter)
        and one.target in CHANGEABLE
        and one.name not in deciding
        and one.low < one.high
    )


def refuse_unchanging(space: Space) -> None:
    """Raise ConfigError for a space in which a population has nothing to explore."""
    if not changing(space):
        raise ConfigError(
            f"a population must have a number between two ends to explore, one of "
            f"{', '.join(CHANGEABLE)}, but {space.name!r} has {[one.name for one in space.drawn]}; "
            "take another sampler"
        )


def explored(
    ranges: Mapping[str, FloatParameter], values: Mapping[str, Any], draw: np.random.Generator
) -> dict[str, Any]:
    """Return other settings than those given, each inside its range.

    What is 0 stays 0: no layer or penalty comes or goes while a network trains.

    Args:
        ranges: by name.
        values: as a person writes them.
        draw: where chance comes from.
    """
    return {
        name: _explored(ranges[name], value, draw) if value else value
        for name, value in values.items()
    }


def _explored(one: FloatParameter, value: Any, draw: np.random.Generator) -> Any:
    anew = draw.random() < RESAMPLED
    stored = _drawn(one, draw) if anew else _multiplied(one, one.to_stored(value), draw)
    return above_zero(one, _inside(one, one.from_stored(stored)))


def above_zero(one: FloatParameter, value: Any) -> Any:
    """Return a value, or the next one of its range for 0."""
    if value:
        return value
    return one.low + one.step if one.step is not None else one.high * _ALMOST_NONE


def _drawn(one: FloatParameter, draw: np.random.Generator) -> Number:
    shape = one.stored()
    if shape.step is not None:
        steps = round((shape.high - shape.low) / shape.step)
        return round(shape.low + int(draw.integers(steps + 1)) * shape.step, 12)
    if shape.log:
        return math.exp(draw.uniform(math.log(shape.low), math.log(shape.high)))
    return float(draw.uniform(shape.low, shape.high))


def _multiplied(one: FloatParameter, stored: Number, draw: np.random.Generator) -> Number:
    # In the form of a storage: of a beta of 0.9 that is drawn by its complement, 0.1 is meant.
    shape = one.stored()
    factor = FACTORS[int(draw.integers(len(FACTORS)))]
    wanted = stored * factor
    if shape.step is not None:
        # Away from where it was, or small values would never leave their step.
        steps = (wanted - shape.low) / shape.step
        whole = math.floor(steps + _SLACK) if factor < 1 else math.ceil(steps - _SLACK)
        wanted = round(shape.low + whole * shape.step, 12)
    return min(max(wanted, shape.low), shape.high)


def _inside(one: FloatParameter, value: Any) -> Any:
    return min(max(value, one.low), one.high)
