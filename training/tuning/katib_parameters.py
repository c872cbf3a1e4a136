"""Parameters across the border to Katib: how each is declared there, and read back by a trial.

Katib hands every value to a trial as text, through a shell, and its algorithms differ in what they
make of a declaration. What the suggestion services of Katib 0.19 do, read in their source:

- `random`, `tpe` (hyperopt) and `multivariate-tpe` (Optuna) honour `distribution: logUniform`;
- `cmaes` (goptuna) and `hyperband` draw uniformly whatever it says, so that a logarithmic parameter
  is declared by its exponent, and the trial is handed `10^-3.2`;
- `bayesianoptimization` (scikit-optimize) draws every double logarithmically, so that a linear one
  is declared by whole parts, and the trial is handed `37/10000`;
- `grid` counts, so that every float needs a step.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from localizer.errors import ConfigError
from training.tuning.parameters import AnyParameter, ChoiceParameter, FloatParameter, IntParameter
from training.tuning.space import Point, Space

Algorithm = Literal[
    "random", "tpe", "multivariate-tpe", "bayesianoptimization", "hyperband", "cmaes", "grid"
]

HYPEROPT: Final = frozenset({"random", "tpe"})
"""They round to multiples of a step, not to steps from the lower bound."""
SKOPT: Final = "bayesianoptimization"
UNIFORM: Final = frozenset({"cmaes", "hyperband"})
"""They draw uniformly, whatever the distribution says."""

EXPONENT: Final = "log10-"
"""Before the name of a parameter that Katib knows by its exponent."""
FINENESS: Final = 1000
"""Whole parts at least that a linear range is divided into for scikit-optimize: finer than what the
error of a network tells apart."""

_SAFE_TEXT: Final = re.compile(r"[A-Za-z0-9_.,:+-]+")
"""What survives the JSON of a template and the shell that Katib wraps around a trial's command."""

_VALUE: Final = re.compile(
    r"(?P<complement>1-(?=[\d.+]|10\^))?"
    r"(?:10\^(?P<exponent>[^/]+)|(?P<number>[^/]+)(?:/(?P<parts>\d+))?)"
)
"""`0.93`, `10^-3.2`, `37/10000`, and each of them taken from 1."""

_SLACK: Final = 1e-9
"""Relative, by which a value may lie outside its range: `10^-5.0` is not quite 1e-05."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A parameter as an Experiment has it."""

    name: str
    """In Katib: the parameter's own, or one that says how it is counted there."""
    word: str
    """Of the trial's command, with Katib's placeholder in it."""
    spec: Mapping[str, Any]
    """An entry of `spec.parameters`."""
    values: float
    """How many there are; infinite for a continuous range."""


class _Shape(NamedTuple):
    """A range of numbers as it is drawn."""

    kind: Literal["double", "int"]
    low: float
    high: float
    log: bool
    step: float | None


def declare(parameter: AnyParameter, algorithm: Algorithm) -> Declared:
    """Return how a parameter is declared to an algorithm of Katib.

    Raises:
        ConfigError: a value would not survive a shell, or the algorithm cannot draw it.
    """
    if algorithm == "grid" or isinstance(parameter, ChoiceParameter):
        return _listed(parameter)
    shape = _shape(parameter)
    if shape.low == shape.high or (algorithm in HYPEROPT and _misaligned(shape)):
        return _listed(parameter)
    if algorithm in UNIFORM and shape.log:
        return _by_exponent(parameter, shape)
    if algorithm == SKOPT and shape.kind == "double" and not shape.log:
        return _by_parts(parameter, shape)
    if algorithm == SKOPT and shape.log:
        # Its integers are linear and its doubles logarithmic; the trial rounds.
        return _range(parameter, shape._replace(kind="double", step=None))
    return _range(parameter, shape)


