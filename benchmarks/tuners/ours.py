"""Our own studies, as `tune` runs them, without its finals."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.tuners.bench import Bench, Found
from training.config import NetworkConfig
from training.tuning.requests import Request
from training.tuning.run import Outcome
from training.tuning.stops import Limits
from training.tuning.tune import Study, candidates_of, enqueue_points, open_tuning, search

MANY: Final = 100_000
"""Trials of a study that is ended by its time."""
CREW: Final = {"count": 1, "batch": 32}
"""One process: others have one too, and all are pinned to one core."""


def by_localizer(bench: Bench, seconds: float, seed: int, *, rules: bool = True) -> Found:
    """Search with our tuner for so long, the scoring of the simple methods within it."""
    request = bench.request(sampler="tpe", seed=seed, rules=rules)
    with _searched(bench, request, Limits(MANY, seconds=seconds)) as (study, outcome):
        return Found(_best(study), outcome.done)


def wall_time(bench: Bench, trials: int, *, repeats: int) -> tuple[float, int]:
    """Return the seconds that so many trials take over all folds and `repeats` seeds, and trials.

    Median pruning is on, as it is for a user.
    """
    request = bench.request(sampler="tpe", seed=0, rules=True)
    request = dataclasses.replace(request, repeats=repeats)
    with _searched(bench, request, Limits(trials)) as (_, outcome):
        return outcome.seconds, outcome.done


@contextmanager
def _searched(bench: Bench, request: Request, limits: Limits) -> Iterator[tuple[Study, Outcome]]:
    began = time.monotonic()
    with TemporaryDirectory() as folder:
        place = str(Path(folder) / "study.journal")
        study = open_tuning(bench.survey, request, place, "benchmark", workers=1, fork=False)
        enqueue_points(study, [], limits.trials)
        if limits.seconds is not None:
            left = limits.seconds - (time.monotonic() - began)
            limits = dataclasses.replace(limits, seconds=max(1.0, left))
        yield study, search(study, CREW, limits, lambda _: None)


def _best(study: Study) -> NetworkConfig | None:
    found = candidates_of(study, 1)[1:]
    return found[0].config if found else None
