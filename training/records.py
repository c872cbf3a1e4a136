"""The figures of a run as its metrics.json has them, and what a bundle keeps of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, FiniteFloat

from localizer.manifest import Metrics, SpreadMetrics


class Record(BaseModel):
    """Errors of one method on one split, metres; a diverged method has none.

    Some of the fields of `training.evaluation.to_records`; the others are not needed here.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    split: str
    honest: bool
    method: str
    is_baseline: bool
    n: int
    seeds: int
    mean: FiniteFloat | None
    ci_low: FiniteFloat | None
    ci_high: FiniteFloat | None
    median: FiniteFloat | None
    p75: FiniteFloat | None
    p95: FiniteFloat | None
    nll: FiniteFloat | None = None
    """None, as all of these, for a method without distributions and in older records."""
    energy_score: FiniteFloat | None = None
    coverage_68: FiniteFloat | None = None
    coverage_95: FiniteFloat | None = None
    sharpness_68: FiniteFloat | None = None
    sharpness_95: FiniteFloat | None = None


def records_from(documents: Sequence[Mapping[str, Any]]) -> tuple[Record, ...]:
    """Return what `to_records` gives, checked.

    Raises:
        pydantic.ValidationError: a field is missing or no figure.
    """
    return tuple(Record.model_validate(document) for document in documents)


def bundle_metrics(records: Sequence[Record], method: str) -> tuple[Metrics, ...]:
    """Return what a bundle says about its method, one item a split on which it has figures."""
    return tuple(
        Metrics(
            split=record.split,
            honest=record.honest,
            n=record.n,
            seeds=record.seeds,
            mean_m=_known(record.mean),
            ci_low_m=_known(record.ci_low),
            ci_high_m=_known(record.ci_high),
            median_m=_known(record.median),
            p75_m=_known(record.p75),
            p95_m=_known(record.p95),
            baseline=baseline.method,
            baseline_mean_m=_known(baseline.mean),
            spread=_spread(record),
        )
        for record in records
        if record.method == method and record.mean is not None
        for baseline in [_best_baseline(records, record.split)]
    )


def _spread(record: Record) -> SpreadMetrics | None:
    if record.nll is None:
        return None
    return SpreadMetrics(
        nll=record.nll,
        energy_score_m=_known(record.energy_score),
        coverage_68=_known(record.coverage_68),
        coverage_95=_known(record.coverage_95),
        r68_m=_known(record.sharpness_68),
        r95_m=_known(record.sharpness_95),
    )


def _best_baseline(records: Sequence[Record], split: str) -> Record:
    of_split = [one for one in records if one.split == split and one.is_baseline]
    return min(of_split, key=lambda one: _known(one.mean))


def _known(value: float | None) -> float:
    return float("nan") if value is None else value
