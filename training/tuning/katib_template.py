"""What Katib runs for a trial: a Job of one pod, in our image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from training.tuning.katib_parameters import Declared

RESOURCE: Final = "epochs"
"""What Hyperband shares out; an option of the trial's command, no parameter of a space."""

_USER: Final = 10001
"""As the image has it."""


@dataclass(frozen=True, slots=True)
class Export:
    """Everything of an experiment that neither a space nor a goal says."""

    name: str
    survey: str
    """The SURVEY of the trial's command, as a pod finds it: a path in the claim, mostly."""
    space: str
    """The space, as a pod finds it: a preset, or a path in the claim."""
    options: tuple[str, ...] = ()
    """Further options of the trial's command, `--folds=5`: what the study's objective says."""
    algorithm: str = "tpe"
    """A key of `ALGORITHMS`."""
    trials: int = 15
    parallel: int = 3
    max_failed: int = 3
    seed: int | None = None
    """Of the algorithm; Hyperband takes none."""
    epochs: int = 100
    """Of the longest training of Hyperband."""
    eta: int = 3
    """Hyperband keeps one of so many at a rung."""
    early_stopping: bool = False
    """Whether trials that are worse than the median at a rung end there."""
    flatten: bool = False
    """Whether parameters under a condition may be drawn in every trial."""
    resume: Literal["Never", "LongRunning", "FromVolume"] = "FromVolume"
    image: str = "localizer-tuning:0.1.0"
    namespace: str = "localizer-katib"
    """One that Katib watches, with the label `katib.kubeflow.org/metrics-collector-injection`."""
    claim: str = "tuning-surveys"
    """Holds the survey; mounted at /surveys."""


def template(declared: Sequence[Declared], export: Export, *, hyperband: bool) -> dict[str, Any]:
    """Return `spec.trialTemplate`: a Job of one pod that trains one point.

    Args:
        declared: the parameters, with the words by which a trial is handed them.
        export: what else the trial's command says.
        hyperband: whether Katib also hands out the epochs.
    """
    names = [one.name for one in declared]
    options = list(export.options)
    if hyperband:
        names.append(RESOURCE)
        options.append(f"--{RESOURCE}=${{trialParameters.{RESOURCE}}}")
    if export.early_stopping:
        options.append("--each-rung")
    return {
        "primaryContainerName": "trial",
        "successCondition": 'status.conditions.#(type=="Complete")#|#(status=="True")#',
        "failureCondition": 'status.conditions.#(type=="Failed")#|#(status=="True")#',
        "trialParameters": [{"name": name, "reference": name} for name in names],
        "trialSpec": _job(export, [*options, "--", *(one.word for one in declared)]),
    }


def _job(export: Export, words: Sequence[str]) -> dict[str, Any]:
    pod = {
        "restartPolicy": "Never",
        "containers": [_container(export, words)],
        "volumes": [
            {
                "name": "surveys",
                "persistentVolumeClaim": {"claimName": export.claim, "readOnly": True},
            },
            {"name": "scratch", "emptyDir": {"sizeLimit": "512Mi"}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "256Mi"}},
        ],
        # Of the pod, since only so the volumes are readable; who runs is said by the container.
        "securityContext": {"fsGroup": _USER},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "spec": {
            # Katib counts failures; a job that tried again beneath it would hide them.
            "backoffLimit": 0,
            "template": {
                "metadata": {"annotations": {"sidecar.istio.io/inject": "false"}},
                "spec": pod,
            },
        },
    }


def _container(export: Export, words: Sequence[str]) -> dict[str, Any]:
    return {
        "name": "trial",
        "image": export.image,
        # Named although the image has it: else Katib asks the registry for it.
        "command": ["python", "-m", "training"],
        "args": ["trial", export.survey, "--katib", f"--preset={export.space}", *words],
        "resources": {
            "requests": {"cpu": "1", "memory": "1536Mi"},
            "limits": {"cpu": "1", "memory": "2Gi"},
        },
        # Of the container, not of the pod: the collector that Katib puts beside it has a user of
        # its own.
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [
            {"name": "surveys", "mountPath": "/surveys", "readOnly": True},
            {"name": "scratch", "mountPath": "/scratch"},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
    }
