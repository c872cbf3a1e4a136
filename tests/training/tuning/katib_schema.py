"""What an Experiment of Katib v1beta1 may hold, as far as we write it.

Katib's own CRD lets everything through; its types, its admission webhook and its suggestion
services are what refuses. This says it as a JSON schema, in our words, after those of Katib 0.19,
and closed: a key that is not here is one that nobody has looked up.
"""

from typing import Any


def _closed(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


TEXT = {"type": "string", "minLength": 1}
NUMBER_AS_TEXT = {"type": "string", "pattern": r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"}
WHOLE_AS_TEXT = {"type": "string", "pattern": r"^[+-]?\d+$"}
DISTRIBUTION = {"enum": ["uniform", "logUniform", "normal", "logNormal"]}
SETTINGS = {"type": "array", "items": _closed({"name": TEXT, "value": TEXT})}

PARAMETER = {
    "oneOf": [
        _closed(
            {
                "name": TEXT,
                "parameterType": {"const": "double"},
                "feasibleSpace": _closed(
                    {"min": NUMBER_AS_TEXT, "max": NUMBER_AS_TEXT},
                    {"step": NUMBER_AS_TEXT, "distribution": DISTRIBUTION},
                ),
            }
        ),
        _closed(
            {
                "name": TEXT,
                "parameterType": {"const": "int"},
                "feasibleSpace": _closed(
                    {"min": WHOLE_AS_TEXT, "max": WHOLE_AS_TEXT},
                    {"step": WHOLE_AS_TEXT, "distribution": DISTRIBUTION},
                ),
            }
        ),
        _closed(
            {
                "name": TEXT,
                "parameterType": {"enum": ["categorical", "discrete"]},
                "feasibleSpace": _closed(
                    {"list": {"type": "array", "items": TEXT, "minItems": 1, "uniqueItems": True}}
                ),
            }
        ),
    ]
}

OBJECTIVE = _closed(
    {"type": {"enum": ["minimize", "maximize"]}, "objectiveMetricName": TEXT},
    {
        "goal": {"type": "number"},
        "additionalMetricNames": {"type": "array", "items": TEXT, "uniqueItems": True},
        "metricStrategies": {
            "type": "array",
            "items": _closed({"name": TEXT, "value": {"enum": ["min", "max", "latest"]}}),
        },
    },
)

ALGORITHM = _closed(
    {
        # Those that Katib's default configuration has an image for, networks' searches left out.
        "algorithmName": {
            "enum": [
                *("random", "grid", "tpe", "multivariate-tpe", "hyperband"),
                *("bayesianoptimization", "cmaes", "sobol", "pbt"),
            ]
        }
    },
    {"algorithmSettings": SETTINGS},
)

EARLY_STOPPING = _closed({"algorithmName": {"const": "medianstop"}, "algorithmSettings": SETTINGS})

COLLECTOR = _closed(
    {
        "collector": _closed({"kind": {"enum": ["StdOut", "File", "TensorFlowEvent", "None"]}}),
    },
    {
        "source": _closed(
            {
                "filter": _closed(
                    {
                        "metricsFormat": {
                            "type": "array",
                            # Two groups at least: the metric's name and its value.
                            "items": {"type": "string", "pattern": r".*\(.*\).*\(.*\).*"},
                        }
                    }
                )
            }
        )
    },
)

TEMPLATE = _closed(
    {
        "primaryContainerName": TEXT,
        "successCondition": TEXT,
        "failureCondition": TEXT,
        "trialParameters": {
            "type": "array",
            "minItems": 1,
            "items": _closed(
                {"name": {"type": "string", "pattern": r"^[^{}]+$"}, "reference": TEXT},
                {"description": TEXT},
            ),
        },
        "trialSpec": {"type": "object", "required": ["apiVersion", "kind", "spec"]},
    },
    {"retain": {"type": "boolean"}},
)

COUNT = {"type": "integer", "minimum": 1}

EXPERIMENT = _closed(
    {
        "apiVersion": {"const": "kubeflow.org/v1beta1"},
        "kind": {"const": "Experiment"},
        "metadata": _closed(
            {
                "name": {
                    "type": "string",
                    "pattern": r"^[a-z]([-a-z0-9]*[a-z0-9])?$",
                    "maxLength": 40,
                },
                "namespace": TEXT,
            },
            {"annotations": {"type": "object", "additionalProperties": {"type": "string"}}},
        ),
        "spec": _closed(
            {
                "objective": OBJECTIVE,
                "algorithm": ALGORITHM,
                "parallelTrialCount": COUNT,
                "maxTrialCount": COUNT,
                "maxFailedTrialCount": {"type": "integer", "minimum": 0},
                "resumePolicy": {"enum": ["Never", "LongRunning", "FromVolume"]},
                "metricsCollectorSpec": COLLECTOR,
                "parameters": {"type": "array", "items": PARAMETER, "minItems": 1},
                "trialTemplate": TEMPLATE,
            },
            {"earlyStopping": EARLY_STOPPING},
        ),
    }
)
