"""The reproduction from the survey to its records: look, plan, train, count."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from localizer.errors import ConfigError
from localizer.table import FingerprintTable
from training.ledger import Ledger
from training.provenance import git_state, versions
from training.report import progress_bars
from training.reproduction.evidence import (
    AugmentedFacts,
    Evidence,
    copy_facts,
    frame_facts,
    has_near_copy,
    pixel_facts,
    start_facts,
)
from training.reproduction.figure9_rows import AugmentedSide, augment_sides
from training.reproduction.jobs import Judge, Plan, network_jobs, simple_jobs
from training.reproduction.paper import TABLE_2
from training.reproduction.protocol import clean_rows, published_rows
from training.reproduction.reading import benchmark_reading
from training.reproduction.records import Reproduction, RunFacts
from training.reproduction.starts import LOOKS, dead_at_start
from training.silence import silenced
from training.surveys import UCI, OpenedSurvey, open_survey
from training.tasks import Workers


@dataclass(frozen=True, slots=True)
class Options:
    """How much is to be done."""

    seeds: int
    """Of the DNN; the CNN has a third as many."""
    epochs: int
    workers: int


def run_reproduction(
    workdir: Path, options: Options, ledger: Ledger, console: Console
) -> Reproduction:
    """Measure Table II, Figure 6 and Figure 9 on the UCI survey.

    Args:
        workdir: where the survey file is built.
        options: how much is to be done.
        ledger: gets a line, for the published test rows lie in sealed sessions.
        console: told what runs.

    Raises:
        ConfigError: the site has no grid cells.
    """
    started = time.monotonic()
    load_before = os.getloadavg()[0]
    cpu_before = _cpu_s()
    survey = open_survey(UCI, workdir)
    labelled = survey.published("mean")
    with silenced():
        table, augmented = augment_sides(labelled, survey.unlabelled("mean"), survey.site)
    published, clean = published_rows(labelled), clean_rows(labelled)
    judge = Judge(
        table,
        has_near_copy(labelled.rows(published.test), labelled.rows(published.train)),
        _cell_m(survey),
    )
    with Workers(options.workers, table, survey.site) as workers:
        plan = _plan(options, workers, labelled)
        simple = simple_jobs(published, clean)
        jobs = network_jobs(plan, published, clean, augmented)
        tasks = [job.task for job in (*jobs, *simple)]
        console.print(f"{len(jobs)} networks and {len(simple)} simple methods ...")
        with progress_bars(console, tasks) as progress:
            done = workers.run(tasks, progress)
    ledger.append(benchmark_reading(survey, judge, [*jobs, *simple], done))
    evidence = _evidence(survey, labelled, plan, augmented)
    commit, dirty = git_state()
    facts = RunFacts(
        seeds=options.seeds,
        epochs=options.epochs,
        workers=options.workers,
        cores=os.cpu_count() or 1,
        load_before=load_before,
        wall_s=time.monotonic() - started,
        cpu_s=_cpu_s() - cpu_before,
        data_sha256=survey.data_sha256,
        git_commit=commit,
        git_dirty=dirty,
        versions=versions(),
    )
    return Reproduction(
        facts,
        tuple(judge.networks(jobs, done[: len(jobs)])),
        tuple(judge.simple(simple, done[len(jobs) :])),
        evidence,
    )


def _cpu_s() -> float:
    """Return the processor time of this process and of those of it that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _cell_m(survey: OpenedSurvey) -> float:
    if survey.site.cell_m is None:
        raise ConfigError(
            "the paper counts in grid cells, so the site must have `cell_m`, but has none; "
            "use the UCI site that comes with the product"
        )
    return survey.site.cell_m


def _plan(options: Options, workers: Workers, labelled: FingerprintTable) -> Plan:
    """Look at the CNN's initialisations, and choose the seeds to train."""
    cnn = next(row for row in TABLE_2 if row.network == "cnn").config(epochs=options.epochs)
    looked = range(LOOKS * Plan(options.seeds, options.epochs, ()).cnn_seeds)
    dead = workers.call(dead_at_start, cnn, published_rows(labelled).train, looked)
    return Plan(options.seeds, options.epochs, dead)


def _evidence(
    survey: OpenedSurvey,
    labelled: FingerprintTable,
    plan: Plan,
    augmented: list[AugmentedSide],
) -> Evidence:
    return Evidence(
        copies=copy_facts(labelled),
        frame=frame_facts(labelled, survey.site),
        pixels=pixel_facts(labelled),
        starts=start_facts(plan.dead),
        augmented=tuple(_augmented_facts(side) for side in augmented),
    )


def _augmented_facts(side: AugmentedSide) -> AugmentedFacts:
    return AugmentedFacts(
        model=side.model,
        side=side.rows.side,
        train=len(side.rows.train),
        test=len(side.rows.test),
        added=side.added,
        made_from_test=side.made_from_test,
        test_rows_in_training=side.test_rows_in_training,
    )
