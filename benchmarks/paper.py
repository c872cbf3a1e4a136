"""The default rows of arXiv:2006.08925, by its own protocol, and the same without the copies."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.results import Row
from localizer.table import FingerprintTable
from training.config import load_config
from training.metrics import errors_m
from training.splits import SPLITS
from training.surveys import open_survey
from training.tasks import Task, TaskResult, Workers

AREA: Final = "paper"
SEEDS: Final = 16
FEET_A_METRE: Final = 1 / 0.3048

PAPER_FT: Final = {"paper-dnn": 23.2, "paper-cnn": 24.0}
"""Table II of the paper: mean error with Adam at its defaults, feet."""

NEAR: Final = (0.9, 1.1)
"""Our median over seeds, as a multiple of the paper's single figure: 16 seeds of one network spread
by as much."""


def measure() -> Iterator[Row]:
    """Train the paper's two networks on its published split, with its copies and without."""
    with tempfile.TemporaryDirectory() as folder:
        survey = open_survey("uci", Path(folder))
        table = survey.published("mean")
        fold = SPLITS["published"].folds(table)[0]
        genuine = fold.train[~table.synthetic[fold.train]]
        sides = {"published": fold.train, "without the copies": genuine}
        tasks = [
            Task(preset, i, train, fold.test, side, load_config(preset), seed)
            for preset in reversed(PAPER_FT)
            for side, train in sides.items()
            for i, seed in enumerate(range(SEEDS))
        ]
        with Workers(2, table, survey.site) as workers:
            done = workers.run(tasks, lambda _: None)
    for preset in PAPER_FT:
        runs = [result for result in done if result.task.method == preset]
        yield from _rows(preset, runs, table)


def _rows(preset: str, runs: Sequence[TaskResult], table: FingerprintTable) -> Iterator[Row]:
    paper = PAPER_FT[preset]
    network = preset.removeprefix("paper-").upper()
    for side in ("published", "without the copies"):
        errors = _mean_errors_ft([r for r in runs if r.task.split == side], table)
        name = f"{network} Adam, {side}: median of {SEEDS} seeds ({_spread(errors)})"
        value = float(np.median(errors))
        ratio = value / paper
        goal = f"{NEAR[0]} to {NEAR[1]} times the paper" if side == "published" else None
        met = NEAR[0] <= ratio <= NEAR[1] if goal else None
        yield Row(AREA, name, value, "ft", f"paper {paper} ft", ratio, goal, met)
    died = sum(bool(result.settings["dead_at_end"]) for result in runs)
    yield Row(AREA, f"{network}, runs with a dead output at the end", 100 * died / len(runs), "%")
    dead = sum(int(result.settings["dead_initialisations"]) for result in runs)
    tries = sum(int(result.settings["initialisations"]) for result in runs)
    share = 100 * dead / tries
    name = f"{network}, initialisations with a dead output ({dead} of {tries})"
    yield Row(AREA, name, share, "%")


def _mean_errors_ft(runs: Sequence[TaskResult], table: FingerprintTable) -> NDArray[np.float64]:
    truth = [table.position_m[result.task.test] for result in runs]
    means = [errors_m(r.predicted, t).mean() for r, t in zip(runs, truth, strict=True)]
    return np.asarray(means) * FEET_A_METRE


def _spread(errors_ft: NDArray[np.float64]) -> str:
    return f"{errors_ft.min():.1f} to {errors_ft.max():.1f}, sd {errors_ft.std(ddof=1):.1f}"
