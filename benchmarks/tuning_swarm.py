"""64 workers on one PostgreSQL: how long each of them waits to get a trial, and to tell of it.

    python -m benchmarks.tuning_swarm [--workers 64] [--trial 5] [--seconds 120]

The server is Debian's, started for this run on this machine, which also runs all workers: what they
cost is in the figures. A trial sleeps, so that nothing else is. An ask is everything from the end
of a trial to the beginning of the worker's next one: the study read, ended trials counted, a trial
claimed, its lease written, the next waiting trial written, its parameters drawn at random.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import optuna

from benchmarks.results import Row, at_most, print_table
from tests.postgres import running_postgres
from training.tuning.local_workers import Crew
from training.tuning.run import run_study
from training.tuning.stops import Limits
from training.tuning.storage import open_storage
from training.tuning.stub import Stub, build_stub
from training.tuning.study import Identity, Objective, open_study
from training.tuning.trials import TrialRecord
from training.tuning.watch import View
from training.tuning.worker import Assignment, AtRung, Work

AREA: Final = "swarm"
WORKERS: Final = 64
TRIAL_S: Final = 5.0
SECONDS: Final = 120.0
BOUND_S: Final = 1.0
STUDY: Final = "swarm"
IDENTITY: Final = Identity("none", "none", Objective("stub", "none", 1, (0,), 9, (9,)))


def build_timed(stub: Stub, folder: Path, study: optuna.Study) -> Work:
    """Return a stub's work that writes down how long each ask and each tell took."""
    work = build_stub(stub, study)
    told_at: list[float] = []

    def evaluate(assigned: Sequence[Assignment], at_rung: AtRung) -> Iterator[TrialRecord]:
        with (folder / f"{os.getpid()}").open("a") as file:
            if told_at:
                print("ask", time.monotonic() - told_at.pop(), file=file)
            for record in work.evaluate(assigned, at_rung):
                before = time.monotonic()
                yield record  # the worker tells it, and then comes back
                told_at[:] = [time.monotonic()]
                print("tell", told_at[0] - before, file=file)

    return Work(work.propose, evaluate)


def measure(
    *, workers: int = WORKERS, trial_s: float = TRIAL_S, seconds: float = SECONDS
) -> Iterator[Row]:
    """Let a swarm work, and say how long its workers waited."""
    with tempfile.TemporaryDirectory() as folder, running_postgres() as server:
        asked = _Asked(workers, trial_s, seconds)
        times = _swarm(server.new_database(STUDY), Path(folder), asked)
    for kind in ("ask", "tell"):
        waited = np.array([value for name, value in times if name == kind])
        p50, p95 = np.percentile(waited, [50, 95])
        name = f"{kind}, {workers} workers on PostgreSQL, {len(waited)} times"
        yield Row(AREA, f"{name}: p50", float(p50), "s")
        yield at_most(AREA, f"{name}: p95", float(p95), "s", BOUND_S)


class _Asked(NamedTuple):
    workers: int
    trial: float
    seconds: float


def _swarm(place: str, folder: Path, options: _Asked) -> list[tuple[str, float]]:
    # One rung, the last one: a trial asks nobody on the way.
    stub = Stub(rungs=(9,), seconds=options.trial)
    crew = Crew(
        place,
        STUDY,
        partial(build_timed, stub, folder),
        9,
        count=options.workers,
        start="forkserver",
    )
    study = open_study(open_storage(place), STUDY, IDENTITY, code_version="benchmark")
    # More trials than there is time for: the figures are those of a study that goes on.
    limits = Limits(100_000, seconds=options.seconds)
    outcome = run_study(study, crew, limits, _print)
    print(
        f"{outcome.status}: {outcome.done} trials of {options.trial:g} s in {outcome.seconds:.0f} s"
    )
    lines = [line.split() for path in folder.iterdir() for line in path.read_text().splitlines()]
    return [(name, float(value)) for name, value in lines]


def _print(view: View) -> None:
    load, *_ = os.getloadavg()
    print(f"{view.elapsed_s:.0f} s: {view.done} done, {len(view.running)} run, load {load:.1f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--trial", type=float, default=TRIAL_S, help="seconds that a trial takes")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of the whole swarm")
    options = parser.parse_args()
    rows = measure(workers=options.workers, trial_s=options.trial, seconds=options.seconds)
    print_table(list(rows))


if __name__ == "__main__":
    main()
