"""A made-up study with everything that a report shows."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.tuning.diagnosis import Context, diagnose
from training.tuning.report import Candidate, Outcome, StudyReport
from training.tuning.rules import Action, Change
from training.tuning.trials import Training, TrialRecord, Verdict

RUNGS = (11, 33, 100)
CONTEXT = Context(best_simple_m=5.6, best_simple="weighted k-NN")


def _point(rng: np.random.Generator, *, narrow: bool) -> dict[str, Any]:
    point: dict[str, Any] = {
        "learning_rate": float(10 ** rng.uniform(-4 if narrow else -5, -2 if narrow else -1)),
        "optimizer": str(rng.choice(["adam", "sgd", "rmsprop"])),
        "batch_size": int(rng.choice([8, 16, 32, 64, 128])),
        "units": int(2 ** rng.uniform(3, 8)),
        "layers": int(rng.integers(1, 5)),
        "dropout": float(rng.uniform(0, 0.5)),
    }
    if point["optimizer"] != "sgd":
        point["beta1"] = float(1 - 10 ** rng.uniform(-2, -0.5))
    return point


def _error_m(point: dict[str, Any]) -> float:
    rate = math.log10(point["learning_rate"])
    smooth: float = 5.0 + 0.35 * (rate + 2.7) ** 2 + 0.9 * point["dropout"] + 8 / point["units"]
    return smooth


def trial(number: int, rng: np.random.Generator, *, noise: bool, narrow: bool) -> TrialRecord:
    point = _point(rng, narrow=narrow)
    mean = 5.5 if noise else _error_m(point)
    verdict: Verdict = "ok"
    reason = ""
    luck = rng.random()
    if luck < 0.05:
        verdict, reason = "infeasible", "convolution 2 must fit the image, but a 7x7 kernel meets 4"
    elif luck < 0.09:
        verdict, reason = "dead output", "an output was 0 for every row after 10 initialisations"
    elif luck < 0.11:
        verdict, reason = "crashed", f"ResourceExhausted: <tensor> of {number} rows & more"
    elif luck < 0.4 and mean > 5.8:
        verdict, reason = "stopped", "at epoch 33 worse than two thirds of the trials"
    trainings = _trainings(mean, rng, verdict)
    record = TrialRecord(
        number, point, verdict, reason, "sampler", 2 if narrow else 1, trainings,
        weights=point["units"] * 100, seconds=float(rng.lognormal(0, 0.4)),
    )  # fmt: skip
    findings = tuple(finding.to_json() for finding in diagnose(record, CONTEXT))
    return TrialRecord.from_json({**record.to_json(), "findings": findings})


def _trainings(mean: float, rng: np.random.Generator, verdict: Verdict) -> tuple[Training, ...]:
    if verdict not in ("ok", "stopped"):
        return ()
    reached = RUNGS if verdict == "ok" else RUNGS[:2]
    luck = rng.normal(0, 0.1)
    trainings = []
    for fold in range(5):
        dev = mean + luck + rng.normal(0, 0.25)
        errors = {rung: dev * (1 + 4 / rung) for rung in reached}
        train = dev * float(rng.uniform(0.5, 0.9))
        loss = tuple(float(v) for v in 0.2 + 0.8 * np.exp(-np.arange(reached[-1]) / 8))
        last = reached[-1]
        trainings.append(Training(fold, 0, 200, last, errors[last], train, errors, loss))
    return tuple(trainings)


def candidate(title: str, mean_m: float, rng: np.random.Generator, **more: Any) -> Candidate:
    errors: NDArray[np.float64] = rng.gamma(3.0, mean_m / 3, 400)
    mean = float(errors.mean())
    return Candidate(title, errors, mean - 0.3, mean + 0.3, **more)


def study(count: int, *, noise: bool = False, gain: bool = True, seed: int = 0) -> StudyReport:
    """A study of so many trials; with `noise`, no parameter matters."""
    rng = np.random.default_rng(seed)
    records = [trial(n, rng, noise=noise, narrow=n > count // 2) for n in range(count)]
    best = sorted((one for one in records if one.verdict == "ok"), key=lambda one: one.dev_m)[:3]
    finalists = [
        candidate(
            f"trial {one.number}", 5.2 + 0.05 * place, rng, train_m=3.4, gap_se_m=0.3, seeds=16,
            weights=6102, trial=one.number, params=one.params, gain_m=(0.4, 0.1, 0.7),
            chosen=place == 0, unseen_m=5.9, unseen_gap_m=(0.7, 0.3, 1.1),
        )
        for place, one in enumerate(best)
    ]  # fmt: skip
    default = candidate("dnn", 5.6, rng, train_m=5.3, gap_se_m=0.3, seeds=16, is_default=True,
                        weights=6102, params={"learning_rate": 0.001})  # fmt: skip
    told = Outcome(
        gain, 0.4 if gain else 0.05, 0.1 if gain else -0.2, 0.7 if gain else 0.3,
        "the default (dnn)", "The simplest of 3 finalists within one standard error of the best, "
        "each trained from 16 fresh seeds.",
    )  # fmt: skip
    acted = Action(
        "smaller steps", "rising loss", "the training loss ends 40 % above its lowest", 4, (4, 7),
        (1, 4, 7, 9), (4.9, 0.1), 0.97, (1, 2),
        (Change("learning_rate", "1e-05 to 0.1 (log)", "1e-05 to 0.015 (log)"),), "", 0.64,
    )  # fmt: skip
    held = Action("more units", "underfitting", "too high", 9, (9, 7), (1, 4, 7, 9), (2.0, 3.0),
                  0.2, (2, 2), (), "0.20 was drawn from its record")  # fmt: skip
    return StudyReport(
        study="uci-dnn",
        survey="UCI <library>",
        objective="the mean error over 5 blocks of places, metres",
        status=f"It ended because all {count} trials had been made.",
        records=records,
        scales={"learning_rate": "log", "units": "log", "batch_size": "choice"},
        finalists=[*finalists, default],
        simple=[candidate("weighted k-NN", 5.5, rng), candidate("centroid", 7.5, rng)],
        outcome=told,
        actions=(acted, held),
        cell_m=3.048,
        provenance="Made by a test; code 0123456789ab; data fedcba987654; space dnn, version 2.",
    )
