"""What is wrong with a trial, by its curves and errors: named findings with figures in plain words.

The diagnoses are DNN-Tuner's (Fraccaroli et al., 2022: overfitting, underfitting, fluctuating and
rising loss) with those that its code adds (learning rate too low, gradients, slow start, plateau)
and a dead output. What it compares to a fixed figure is compared to what the survey itself says
where that can be had: to the spread over folds, and to the best simple method.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np

from training.tuning.curves import Shape, shape_of
from training.tuning.thresholds import bound
from training.tuning.trials import Training, TrialRecord
from training.tuning.wording import percent

Diagnosis = Literal[
    "overfitting",
    "underfitting",
    "fluctuating loss",
    "rising loss",
    "dead output",
    "vanishing gradients",
    "exploding gradients",
    "slow start",
    "plateau",
    "low learning rate",
]
DIAGNOSES: Final[tuple[Diagnosis, ...]] = get_args(Diagnosis)


_UNTRAINED: Final = frozenset({"infeasible", "crashed", "timed out", "worker lost"})
"""Verdicts of trials whose curves, if there are any, tell of no hyper-parameter."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a trial is compared to."""

    best_simple_m: float | None = None
    """Mean error of the best simple method on the same folds, metres; None if nobody asked it."""
    best_simple: str = "the best simple method"
    """Its title."""
    gap_sd_m: float | None = None
    """Standard deviation over folds of the gap between held-out and training rows, metres, from
    other trials; used where a trial has one training."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a trial."""

    name: Diagnosis
    evidence: str
    """With figures, in plain words."""
    severity: float
    """0 at the threshold, towards 1 the further beyond it."""
    figures: Mapping[str, float]
    """The measures that the evidence names."""

    def to_json(self) -> dict[str, Any]:
        """Return JSON values that `from_json` reads back unchanged."""
        return {
            "name": self.name,
            "evidence": self.evidence,
            "severity": self.severity,
            "figures": dict(self.figures),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Finding:
        """Read what `to_json` wrote."""
        return cls(values["name"], values["evidence"], values["severity"], dict(values["figures"]))


def severity_in_words(severity: float) -> str:
    """Return slight, clear or severe."""
    return "slight" if severity < 1 / 3 else "clear" if severity < 2 / 3 else "severe"


def diagnose(record: TrialRecord, context: Context) -> tuple[Finding, ...]:
    """Return what is wrong with a trial, the worst first; nothing for a sound one.

    Curves are judged by the median over the trial's trainings, so that one unlucky seed is no
    finding.

    Args:
        record: with or without curves and gradients; what was not measured is not judged.
        context: what the survey's simple methods and other trials reach.
    """
    if record.verdict in _UNTRAINED:
        return ()
    if record.verdict == "dead output":
        evidence = record.reason or "an output is 0 for every row, so it never learns"
        return (Finding("dead output", evidence, 1.0, {}),)
    found = [*_curves(record), *_gradients(record), *_errors(record, context)]
    return tuple(sorted(found, key=lambda finding: -finding.severity))


def _beyond(value: float, bound: float) -> float:
    """How severe a value above its bound is: 0.5 at twice the bound."""
    return max(0.0, 1 - bound / value) if math.isfinite(value) else 1.0


def _curves(record: TrialRecord) -> Iterator[Finding]:
    shapes = [shape for one in record.trainings if (shape := shape_of(one.loss)) is not None]
    if not shapes:
        return
    shape = Shape(*np.median(np.asarray(shapes), axis=0).tolist())
    if shape.wobble > bound("wobble"):
        yield Finding(
            "fluctuating loss",
            f"from epoch to epoch the training loss moves by {percent(shape.wobble)} of its level, "
            "its trend taken out",
            _beyond(shape.wobble, bound("wobble")),
            {"wobble": shape.wobble},
        )
    least = max(bound("rise"), bound("noise") * shape.noise)
    if shape.rise > least:
        yield Finding(
            "rising loss",
            f"the training loss ends {percent(shape.rise)} above the lowest level that it "
            "had reached",
            _beyond(shape.rise, bound("rise")),
            {"rise": shape.rise},
        )
    else:
        yield from _too_slow(shape)


def _too_slow(shape: Shape) -> Iterator[Finding]:
    """The three ways of a loss that does not fall as it could; a curve has one of them at most."""
    still = shape.falling > max(bound("falling"), bound("noise") * shape.noise)
    if shape.fall < bound("fall") and not still:
        yield Finding(
            "plateau",
            f"the training loss falls by {percent(max(shape.fall, 0.0))} of its start in all, "
            "and no longer",
            _beyond(bound("fall"), max(shape.fall, 0.0)),
            {"fall": shape.fall},
        )
    elif shape.early < bound("early") and shape.fall > bound("noise") * shape.noise:
        yield Finding(
            "slow start",
            f"the first fifth of the epochs brings {percent(max(shape.early, 0.0))} of the fall of "
            f"the training loss, which is {percent(shape.fall)} of its start",
            _beyond(bound("early"), max(shape.early, 0.0)),
            {"early": shape.early, "fall": shape.fall},
        )
    elif shape.area > bound("area") and still:
        yield Finding(
            "low learning rate",
            f"the training loss falls nearly along a straight line (area {shape.area:.2f}, a line "
            f"has 0.5) and still by {percent(shape.falling)} in the last fifth of the epochs",
            _beyond(shape.area, bound("area")),
            {"area": shape.area, "falling": shape.falling},
        )


def _gradients(record: TrialRecord) -> Iterator[Finding]:
    broken = [first for one in record.trainings if (first := _first_not_finite(one)) is not None]
    norms = [one.gradient for one in record.trainings if one.gradient]
    largest = float(np.median([max(norm) for norm in norms])) if norms else 0.0
    if broken:
        yield Finding(
            "exploding gradients",
            f"in {len(broken)} of {len(record.trainings)} trainings the loss is no number from "
            f"epoch {min(broken)} on",
            1.0,
            {"diverged": float(len(broken))},
        )
    elif record.verdict == "diverged":
        evidence = record.reason or "the training diverged"
        yield Finding("exploding gradients", evidence, 1.0, {})
    elif not largest <= bound("large gradient"):
        yield Finding(
            "exploding gradients",
            f"the gradient over all weights has a norm of up to {largest:.3g}; more than "
            f"{bound('large gradient'):g} throws the weights away",
            _beyond(largest, bound("large gradient")),
            {"gradient": largest} if math.isfinite(largest) else {},
        )
    elif norms and (last := float(np.median([norm[-1] for norm in norms]))) < (
        least := bound("small gradient")
    ):
        yield Finding(
            "vanishing gradients",
            f"the gradient over all weights has a norm of {last:.1e} at the end; below "
            f"{least:.0e} no step changes the weights",
            _beyond(least, last) if last else 1.0,
            {"gradient": last},
        )


def _first_not_finite(training: Training) -> int | None:
    wrong = np.flatnonzero(~np.isfinite(np.asarray(training.loss, np.float64)))
    return int(wrong[0]) + 1 if len(wrong) else None


def _errors(record: TrialRecord, context: Context) -> Iterator[Finding]:
    if not (math.isfinite(record.dev_m) and math.isfinite(record.train_m)):
        return
    yield from _overfitting(record, context)
    simple = context.best_simple_m
    # A network that was stopped at a rung has not had the epochs to learn its rows.
    if record.verdict == "stopped" or simple is None:
        return
    if record.train_m > bound("train over simple") * simple:
        yield Finding(
            "underfitting",
            f"the error is {record.train_m:.2f} m on the very rows that it was trained on; "
            f"{context.best_simple} has {simple:.2f} m on rows that it never saw",
            _beyond(record.train_m, simple),
            {"train_m": record.train_m, "simple_m": simple},
        )


def _overfitting(record: TrialRecord, context: Context) -> Iterator[Finding]:
    gap, error = record.gap_m, gap_se_m(record.trainings, context)
    share = gap / record.dev_m if record.dev_m > 0 else 0.0
    said = "one training, so its standard error is unknown"
    if error is not None:
        said = f"{gap / error:.1f} times its standard error" if error else "the same in each fold"
    if share > bound("gap share") and (error is None or gap > bound("gap in SE") * error):
        yield Finding(
            "overfitting",
            f"the error is {record.train_m:.2f} m on training rows and {record.dev_m:.2f} m on "
            f"held-out rows: a gap of {gap:.2f} m, {percent(share)} of the error; {said}",
            _beyond(share, bound("gap share")),
            {"gap_m": gap, "gap_share": share},
        )
        return
    yield from _past_its_best(record)


def _past_its_best(record: TrialRecord) -> Iterator[Finding]:
    """The code's other sign of overfitting: held-out rows got worse while training went on."""
    rungs = set.intersection(*(set(one.rungs) for one in record.trainings))
    if len(record.trainings) < 2 or not rungs:
        return
    # One rung for all trainings: the least of each would lie below its end by chance alone.
    best_rung = min(rungs, key=lambda rung: sum(one.rungs[rung] for one in record.trainings))
    lost = [one.dev_m - one.rungs[best_rung] for one in record.trainings]
    mean = float(np.mean(lost))
    error = float(np.std(lost, ddof=1) / np.sqrt(len(lost)))
    best = record.dev_m - mean
    share = mean / best if best > 0 else 0.0
    if mean > bound("gap in SE") * error and share > bound("rise"):
        yield Finding(
            "overfitting",
            f"the error on held-out rows ends {mean:.2f} m above what it was after {best_rung} "
            f"epochs ({percent(share)} more); the standard error of that is {error:.2f} m",
            _beyond(share, bound("rise")),
            {"past_best_m": mean, "past_best_share": share},
        )


def gap_se_m(trainings: Sequence[Training], context: Context) -> float | None:
    """Return the standard error over folds of the gap between held-out and training rows, metres.

    Seeds of one fold share its rows, so they are averaged first. With one fold, over seeds; with
    one training, from the context; None where that does not know it either.
    """
    folds = {one.fold for one in trainings}
    by_fold = [
        float(np.mean([one.dev_m - one.train_m for one in trainings if one.fold == fold]))
        for fold in sorted(folds)
    ]
    gaps = by_fold if len(folds) > 1 else [one.dev_m - one.train_m for one in trainings]
    if len(gaps) < 2:
        return context.gap_sd_m
    return float(np.std(gaps, ddof=1) / np.sqrt(len(gaps)))
