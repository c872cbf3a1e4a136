"""Each diagnosis on forty noisy curve sets, and sound curves that must give none."""

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from training.tuning.diagnosis import (
    DIAGNOSES,
    Context,
    Diagnosis,
    Finding,
    diagnose,
    gap_se_m,
    severity_in_words,
)
from training.tuning.thresholds import THRESHOLDS
from training.tuning.trials import Training, TrialRecord, Verdict

EPOCHS = 100
FOLDS = 5
NOISE = 0.03
"""Of an epoch's loss, as sound networks on the UCI survey have it."""
SETS = 40
CONTEXT = Context(best_simple_m=7.0, best_simple="weighted k-NN")

Curve = NDArray[np.float64]
TIME = np.linspace(0, 1, EPOCHS)


def fast(floor: float = 0.2) -> Curve:
    return floor + (1 - floor) * np.exp(-TIME / 0.07)


def record(
    curve: Curve,
    rng: np.random.Generator,
    *,
    noise: float = NOISE,
    train_m: float = 4.5,
    dev_m: float = 6.0,
    gradient: tuple[float, ...] = (),
    verdict: Verdict = "ok",
    rungs: tuple[float, ...] = (1.3, 1.1, 1.0),
) -> TrialRecord:
    """A trial of five folds whose curves and errors vary as those of real ones do."""
    trainings = []
    for fold in range(FOLDS):
        harder = rng.normal(0, 0.08 * dev_m)
        dev = dev_m + harder
        steps = {
            rung: float(dev * factor * (1 if rung == EPOCHS else rng.normal(1, 0.02)))
            for rung, factor in zip((11, 33, EPOCHS), rungs, strict=True)
        }
        loss = curve * rng.normal(1, noise, len(curve)) * rng.normal(1, 0.05)
        norms = tuple(value * math.exp(rng.normal(0, 0.3)) for value in gradient)
        train = train_m + rng.normal(0, 0.05 * train_m)
        trainings.append(
            Training(fold, 0, 200, EPOCHS, steps[EPOCHS], train, steps, tuple(loss), norms)
        )
    return TrialRecord(3, {"learning_rate": 0.001}, verdict, trainings=tuple(trainings))


def sigmoid(middle: float) -> Curve:
    return 0.2 + 0.8 / (1 + np.exp((TIME - middle) / 0.05))


def broken(rng: np.random.Generator) -> TrialRecord:
    curve = fast()
    curve[int(rng.integers(5, 90)) :] = np.nan
    return record(curve, rng, verdict="diverged")


Make = Callable[[np.random.Generator], TrialRecord]
SICK: list[tuple[set[Diagnosis], Make]] = [
    ({"overfitting"}, lambda rng: record(fast(0.1), rng, train_m=2.5, dev_m=6.5)),
    ({"overfitting"}, lambda rng: record(fast(0.1), rng, train_m=5.0, rungs=(0.9, 0.8, 1.0))),
    ({"underfitting"}, lambda rng: record(fast(0.5), rng, train_m=9.0, dev_m=10.0)),
    ({"fluctuating loss"}, lambda rng: record(fast(), rng, noise=0.15)),
    ({"rising loss"}, lambda rng: record(fast() + 0.5 * TIME**2, rng)),
    ({"dead output"}, lambda rng: record(np.ones(EPOCHS), rng, verdict="dead output")),
    ({"vanishing gradients"}, lambda rng: record(fast(), rng, gradient=(1e-3, 1e-9, 1e-10))),
    ({"exploding gradients"}, lambda rng: record(fast(), rng, gradient=(3.0, 400.0, 2.0))),
    ({"exploding gradients"}, broken),
    ({"slow start"}, lambda rng: record(sigmoid(rng.uniform(0.4, 0.7)), rng)),
    ({"plateau"}, lambda rng: record(1 - rng.uniform(0, 0.12) * (1 - fast(0)), rng)),
    ({"low learning rate"}, lambda rng: record(1 - rng.uniform(0.4, 0.7) * TIME, rng)),
]


def found(trial: TrialRecord) -> set[Diagnosis]:
    return {finding.name for finding in diagnose(trial, CONTEXT)}


