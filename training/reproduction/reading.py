"""The line that a reproduction writes into the ledger: its test rows lie in sealed sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np

from training.config import Config
from training.ledger import Reading, Result
from training.metrics import summarise
from training.provenance import git_state, method_sha256
from training.records import Record, bundle_metrics
from training.reproduction.jobs import Job, Judge
from training.surveys import OpenedSurvey
from training.tasks import TaskResult

AGAIN: Final = "benchmark"
"""The reason: figures for the page, after which nothing is chosen."""

SPLIT: Final = "reproduction"
"""What the ledger calls it: the published test rows, trained without leaks and copies."""


def benchmark_reading(
    survey: OpenedSurvey, judge: Judge, jobs: Sequence[Job], done: Sequence[TaskResult]
) -> Reading:
    """Return what was read of the sealed sessions, by every method of the clean side.

    Args:
        survey: whose sealed sessions hold the published test rows.
        judge: of the predictions.
        jobs: of networks and simple methods.
        done: what they gave, in the same order.
    """
    results: dict[str, list[TaskResult]] = {}
    for job, result in zip(jobs, done, strict=True):
        if job.side == "clean":
            results.setdefault(job.model, []).append(result)
    records = [_record(name, judge, runs) for name, runs in results.items()]
    commit, dirty = git_state()
    return Reading(
        time_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        survey=survey.name,
        site=survey.site.id,
        floor=survey.floor,
        sealed=survey.sealed_hashes(),
        data_sha256=survey.data_sha256,
        seeds=tuple(sorted({job.task.seed for job in jobs if job.side == "clean"})),
        git_commit=commit,
        git_dirty=dirty,
        again=AGAIN,
        results=tuple(
            Result(
                method=name,
                config_sha256=method_sha256(_method(runs)),
                metrics=next(iter(bundle_metrics(records, name)), None),
            )
            for name, runs in results.items()
        ),
    )


def _method(runs: Sequence[TaskResult]) -> str | Config:
    task = runs[0].task
    return task.config if task.config is not None else task.method


def _record(name: str, judge: Judge, runs: Sequence[TaskResult]) -> Record:
    rows = judge.table.rows(runs[0].task.test)
    errors = np.stack([judge.errors_cells(run) for run in runs]) * judge.cell_m
    found = summarise(errors, rows.place, np.zeros(len(rows), np.int64), cell_m=judge.cell_m)
    finite = bool(np.isfinite(found.mean))
    return Record(
        split=SPLIT,
        honest=True,
        method=name,
        is_baseline=runs[0].task.config is None,
        n=found.n,
        seeds=found.seeds,
        mean=found.mean if finite else None,
        ci_low=found.ci_low if finite else None,
        ci_high=found.ci_high if finite else None,
        median=found.median if finite else None,
        p75=found.p75 if finite else None,
        p95=found.p95 if finite else None,
    )
