"""A study as a Katib Experiment (v1beta1): the same trials in our image, drawn by Katib.

What Katib cannot do, and what its algorithms ask for, is checked here rather than on the cluster,
where an experiment that was admitted may then wait for ever. Read from the types, the admission
webhook and the suggestion services of Katib 0.19.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from localizer.errors import ConfigError
from training.tuning.katib_metric import FILTER, MetricName
from training.tuning.katib_parameters import Algorithm, Declared, declare
from training.tuning.katib_template import RESOURCE, Export, template
from training.tuning.parameters import AnyParameter
from training.tuning.space import Space

ALGORITHMS: Final[Mapping[str, Algorithm]] = {
    **{name: name for name in get_args(Algorithm)},
    "gp": "bayesianoptimization",
}
"""Algorithms of Katib by its own names, and by ours where they differ."""

WEIGHTS_HANDED_ON: Final = frozenset({"pbt"})
"""Algorithms whose trials go on from the weights of others. A trial here starts afresh."""

MIN_TRIALS_BEFORE_STOPPING: Final = 5
"""Finished trials that the median is taken over, at least: of fewer it is anybody's guess."""
STOP_FROM_RUNG: Final = 1
"""Trials are compared by their first rung on."""

_NAME: Final = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
_SHELL_SAFE: Final = re.compile(r"[A-Za-z0-9_.,:+=/@-]+")


@dataclass(frozen=True, slots=True)
class Goal:
    """What an experiment minimises."""

    metric: MetricName
    value: float | None = None
    """The experiment ends when a trial reaches it; in the unit of the metric."""


def experiment(space: Space, goal: Goal, export: Export) -> dict[str, Any]:
    """Return an Experiment as the values that its YAML has.

    Args:
        space: what may be tried; a trial is told by name where it finds it (`export.space`).
        goal: the metric, and when it is good enough.
        export: the rest.

    Raises:
        ConfigError: Katib would refuse the experiment, its algorithm would wait for ever, or a
            parameter is conditional and `flatten` is not set.
    """
    algorithm = _algorithm(export)
    notes = _notes(space, export)
    declared = [declare(parameter, algorithm) for parameter in space.drawn]
    _refuse(export, algorithm, declared)
    spec: dict[str, Any] = {
        "objective": _objective(goal),
        "algorithm": {
            "algorithmName": algorithm,
            "algorithmSettings": _settings(export, algorithm),
        },
    }
    if export.early_stopping:
        spec["earlyStopping"] = _early_stopping()
    spec |= {
        "parallelTrialCount": export.parallel,
        "maxTrialCount": export.trials,
        "maxFailedTrialCount": export.max_failed,
        "resumePolicy": export.resume,
        "metricsCollectorSpec": {
            "source": {"filter": {"metricsFormat": [FILTER]}},
            "collector": {"kind": "StdOut"},
        },
        "parameters": [dict(one.spec) for one in declared],
        "trialTemplate": template(declared, export, hyperband=algorithm == "hyperband"),
    }
    if algorithm == "hyperband":
        spec["parameters"].append(_resource(export))
    metadata: dict[str, Any] = {"name": export.name, "namespace": export.namespace}
    if notes:
        metadata["annotations"] = {"localizer/notes": " ".join(notes)}
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": metadata,
        "spec": spec,
    }


def to_yaml(document: Mapping[str, Any]) -> str:
    """Return a manifest as YAML, keys in their order."""
    import yaml

    return str(yaml.safe_dump(dict(document), sort_keys=False, width=100, allow_unicode=True))


def _algorithm(export: Export) -> Algorithm:
    if export.algorithm in WEIGHTS_HANDED_ON:
        raise ConfigError(
            f"a trial in Katib starts afresh, but {export.algorithm!r} goes on from the weights "
            "of another; run it without Katib (`tune --sampler pbt`), or take another algorithm"
        )
    if export.algorithm not in ALGORITHMS:
        raise ConfigError(
            f"an algorithm of Katib must be one of {sorted(ALGORITHMS)}, but got "
            f"{export.algorithm!r}"
        )
    return ALGORITHMS[export.algorithm]


def _notes(space: Space, export: Export) -> list[str]:
    """Return what whoever reads the experiment should know; refuse what was not asked for."""
    conditional = [one.name for one in space.drawn if _may_be_absent(one, space)]
    if not conditional:
        return []
    if not export.flatten:
        raise ConfigError(
            f"Katib knows no conditions, but {conditional} have one; flatten the space (every "
            "parameter is then drawn in every trial, and a trial leaves out what is not active), "
            "or tune without Katib"
        )
    return [
        f"Drawn in every trial, and left out by those where they are not active: "
        f"{', '.join(conditional)}."
    ]


