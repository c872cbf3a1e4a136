"""Parameters as Katib is told of them, and the words by which a trial is handed their values.

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
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from localizer.errors import ConfigError
from training.tuning.parameters import AnyParameter, ChoiceParameter, FloatParameter, IntParameter

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

SLACK: Final = 1e-9
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
    low = math.ceil(shape.low * parts * (1 - SLACK))
    high = math.floor(shape.high * parts * (1 + SLACK))
    spec = {"parameterType": "int", "feasibleSpace": {"min": str(low), "max": str(high)}}
    return _declared(parameter, name, f"{_placeholder(name)}/{parts}", spec, math.inf)


def _misaligned(shape: _Shape) -> bool:
    """Whether multiples of the step miss the lower bound."""
    if shape.step is None:
        return False
    parts = shape.low / shape.step
    return abs(parts - round(parts)) > SLACK


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
