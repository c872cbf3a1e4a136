"""Which of the best trials is best: trained again on fresh seeds, beside the default.

The least error of a search is a lucky one: many were tried, on few seeds. So the finalists are
trained again through Keras itself on seeds that the search has not used, and the simplest of those
that are as good as the best, within one standard error, wins (Breiman et al. 1984, the 1-SE rule).
What it gained is then told on rows that no trial was trained or scored on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from localizer.table import FingerprintTable
from training.config import NetworkConfig
from training.metrics import errors_m, resampled_groups
from training.splits import Fold
from training.tasks import Progress, Task, TaskResult, Workers
from training.tuning.gains import Gain, paired_gain

FINALISTS: Final = 5
SEEDS: Final = 16
LEAST_SEEDS: Final = 4
"""Of finals that have too little time: fewer say nothing about what a seed is worth."""
FIRST_SEED: Final = 10_000
"""No search gets so far: these seeds are fresh."""
DEFAULT: Final = "default"
"""Name of the configuration that a search starts from."""
_UNSEEN: Final = -1
"""Fold of the tasks that are scored on the unseen rows."""


class Candidate(NamedTuple):
    """A configuration that came out best, and the trial that it is from."""

    config: NetworkConfig
    trial: int | None
    """None for a default that no trial was."""
    weights: int
    """Trainable numbers: the fewer, the simpler."""


@dataclass(frozen=True)
class Finalist:
    """One finalist, or the default, on fresh seeds."""

    candidate: Candidate
    dev: NDArray[np.float64]
    """[seeds, n], metres, on the folds of the rows that were searched on."""
    unseen: NDArray[np.float64]
    """[seeds, m], metres, on the rows that were not."""

    @property
    def name(self) -> str:
        """Of its configuration."""
        return self.candidate.config.name

    @property
    def dev_m(self) -> float:
        """Mean error, metres."""
        return float(self.dev.mean())

    @property
    def dev_se_m(self) -> float:
        """Standard error of `dev_m` over seeds, metres; 0 for one seed."""
        if len(self.dev) < 2:
            return 0.0
        return float(self.dev.mean(axis=1).std(ddof=1) / np.sqrt(len(self.dev)))

    @property
    def unseen_m(self) -> float:
        """Mean error on unseen rows, metres."""
        return float(self.unseen.mean())


@dataclass(frozen=True)
class Finals:
    """The finalists and the simple methods, and who has won."""

    default: Finalist
    finalists: tuple[Finalist, ...]
    """Best on the searched rows first; the default is none of them."""
    simple: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
    """Errors of each simple method, metres: [n] on the folds, [m] on the unseen rows."""
    groups: NDArray[np.int64]
    """[n], rows of the folds that share their surroundings."""
    unseen_groups: NDArray[np.int64]
    """[m]."""

    @property
    def winner(self) -> Finalist:
        """The simplest within one standard error of the best; the default is one of them."""
        all_of_them = (self.default, *self.finalists)
        best = min(all_of_them, key=lambda one: one.dev_m)
        good = [one for one in all_of_them if one.dev_m <= best.dev_m + best.dev_se_m]
        # Equally simple ones by their error: the default is not preferred to a better network.
        return min(good, key=lambda one: (one.candidate.weights, one.dev_m))

    def dev_gain(self, one: Finalist) -> Gain:
        """Return what a finalist gains on the default on the rows that were searched on.

        The search has chosen by these rows: it flatters.
        """
        return paired_gain(self.default.dev, one.dev, self.groups)

    @property
    def gain(self) -> Gain:
        """What the winner gains on the default on rows that the search has never seen."""
        return paired_gain(self.default.unseen, self.winner.unseen, self.unseen_groups)

    @property
    def best_simple(self) -> str:
        """The simple method with the least error on the rows that were searched on."""
        return min(self.simple, key=lambda name: float(self.simple[name][0].mean()))


class Rows(NamedTuple):
    """The rows that the finals are about, in the table that the workers hold."""

    table: FingerprintTable
    folds: Sequence[Fold]
    """By row number of the table, unseen rows in none of them."""
    unseen: Fold
    """Trained on all rows of the folds."""
    split: str


def run_finals(
    candidates: Sequence[Candidate],
    simple: Sequence[str],
    rows: Rows,
    workers: Workers,
    *,
    seeds: int = SEEDS,
    left_s: float | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Finals:
    """Train finalists and default again, through Keras itself, and score the simple methods.

    Args:
        candidates: the default first, then the finalists, the best first.
        simple: names of simple methods.
        rows: what to train and score on.
        workers: they hold the table.
        seeds: fresh ones for each network.
        left_s: wall time that there is, seconds; None for as long as it takes. With too little
            there are fewer seeds first, then fewer finalists: `LEAST_SEEDS` of one there always
            are.
        progress: told what has been done.
    """
    if left_s is None:
        done = workers.run(final_tasks(candidates, simple, rows, seeds), progress)
        return _scored(done, candidates, simple, rows, seeds)
    pace = _Pace(workers, time.monotonic() + left_s, progress)
    done = workers.run(_tasks(simple, rows), progress)
    least, fits = min(seeds, LEAST_SEEDS), len(rows.folds) + 1
    chosen = list(candidates[:2])
    done += pace.run(_tasks(chosen, rows))
    for candidate in candidates[2:]:
        if pace.is_late(fits * (1 + (least - 1) * (len(chosen) + 1))):
            break
        done += pace.run(_tasks([candidate], rows))
        chosen.append(candidate)
    drawn, a_seed = 1, fits * len(chosen)
    together = max(1, workers.count // a_seed)
    while drawn < seeds:
        more = min(together, seeds - drawn)
        if drawn >= least and pace.is_late(a_seed * more):
            break
        ahead = range(drawn, drawn + more)
        done += pace.run([task for seed in ahead for task in _tasks(chosen, rows, seed)])
        drawn += more
    return _scored(done, chosen, simple, rows, drawn)


class _Pace:
    """Works tasks off and knows whether more of them would end in time."""

    def __init__(
        self, workers: Workers, until_s: float, progress: Callable[[Progress], None]
    ) -> None:
        self._workers = workers
        self._until_s = until_s
        self._progress = progress
        self._seconds = 0.0
        self._waves = 0
        """As many tasks as there are processes, or less."""

    def run(self, tasks: Sequence[Task]) -> list[TaskResult]:
        began = time.monotonic()
        done = self._workers.run(tasks, self._progress)
        self._seconds += time.monotonic() - began
        self._waves += self._waves_of(len(tasks))
        return done

    def is_late(self, tasks: int) -> bool:
        """Tell whether so many tasks more, as long as those before, would end too late."""
        each_s = self._seconds / self._waves
        return time.monotonic() + self._waves_of(tasks) * each_s > self._until_s

    def _waves_of(self, tasks: int) -> int:
        return math.ceil(tasks / self._workers.count)


def final_tasks(
    candidates: Sequence[Candidate], simple: Sequence[str], rows: Rows, seeds: int
) -> list[Task]:
    """Return the fits of finals that time does not cut short."""
    drawn = (task for seed in range(seeds) for task in _tasks(candidates, rows, seed))
    return [*_tasks(simple, rows), *drawn]


def _tasks(methods: Sequence[Candidate | str], rows: Rows, seed: int = 0) -> list[Task]:
    """Return the fits of networks or simple methods on every fold, and on all that were searched.

    Args:
        methods: a simple method by its name.
        rows: what to train and score on.
        seed: how many of a network's were drawn before.
    """
    folds = [*enumerate(rows.folds), (_UNSEEN, rows.unseen)]
    tasks = []
    for one in methods:
        if isinstance(one, str):
            name, config, drawn = one, None, 0
        else:
            name, drawn = one.config.name, FIRST_SEED + seed
            config = replace(one.config, executor="fit")
        tasks += [
            Task(name, number, fold.train, fold.test, rows.split, config, drawn)
            for number, fold in folds
        ]
    return tasks


def _scored(
    done: Sequence[TaskResult],
    candidates: Sequence[Candidate],
    simple: Sequence[str],
    rows: Rows,
    seeds: int,
) -> Finals:
    of: dict[tuple[str, int, int], TaskResult] = {
        (one.task.method, one.task.seed, one.task.fold): one for one in done
    }
    numbers = range(len(rows.folds))

    def errors(name: str, seed: int, fold: int) -> NDArray[np.float64]:
        result = of[name, seed, fold]
        return errors_m(result.predicted, rows.table.position_m[result.task.test])

    def on_folds(name: str, seed: int) -> NDArray[np.float64]:
        return np.concatenate([errors(name, seed, fold) for fold in numbers])

    def final(one: Candidate) -> Finalist:
        name, drawn = one.config.name, range(FIRST_SEED, FIRST_SEED + seeds)
        return Finalist(
            one,
            np.stack([on_folds(name, seed) for seed in drawn]),
            np.stack([errors(name, seed, _UNSEEN) for seed in drawn]),
        )

    default, *others = [final(one) for one in candidates]
    tested = rows.table.rows(np.concatenate([fold.test for fold in rows.folds]))
    unseen = rows.table.rows(rows.unseen.test)
    return Finals(
        default,
        tuple(sorted(others, key=lambda one: one.dev_m)),
        {name: (on_folds(name, 0), errors(name, 0, _UNSEEN)) for name in simple},
        resampled_groups(tested.place, tested.session),
        resampled_groups(unseen.place, unseen.session),
    )