def _may_be_absent(parameter: AnyParameter, space: Space) -> bool:
    """Whether some point leaves a parameter out; the first layer is there in every one."""
    conditions = [(space.named(name), held) for name, held in parameter.when.items()]
    return any(
        _may_be_absent(parent, space) or any(value not in held for value in parent.candidates())
        for parent, held in conditions
    )


def _refuse(export: Export, algorithm: Algorithm, declared: Sequence[Declared]) -> None:
    if not _NAME.fullmatch(export.name):
        raise ConfigError(
            "an experiment's name must be of at most 40 lower-case letters, digits and `-`, with "
            f"a letter first, but got {export.name!r}"
        )
    for value in (export.survey, export.space, *export.options):
        if not _SHELL_SAFE.fullmatch(value):
            raise ConfigError(
                "what a trial's command names must pass Katib's shell unchanged, but got "
                f"{value!r}; use letters, digits and `_.,:+=/@-`"
            )
    _refuse_counts(export)
    if not declared:
        raise ConfigError("an experiment needs at least one parameter, but the space has none")
    if algorithm == "grid":
        _refuse_small_grid(export, declared)
    elif algorithm == "cmaes":
        _refuse_few_numbers(declared)
    elif algorithm == "hyperband":
        _refuse_hyperband(export, declared)


def _refuse_counts(export: Export) -> None:
    if not 1 <= export.parallel <= export.trials:
        raise ConfigError(
            f"`1 <= parallel <= trials` must hold, but got {export.parallel} and {export.trials}"
        )
    if not 0 <= export.max_failed <= export.trials:
        raise ConfigError(
            f"`0 <= max_failed <= trials` must hold, but got {export.max_failed} and "
            f"{export.trials}"
        )


def _refuse_small_grid(export: Export, declared: Sequence[Declared]) -> None:
    points = math.prod(one.values for one in declared)
    if export.trials > points:
        raise ConfigError(
            f"Katib refuses more trials than a grid has points, but got {export.trials} for "
            f"{points:g}; ask for {points:g} at most"
        )


def _refuse_few_numbers(declared: Sequence[Declared]) -> None:
    numbers = [one.name for one in declared if one.spec["parameterType"] in ("double", "int")]
    if len(numbers) < 2:
        raise ConfigError(
            f"CMA-ES needs at least two numeric parameters, but the space has {numbers}; take tpe"
        )


def _refuse_hyperband(export: Export, declared: Sequence[Declared]) -> None:
    if any(one.word.startswith(f"--{RESOURCE}=") for one in declared):
        raise ConfigError(
            f"Hyperband sets {RESOURCE!r} itself, but the space has a parameter of this name; "
            "take it out"
        )
    if export.early_stopping:
        raise ConfigError(
            "Hyperband waits for all trials of a rung to succeed, but early stopping ends some; "
            "leave one of the two out"
        )
    if export.eta < 2 or export.epochs < export.eta:
        raise ConfigError(
            f"`2 <= eta <= epochs` must hold, but got {export.eta} and {export.epochs}"
        )
    # As Katib counts it, rounding errors included.
    widest = math.ceil(export.eta ** int(math.log(export.epochs) / math.log(export.eta)))
    if export.parallel < widest:
        raise ConfigError(
            f"Katib runs the widest rung of Hyperband at once: `parallel >= {widest}` must hold "
            f"for {export.epochs} epochs and eta {export.eta}, but got {export.parallel}"
        )


def _objective(goal: Goal) -> dict[str, Any]:
    wanted: dict[str, Any] = {"type": "minimize"}
    if goal.value is not None:
        wanted["goal"] = goal.value
    return wanted | {
        "objectiveMetricName": goal.metric,
        # Of a trial that tells every rung, the last one counts.
        "metricStrategies": [{"name": goal.metric, "value": "latest"}],
    }


def _settings(export: Export, algorithm: Algorithm) -> list[dict[str, str]]:
    if algorithm == "hyperband":
        return [
            {"name": "resource_name", "value": RESOURCE},
            {"name": "r_l", "value": str(export.epochs)},
            {"name": "eta", "value": str(export.eta)},
        ]
    if export.seed is None:
        return []
    return [{"name": "random_state", "value": str(export.seed)}]


def _early_stopping() -> dict[str, Any]:
    return {
        "algorithmName": "medianstop",
        "algorithmSettings": [
            {"name": "min_trials_required", "value": str(MIN_TRIALS_BEFORE_STOPPING)},
            {"name": "start_step", "value": str(STOP_FROM_RUNG)},
        ],
    }


def _resource(export: Export) -> dict[str, Any]:
    space = {"min": "1", "max": str(export.epochs)}
    return {"name": RESOURCE, "parameterType": "int", "feasibleSpace": space}
