"""What every tuner is given, and how what it found is scored."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.config import NetworkConfig
from training.metrics import errors_m, resampled_groups
from training.surveys import OpenedSurvey, open_survey
from training.tasks import Task, Workers
from training.tuning.finalists import FIRST_SEED
from training.tuning.gains import Gain, paired_gain
from training.tuning.pruners import rungs_of
from training.tuning.requests import Request
from training.tuning.rows import StudyRows, study_rows
from training.tuning.rules import load_rules
from training.tuning.space import Space
from training.tuning.space_files import load_space

SPLIT: Final = "sessions"
FOLDS: Final = 5
RULES_EVERY: Final = 10
HONEST_SEEDS: Final = 16


class Found(NamedTuple):
    """What a tuner came to in its time."""

    config: NetworkConfig | None
    """The best by its own measure; None if it has none."""
    trials: int
    """Trained to the end or given up on purpose."""
    note: str = ""
    """How it ended, where that is not by its time."""


@dataclass(frozen=True)
class Bench:
    """A survey, cut as our own studies cut it, and the space."""

    survey: OpenedSurvey
    rows: StudyRows
    space: Space

    def request(self, *, sampler: str, seed: int, rules: bool) -> Request:
        """Return a study of ours."""
        epochs = self.space.base.epochs
        table = load_rules() if rules else ()
        return Request(
            self.space,
            SPLIT,
            FOLDS,
            1,
            rungs_of(epochs),
            sampler,
            "auto",
            "stack",
            seed,
            table,
            RULES_EVERY,
        )

    def honest(self, config: NetworkConfig, *, seeds: int = HONEST_SEEDS) -> NDArray[np.float64]:
        """Return the errors on rows that no tuner has seen, metres, [seeds, n], on fresh seeds.

        Trained on all rows that were searched on, by `loop`, whose errors are those of Keras `fit`.
        """
        unseen = self.rows.unseen_fold
        again = dataclasses.replace(config, executor="loop")
        tasks = [
            Task(config.name, 0, unseen.train, unseen.test, SPLIT, again, FIRST_SEED + seed)
            for seed in range(seeds)
        ]
        unlabelled = self.survey.unlabelled(self.rows.table.aggregation)
        with Workers(1, self.rows.table, self.survey.site, unlabelled) as pool:
            done = pool.run(tasks, lambda _: None)
        truth = self.rows.table.position_m[unseen.test]
        by_seed = sorted(done, key=lambda one: one.task.seed)
        return np.stack([errors_m(one.predicted, truth) for one in by_seed])

    def gain(self, before: NDArray[np.float64], after: NDArray[np.float64]) -> Gain:
        """Return what `after` gains on `before`, paired by row and seed."""
        table = self.rows.table.rows(self.rows.unseen_fold.test)
        return paired_gain(before, after, resampled_groups(table.place, table.session))


SHAPES: Final = str(Path(__file__).with_name("space.toml"))
"""A space in which nearly every trial is a network of another shape."""


@contextmanager
def opened(space: str = SHAPES) -> Iterator[Bench]:
    """Open the UCI survey's development rows and a space, a preset or a file, for a benchmark."""
    with TemporaryDirectory() as folder:
        survey = open_survey("uci", Path(folder))
        searched = load_space(space).for_site(survey.site)
        table = survey.development(searched.base.aggregation)
        yield Bench(survey, study_rows(table, SPLIT, FOLDS), searched)