def _shape(parameter: AnyParameter) -> _Shape:
    drawn = parameter.stored()
    kind: Literal["double", "int"] = "int" if isinstance(parameter, IntParameter) else "double"
    # A whole number has a step of 1 whether anybody said so or not.
    step = None if drawn.log else drawn.step
    return _Shape(kind, drawn.low, drawn.high, drawn.log, step)


def _placeholder(name: str) -> str:
    return f"${{trialParameters.{name}}}"


def _declared(
    parameter: AnyParameter, name: str, text: str, spec: Mapping[str, Any], values: float
) -> Declared:
    turned = "1-" if _turned(parameter) and "list" not in spec["feasibleSpace"] else ""
    return Declared(name, f"--{parameter.name}={turned}{text}", {"name": name, **spec}, values)


def _turned(parameter: AnyParameter) -> bool:
    return isinstance(parameter, FloatParameter) and parameter.complement


def _listed(parameter: AnyParameter) -> Declared:
    labels = [label(value) for value in parameter.candidates()]
    if len(set(labels)) < len(labels):
        raise ConfigError(
            f"the values of a choice must differ as text, but {parameter.name!r} has {labels}"
        )
    spec = {"parameterType": "categorical", "feasibleSpace": {"list": labels}}
    text = _placeholder(parameter.name)
    return _declared(parameter, parameter.name, text, spec, len(labels))


def _range(parameter: AnyParameter, shape: _Shape) -> Declared:
    space = {"min": _text(shape.low, shape.kind), "max": _text(shape.high, shape.kind)}
    if shape.step is not None:
        space["step"] = _text(shape.step, shape.kind)
    space["distribution"] = "logUniform" if shape.log else "uniform"
    spec = {"parameterType": shape.kind, "feasibleSpace": space}
    count = math.inf if shape.step is None else (shape.high - shape.low) // shape.step + 1
    return _declared(parameter, parameter.name, _placeholder(parameter.name), spec, count)


def _by_exponent(parameter: AnyParameter, shape: _Shape) -> Declared:
    name = EXPONENT + parameter.name
    ends = {"min": repr(math.log10(shape.low)), "max": repr(math.log10(shape.high))}
    spec = {"parameterType": "double", "feasibleSpace": ends}
    return _declared(parameter, name, f"10^{_placeholder(name)}", spec, math.inf)


def _by_parts(parameter: AnyParameter, shape: _Shape) -> Declared:
    parts = 10 ** max(0, math.ceil(math.log10(FINENESS / (shape.high - shape.low))))
    name = f"{parameter.name}-per-{parts}"
    # Inwards, where a bound has more digits than that.
    low = math.ceil(shape.low * parts * (1 - _SLACK))
    high = math.floor(shape.high * parts * (1 + _SLACK))
    spec = {"parameterType": "int", "feasibleSpace": {"min": str(low), "max": str(high)}}
    return _declared(parameter, name, f"{_placeholder(name)}/{parts}", spec, math.inf)


def _misaligned(shape: _Shape) -> bool:
    """Whether multiples of the step miss the lower bound."""
    if shape.step is None:
        return False
    parts = shape.low / shape.step
    return abs(parts - round(parts)) > _SLACK


def _text(value: float, kind: Literal["double", "int"]) -> str:
    return str(int(value)) if kind == "int" else repr(float(value))


def label(value: Any) -> str:
    """Return a value as the text by which Katib lists it and a trial knows it again.

    Raises:
        ConfigError: it has characters that a shell or JSON would change.
    """
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, list | tuple):
        # A comma at the end tells a list of one value from the value.
        text = ",".join(label(part) for part in value) + ("," if len(value) < 2 else "")
    else:
        text = str(value)
    if not _SAFE_TEXT.fullmatch(text):
        raise ConfigError(
            "a value must be of letters, digits and `_.,:+-` to reach a trial through Katib's "
            f"shell, but got {text!r}; name the choice otherwise"
        )
    return text


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
    slack = _SLACK * max(abs(parameter.low), abs(parameter.high))
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
