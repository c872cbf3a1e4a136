import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import pytest

from tests.training.simulated import quick, small_site, small_table
from training.tasks import Progress, Task, TaskResult, Workers
from training.tuning.finalists import LEAST_SEEDS, Candidate, Finalist, Finals, Rows, run_finals
from training.tuning.rows import study_rows

GROUPS = np.repeat(np.arange(10), 3)


def _finalist(name: str, mean_m: float, weights: int, *, unseen_m: float = 3.0) -> Finalist:
    random = np.random.default_rng(len(name))
    config = quick("dnn", name=name)
    spread = random.normal(0, 0.1, (16, 30))
    return Finalist(
        Candidate(config, len(name), weights), mean_m + spread, unseen_m + spread[:, :12]
    )


def _finals(default: Finalist, *finalists: Finalist) -> Finals:
    simple = {"weighted-centroid": (np.full(30, 2.5), np.full(12, 2.4))}
    return Finals(default, finalists, simple, GROUPS, GROUPS[:12])


def test_the_simplest_within_one_standard_error_wins() -> None:
    best, small = _finalist("best", 3.0, 9000), _finalist("smaller", 3.001, 900)
    worse = _finalist("smallest", 3.5, 90)
    finals = _finals(_finalist("default", 4.0, 6000), best, small, worse)
    assert finals.winner is small


def test_a_default_that_is_as_good_wins_where_it_is_simplest() -> None:
    default = _finalist("default", 3.0, 900)
    finals = _finals(default, _finalist("best", 2.999, 9000))
    assert finals.winner is default
    assert finals.gain.verdict == "NO GAIN"


def test_what_was_gained_is_told_on_the_unseen_rows_alone() -> None:
    default = _finalist("default", 4.0, 6000, unseen_m=3.0)
    finals = _finals(default, _finalist("best", 3.0, 5000, unseen_m=3.2))
    assert finals.dev_gain(finals.winner).verdict == "GAIN"
    assert finals.gain.verdict == "NO GAIN"
    assert finals.gain.mean_m < 0


def test_finals_train_through_keras_on_fresh_seeds_and_score_unseen_rows() -> None:
    table, site = small_table(), small_site()
    cut = study_rows(table, "cells", 2)
    rows = Rows(table, cut.final_folds, cut.unseen_fold, "cells")
    small = {"hidden": (8,), "dropout": (0.0,), "batch_norm_after": (), "epochs": 1}
    config = quick("dnn", name="default", **small)
    other = dataclasses.replace(config, name="trial-3", learning_rate=0.01)
    with Workers(1, table, site) as workers:
        finals = run_finals(
            [Candidate(config, None, 10), Candidate(other, 3, 10)],
            ["weighted-centroid"],
            rows,
            workers,
            seeds=1,
        )
    assert finals.default.dev.shape == (1, len(cut.searched))
    assert finals.finalists[0].unseen.shape == (1, len(cut.unseen))
    assert np.isfinite(finals.default.unseen).all()
    assert finals.best_simple == "weighted-centroid"
    assert len(finals.unseen_groups) == len(cut.unseen)


class _Timed:
    """Workers whose fits take a second each, on a clock of their own; a simple method's nothing."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.now_s = 0.0
        self.ran: list[Task] = []

    def run(self, tasks: Sequence[Task], _: Callable[[Progress], None]) -> list[TaskResult]:
        self.ran += tasks
        self.now_s += math.ceil(sum(task.config is not None for task in tasks) / self.count)
        return [TaskResult(task, np.zeros((len(task.test), 2)), {}) for task in tasks]


@pytest.mark.parametrize(
    ("left_s", "count", "came_to"),
    [
        (None, 1, (5, 16, 288)),  # 6 networks, 16 seeds, 2 folds and all of them
        (None, 100, (5, 16, 3)),
        (300, 1, (5, 16, 288)),
        (200, 1, (5, 11, 198)),  # fewer seeds first,
        (71, 1, (4, LEAST_SEEDS, 60)),  # then fewer finalists
        (40, 1, (2, LEAST_SEEDS, 36)),
        (0, 1, (1, LEAST_SEEDS, 24)),
        (10, 100, (5, 16, 8)),  # two, then the others by turns; five seeds side by side
        (6, 100, (5, 6, 6)),
    ],
)
def test_finals_have_as_many_seeds_and_networks_as_there_is_time_for(
    left_s: float | None,
    count: int,
    came_to: tuple[int, int, float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trials, seeds, took_s = came_to
    timed, table = _Timed(count), small_table()
    monkeypatch.setattr("time.monotonic", lambda: timed.now_s)
    cut = study_rows(table, "cells", 2)
    rows = Rows(table, cut.final_folds, cut.unseen_fold, "cells")
    candidates = [Candidate(quick("dnn", name=f"trial-{n}"), n, 10) for n in range(6)]
    finals = run_finals(
        candidates, ["weighted-centroid"], rows, cast(Workers, timed), left_s=left_s
    )
    assert finals.default.candidate.trial == 0
    assert {one.candidate.trial for one in finals.finalists} == set(range(1, trials + 1))
    assert len(finals.default.dev) == seeds
    assert timed.now_s == took_s
    assert len({(t.method, t.seed, t.fold) for t in timed.ran}) == len(timed.ran)
