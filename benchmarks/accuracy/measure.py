"""Runs the protocols: the pool, the paper's kind of network, and every simple method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from benchmarks.accuracy.protocols import Protocol
from training.catalogue import SIMPLE_METHODS
from training.config import load_config
from training.evaluation import Evaluation, MethodResult, Plan, evaluate, to_records
from training.ledger import LEDGER, Ledger
from training.reading import reading_of
from training.records import Record, records_from
from training.splits import SEALED
from training.surveys import OpenedSurvey
from training.tasks import Workers

POOL: Final = "pool"
NETWORK: Final = "dnn"
NETWORK_SEEDS: Final = 3
REASON: Final = "benchmark"
"""Why sealed sessions are read again, in the ledger."""

LATER: Final = frozenset({"gp-residual"})
"""Simple methods that the figures to be beaten did not know: they have a column of their own."""


@dataclass(frozen=True)
class Measured:
    """One protocol, scored."""

    protocol: Protocol
    evaluation: Evaluation

    def of(self, method: str) -> MethodResult:
        """Return one method's result."""
        return next(one for one in self.evaluation.results if one.method == method)

    @property
    def best_simple(self) -> MethodResult:
        """The best simple method that draws no curve of its own through the survey."""
        return next(
            one for one in self.evaluation.results if one.is_baseline and one.method not in LATER
        )

    def mean(self, method: str) -> float:
        """Return a method's mean error in the protocol's unit."""
        return self.of(method).summary.mean / self.protocol.unit_m

    def gain(self, other: MethodResult) -> tuple[float, float, float]:
        """Return what the pool gains on another method, with its interval, in that unit."""
        gain = self.evaluation.gain_over(other, self.of(POOL))
        mean, low, high = (value / self.protocol.unit_m for value in gain)
        return mean, low, high

    def to_records(self) -> list[dict[str, Any]]:
        """Return the evaluation's records with the protocol's name."""
        records = to_records(self.evaluation, self.protocol.site.cell_m)
        return [{"protocol": self.protocol.key, **record} for record in records]


def measure(protocol: Protocol, survey: str, workers: int) -> Measured:
    """Score every method on one protocol."""
    plan = Plan(
        survey,
        protocol.site,
        protocol.table,
        protocol.split,
        list(SIMPLE_METHODS),
        [load_config(POOL)],
        (0,),
        outages=protocol.key == "uci-development-sessions",
    )
    network = replace(
        plan, baselines=(), configs=[load_config(NETWORK)], seeds=range(NETWORK_SEEDS)
    )
    with Workers(workers, protocol.table, protocol.site, protocol.unlabelled) as pool:
        done = evaluate(plan, pool)
        # Beside the figures that count; on development sessions README has it, with all splits.
        more = evaluate(network, pool).results if protocol.reach is not None else ()
    results = sorted((*done.results, *more), key=lambda one: one.summary.mean)
    return Measured(protocol, replace(done, results=tuple(results)))


def write_readings(survey: OpenedSurvey, done: Sequence[Measured]) -> None:
    """Put one line a protocol that tested sealed sessions into the ledger."""
    sealed = survey.sealed_hashes()
    for one in done:
        methods = [
            result.method if result.is_baseline else load_config(result.method)
            for result in one.evaluation.results
        ]
        again = f"{REASON}: {one.protocol.key}"
        records = _named_apart(one)
        Ledger(LEDGER).append(
            reading_of(survey, methods, records, sealed=sealed, seeds=(0,), again=again)
        )


def _named_apart(one: Measured) -> list[Record]:
    """Return the figures, `sealed` in name only where they are those of a final evaluation.

    Bundles quote what the ledger calls so; a cross-validation over sealed days too, or a fit on one
    session alone, is no figure of theirs.
    """
    records = records_from(to_records(one.evaluation, one.protocol.site.cell_m))
    split = SEALED if one.protocol.final else one.protocol.key
    return [record.model_copy(update={"split": split}) for record in records]
