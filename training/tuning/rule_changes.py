"""What a rule does to a space: one parameter added, narrowed or widened, within reason."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from training.tuning.architecture import COUNTS
from training.tuning.parameters import (
    AnyParameter,
    ChoiceParameter,
    IntParameter,
)
from training.tuning.rules import Change, Rule
from training.tuning.space import Point, Space
from training.tuning.trials import TrialRecord
from training.tuning.wording import percent

_LEFT: Final = 0.1
"""Share of a range that one action leaves at least, in logarithms where the range is: the evidence
is a handful of trials, and what is cut off is not tried again."""

_DIGITS: Final = 3
"""Of a bound that a rule writes: nobody reads 0.0014837261."""


class NoRoom(Exception):
    """The space has nothing left that the rule could change; says why in words."""


def change_space(
    rule: Rule, space: Space, trial: TrialRecord, best: TrialRecord | None
) -> tuple[Space, tuple[Change, ...]]:
    """Return the next version of a space, and what changed.

    Args:
        rule: whose time has come.
        space: the present version.
        trial: that the bounds are taken from.
        best: whose point must stay inside; None before any trial has an error.

    Raises:
        NoRoom: there is nothing to change.
    """
    if rule.do == "add":
        return _added(rule, space)
    changes: list[Change] = []
    reasons: list[str] = []
    for parameter in _parameters(rule, space):
        try:
            changed = _changed(rule, space, parameter, trial, best)
        except NoRoom as error:
            reasons.append(str(error))
            continue
        after = in_words(changed.named(parameter.name))
        changes.append(Change(parameter.name, in_words(parameter), after))
        space = changed
    if not changes:
        raise NoRoom("; ".join(reasons) or f"the space has no parameter for `{rule.of}`")
    return space, tuple(changes)


def _parameters(rule: Rule, space: Space) -> list[AnyParameter]:
    return [one for one in space.parameters if one.target == rule.of]


def _values(parameter: AnyParameter, params: Mapping[str, Any]) -> list[Any]:
    """The values that a point has for a parameter; several for one with `each`."""
    name = re.escape(parameter.name)
    pattern = re.compile(rf"{name}_\d+" if parameter.each else name)
    return [value for key, value in params.items() if pattern.fullmatch(key)]


def values_of(rule: Rule, space: Space, params: Mapping[str, Any]) -> list[Any]:
    """Return the values that a point has for the setting that a rule changes."""
    return [v for one in _parameters(rule, space) for v in _values(one, params)]


def place_of(rule: Rule, space: Space, trial: TrialRecord) -> float:
    """Return where a trial's value stands in its range: 0 at the low end, 1 at the high end.

    The mean over blocks; a half for what is no number.
    """
    places = [
        _place(one, value)
        for one in _parameters(rule, space)
        for value in _values(one, trial.params)
        if _is_number(value)
    ]
    return sum(places) / len(places) if places else 0.5


def _place(parameter: AnyParameter, value: float) -> float:
    low, high = _bounds(parameter)
    if high <= low:
        return 0.5
    if _is_log(parameter):
        low, high, value = math.log(low), math.log(high), math.log(max(value, 1e-300))
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_log(parameter: AnyParameter) -> bool:
    if isinstance(parameter, ChoiceParameter):
        # Batch sizes and units stand in powers of two.
        return bool(min(parameter.values) > 0)
    return parameter.log


def _bounds(parameter: AnyParameter) -> tuple[float, float]:
    ends = parameter.ends()
    if not all(_is_number(end) for end in ends):
        raise NoRoom(f"{parameter.name} is no number")
    return min(ends), max(ends)


def _changed(
    rule: Rule,
    space: Space,
    parameter: AnyParameter,
    trial: TrialRecord,
    best: TrialRecord | None,
) -> Space:
    kept = _values(parameter, best.params) if best is not None else []
    if rule.do == "leave out":
        return _left_out(rule, space, parameter, kept)
    if rule.do == "raise high":
        return space.extended(_reaching_further(rule, parameter))
    had = [value for value in _values(parameter, trial.params) if _is_number(value)]
    if not had:
        raise NoRoom(f"trial {trial.number} has no {parameter.name}")
    low, high = _bounds(parameter)
    if rule.do == "raise low":
        wanted = max(rule.factor * min(had), rule.least or -math.inf)
        new = _aligned(parameter, min([wanted, *kept]), math.floor)
        _refuse_nothing(parameter, new > low, _share_left(parameter, new, high))
        return space.narrowed(parameter.name, low=new)
    wanted = min(rule.factor * max(had), rule.least or math.inf)
    new = _aligned(parameter, max([wanted, *kept]), math.ceil)
    _refuse_nothing(parameter, new < high, _share_left(parameter, low, new))
    return space.narrowed(parameter.name, high=new)


def _refuse_nothing(parameter: AnyParameter, narrower: bool, left: float) -> None:
    if not narrower:
        raise NoRoom(f"{parameter.name} already is {in_words(parameter)}, or its best point is")
    if left < _LEFT:
        raise NoRoom(f"it would leave {percent(left)} of {parameter.name} ({in_words(parameter)})")


def _share_left(parameter: AnyParameter, low: float, high: float) -> float:
    if isinstance(parameter, ChoiceParameter):
        left = [value for value in parameter.values if low <= value <= high]
        return len(left) / len(parameter.values)
    return _place(parameter, high) - _place(parameter, low)


def _aligned(parameter: AnyParameter, bound: float, outward: Callable[[float], int]) -> float:
    """Return a bound as one may write it, on the parameter's steps or with few digits.

    Rounded outward: the best point lies on it where it would be left out otherwise.
    """
    low, high = _bounds(parameter)
    bound = min(max(bound, low), high)
    if isinstance(parameter, ChoiceParameter) or bound == 0:
        return bound
    step = parameter.step
    if step is not None:
        steps = outward(round((bound - low) / step, 9))
        on_steps = low + steps * step
        return int(on_steps) if isinstance(parameter, IntParameter) else round(on_steps, 12)
    digit = 10.0 ** (math.floor(math.log10(abs(bound))) - _DIGITS + 1)
    written = float(f"{outward(round(bound / digit, 9)) * digit:.{_DIGITS}g}")
    return min(max(written, low), high)


def _reaching_further(rule: Rule, parameter: AnyParameter) -> AnyParameter:
    _, high = _bounds(parameter)
    if isinstance(parameter, ChoiceParameter):
        raise NoRoom(f"{parameter.name} is a choice of fixed values")
    new = min(rule.factor * high, math.inf if rule.limit is None else rule.limit)
    if new <= high:
        raise NoRoom(f"{parameter.name} already reaches {high:g}")
    if isinstance(parameter, IntParameter):
        return dataclasses.replace(parameter, high=int(new))
    return dataclasses.replace(parameter, high=float(f"{new:.{_DIGITS}g}"))


def _left_out(rule: Rule, space: Space, parameter: AnyParameter, kept: Sequence[Any]) -> Space:
    if not isinstance(parameter, ChoiceParameter):
        raise NoRoom(f"{parameter.name} is no choice")
    stay = [value for value in parameter.values if value not in rule.values or value in kept]
    if not stay or len(stay) == len(parameter.values):
        raise NoRoom(f"{parameter.name} has nothing of {list(rule.values)} to leave out")
    return space.narrowed(parameter.name, values=stay)


def _added(rule: Rule, space: Space) -> tuple[Space, tuple[Change, ...]]:
    if _parameters(rule, space):
        raise NoRoom(f"the space has `{rule.of}` already")
    changes: list[Change] = []
    for parameter in rule.add:
        new = _as_here(parameter, space)
        extended = space.extended(new)
        if len(extended.drawn) == len(space.drawn):
            continue  # one a convolution, in a network without any
        space = extended
        changes.append(Change(new.name, "not in the space", in_words(new)))
    if not changes:
        raise NoRoom(f"the network has nothing that `{rule.of}` could be of")
    return space, tuple(changes)


def _as_here(parameter: AnyParameter, space: Space) -> AnyParameter:
    """Return a new parameter with what only this space knows.

    The name of what counts blocks, and what old trials ran with.
    """
    if parameter.each in COUNTS:
        counters = [one.name for one in space.parameters if one.target == parameter.each]
        return dataclasses.replace(parameter, each=counters[0]) if counters else parameter
    had = getattr(space.base, parameter.target, None)
    if isinstance(had, int | float) and not isinstance(parameter, ChoiceParameter):
        default = had if parameter.low <= had <= parameter.high else parameter.default
        return dataclasses.replace(parameter, default=default)
    return parameter


def first_point(rule: Rule, space: Space, best: Mapping[str, Any]) -> Point:
    """Return the best point with the parameters that a rule has added at the values to try first.

    Args:
        rule: which added parameters.
        space: with them, and with those of other rules of the same step, at their defaults here.
        best: the best point before, all of whose values the space holds.
    """
    point: Point = {}
    new = tuple(one.name for one in rule.add)
    for one in space.drawn:
        if not one.active(point):
            continue
        if one.name in best:
            point[one.name] = best[one.name]
        elif one.name.startswith(new):
            point[one.name] = rule.first
        else:
            point[one.name] = space.default_of(one)
    return point


def in_words(parameter: AnyParameter) -> str:
    """Return the set of a parameter as a person writes it."""
    if isinstance(parameter, ChoiceParameter):
        text = " | ".join(str(value) for value in parameter.values)
    else:
        text = f"{parameter.low:g} to {parameter.high:g}{' (log)' if parameter.log else ''}"
    return f"{text}, one for each of {parameter.each}" if parameter.each else text