@pytest.mark.parametrize(("expected", "make"), SICK, ids=lambda value: str(value)[:24])
def test_a_sick_trial_is_found_out(expected: set[Diagnosis], make: Make) -> None:
    hits = sum(found(make(np.random.default_rng(seed))) == expected for seed in range(SETS))
    assert hits >= 0.95 * SETS


def test_every_diagnosis_is_tested() -> None:
    assert set.union(*(expected for expected, _ in SICK)) == set(DIAGNOSES)


@pytest.mark.parametrize("floor", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("noise", [0.01, 0.03, 0.05])
def test_a_sound_trial_has_nothing(floor: float, noise: float) -> None:
    clean = 0
    for seed in range(SETS):
        rng = np.random.default_rng(seed)
        trial = record(fast(floor), rng, noise=noise, gradient=(2.0, 0.5, 0.3))
        clean += not found(trial)
    assert clean >= 0.95 * SETS


def test_a_slow_but_sound_fall_has_nothing() -> None:
    curve = 0.2 + 0.8 * np.exp(-TIME / 0.15)
    clean = sum(not found(record(curve, np.random.default_rng(seed))) for seed in range(SETS))
    assert clean >= 0.95 * SETS


def test_evidence_has_the_figures_in_words() -> None:
    trainings = tuple(Training(fold, 0, 100, 100, 6.0 + fold, 2.0, {}) for fold in (0, 1))
    (finding,) = diagnose(TrialRecord(0, {}, "ok", trainings=trainings), CONTEXT)
    assert finding.name == "overfitting"
    assert "2.00 m on training rows and 6.50 m on held-out rows" in finding.evidence
    assert "9.0 times its standard error" in finding.evidence
    assert finding.figures == {"gap_m": 4.5, "gap_share": pytest.approx(4.5 / 6.5)}
    assert severity_in_words(finding.severity) == "clear"


@pytest.mark.parametrize("verdict", ["infeasible", "crashed", "timed out", "worker lost"])
def test_what_was_not_trained_is_not_judged(verdict: Verdict) -> None:
    assert not diagnose(record(np.ones(EPOCHS), np.random.default_rng(0), verdict=verdict), CONTEXT)


def test_a_trial_stopped_at_a_rung_is_not_called_underfitted() -> None:
    rng = np.random.default_rng(0)
    assert found(record(fast(), rng, train_m=9.0, dev_m=10.0, verdict="stopped")) == set()


def test_without_simple_methods_nothing_is_said_of_underfitting() -> None:
    trial = record(fast(), np.random.default_rng(0), train_m=9.0, dev_m=10.0)
    assert not diagnose(trial, Context())


def test_short_curves_and_missing_gradients_are_not_judged() -> None:
    trial = record(1 - 0.001 * TIME[:9], np.random.default_rng(0))
    assert found(trial) == set()


def test_seeds_of_one_fold_are_one_gap() -> None:
    trainings = [Training(fold, seed, 10, 5, 3.0 + fold, 1.0, {}) for fold in (0, 1) for seed in
                 range(8)]  # fmt: skip
    assert gap_se_m(trainings, Context()) == pytest.approx(0.5)
    assert gap_se_m(trainings[:1], Context()) is None
    assert gap_se_m(trainings[:1], Context(gap_sd_m=0.7)) == 0.7


def test_a_single_training_says_that_its_error_is_unknown() -> None:
    trial = TrialRecord(0, {}, "ok", trainings=(Training(0, 0, 10, 5, 6.0, 2.0, {}),))
    (finding,) = diagnose(trial, Context())
    assert "unknown" in finding.evidence


def test_the_worst_comes_first() -> None:
    trial = record(fast(), np.random.default_rng(1), noise=0.12, train_m=30.0, dev_m=31.0)
    severities = [finding.severity for finding in diagnose(trial, CONTEXT)]
    assert len(severities) == 2
    assert severities == sorted(severities, reverse=True)


def test_a_finding_goes_through_json() -> None:
    for expected, make in SICK:
        for finding in diagnose(make(np.random.default_rng(0)), CONTEXT):
            again = Finding.from_json(json.loads(json.dumps(finding.to_json(), allow_nan=False)))
            assert again == finding, expected


def test_every_threshold_says_why() -> None:
    assert all(one.reason and one.value > 0 for one in THRESHOLDS.values())
