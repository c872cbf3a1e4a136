"""The point of a trial, read back from the words that Katib put into its command."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Final

from localizer.errors import ConfigError
from training.tuning.katib_parameters import SLACK, label
from training.tuning.parameters import AnyParameter, ChoiceParameter, FloatParameter, IntParameter
from training.tuning.space import Point, Space

_VALUE: Final = re.compile(
    r"(?P<complement>1-(?=[\d.+]|10\^))?"
    r"(?:10\^(?P<exponent>[^/]+)|(?P<number>[^/]+)(?:/(?P<parts>\d+))?)"
)
"""`0.93`, `10^-3.2`, `37/10000`, and each of them taken from 1."""


def read_point(space: Space, words: Sequence[str]) -> Point:
    """Return the point that the words of a trial's command give.

    Args:
        space: the one that was exported.
        words: `--NAME=VALUE` or `--NAME VALUE`; a value is a number, `10^X`, `N/M`, each of them
            also as `1-…`, or the label of a choice.

    Returns:
        A value for every parameter that is active there. Those of the rest, which Katib drew all
        the same, are left out, and kernels and pools are cut to the image, as for other samplers.

    Raises:
        ConfigError: a parameter is unknown, missing or given twice, or a value is none of its.
    """
    given = _pairs(words)
    point: Point = {}
    known = [parameter.name for parameter in space.drawn]
    for name in given:
        if name not in known:
            raise ConfigError(f"a parameter must be one of {known}, but got {name!r}")
    for parameter in space.drawn:
        if not parameter.active(point):
            continue
        if parameter.name not in given:
            raise ConfigError(
                f"a trial needs a value for {parameter.name!r}, but got {sorted(given)}; add "
                f"--{parameter.name}=VALUE"
            )
        point[parameter.name] = _value(parameter, given[parameter.name])
    return space.fit_image(point)


def _pairs(words: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, equals, text = word.removeprefix("--").partition("=")
        if not equals:
            text = next(rest, "")
        if not word.startswith("--") or not text:
            raise ConfigError(f"parameters must be given as `--NAME=VALUE`, but got {word!r}")
        if name in pairs:
            raise ConfigError(f"a parameter must be given once, but {name!r} is there twice")
        pairs[name] = text
    return pairs


def _value(parameter: AnyParameter, text: str) -> Any:
    if isinstance(parameter, ChoiceParameter):
        labels = {label(value): value for value in parameter.values}
        if text not in labels:
            raise ConfigError(
                f"{parameter.name!r} must be one of {sorted(labels)}, but got {text!r}"
            )
        return labels[text]
    return _number(parameter, text)


def _number(parameter: FloatParameter | IntParameter, text: str) -> float | int:
    value = _parse(parameter.name, text)
    if isinstance(parameter, IntParameter):
        value = round(value)
    slack = SLACK * max(abs(parameter.low), abs(parameter.high))
    inside = min(max(value, parameter.low), parameter.high)
    if abs(value - inside) > slack:
        parameter.refuse(value)
    if parameter.step is not None and not parameter.log:
        # An algorithm that knows no steps, or rounds otherwise, lands beside one.
        inside = min(parameter.candidates(), key=lambda candidate: abs(candidate - inside))
    return int(inside) if isinstance(parameter, IntParameter) else float(inside)


def _parse(name: str, text: str) -> float:
    match = _VALUE.fullmatch(text)
    value = math.nan
    if match is not None:
        try:
            if match["exponent"] is not None:
                value = 10 ** float(match["exponent"])
            else:
                value = float(match["number"]) / int(match["parts"] or 1)
        except (ValueError, ZeroDivisionError, OverflowError):
            value = math.nan
        if match["complement"]:
            value = 1 - value
    if not math.isfinite(value):
        raise ConfigError(f"{name!r} must be a number, `10^X` or `N/M`, but got {text!r}")
    return value
