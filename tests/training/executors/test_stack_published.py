"""The paper's networks on the rows that it published, by every executor."""

import functools
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from localizer.features import Features
from localizer.manifest import TargetScale
from localizer.table import FingerprintTable
from tests.real_data import uci_files
from tests.training.executors.lanes import by_loop
from training.config import NetworkConfig, load_network
from training.executors import TrainingSet
from training.executors.stack import BEST, Lane, Stack
from training.metrics import errors_m
from training.preparation import prepare
from training.splits import SPLITS, Fold
from training.surveys import OpenedSurvey, open_survey
from training.tasks import Task, Workers

SEEDS = 32
CLOSE_CELLS = 0.1
"""What an executor may change of the final error: less than a tenth of what a seed does."""


class Published(NamedTuple):
    survey: OpenedSurvey
    table: FingerprintTable
    fold: Fold

    @property
    def cell_m(self) -> float:
        assert self.survey.site.cell_m is not None
        return self.survey.site.cell_m


@functools.cache
def _published() -> Published:
    with tempfile.TemporaryDirectory() as folder:
        survey = open_survey("uci", Path(folder))
        table = survey.published("mean")
    return Published(survey, table, SPLITS["published"].folds(table)[0])


def _prepared(config: NetworkConfig) -> tuple[TrainingSet, Features, TargetScale]:
    survey, table, fold = _published()
    ready = prepare(config, table.rows(fold.train), survey.site, seed=0)
    held_out = prepare(config, table.rows(fold.test), survey.site, seed=0).data.inputs
    return ready.data, held_out, ready.scale


@pytest.mark.parametrize("preset", ["paper-dnn", "paper-cnn"])
def test_after_an_epoch_the_stack_is_where_loop_is(preset: str) -> None:
    uci_files()
    config = load_network(preset)
    data, held_out, scale = _prepared(config)
    lanes = [Lane(config, seed, data, held_out) for seed in (1, 2)]
    stack = Stack(lanes)
    curves = stack.advance(1)
    for i, one in enumerate(lanes):
        model, curve = by_loop(one, 1, tries=stack.tries[i])
        assert curves[i, 0] == pytest.approx(curve[0], rel=1e-4)
        apart = np.abs(np.asarray(model(held_out)) - stack.predict()[i])
        assert apart.max() * scale.scale_m[0] < 0.05 * _published().cell_m
        for mine, theirs in zip(stack.weights(i), model.get_weights(), strict=True):
            # The largest are left out: where a gradient is rounding alone, Adam steps by its sign.
            apart = np.abs(mine - theirs) / (1 + np.abs(theirs))
            assert np.quantile(apart, 0.9) < 1e-4


@pytest.mark.long
@pytest.mark.parametrize("preset", ["paper-dnn", "paper-cnn"])
def test_no_executor_changes_the_final_error(preset: str) -> None:
    uci_files()
    config = load_network(preset)
    errors = {name: _by_keras(replace(config, executor=name)) for name in ("fit", "loop")}
    errors["stack"] = _by_stack(config)
    for name in ("loop", "stack"):
        # The median: a seed may end in a bad place for a rounding.
        differences = errors[name] - errors["fit"]
        print(f"{preset} {name} - fit: {np.median(differences):.3f} ({differences.mean():.3f})")
        assert abs(np.median(differences)) < CLOSE_CELLS, f"{name}: {np.sort(differences)}"


def _by_keras(config: Any) -> NDArray[np.float64]:
    """Mean error of each seed, cells."""
    survey, table, fold = _published()
    tasks = [
        Task(config.name, seed, fold.train, fold.test, "published", config, seed)
        for seed in range(SEEDS)
    ]
    with Workers(2, table, survey.site) as workers:
        done = {one.task.seed: one.predicted for one in workers.run(tasks, lambda _: None)}
    return _errors_cells([done[seed] for seed in range(SEEDS)])


def _by_stack(config: NetworkConfig) -> NDArray[np.float64]:
    data, held_out, scale = _prepared(config)
    size = min(BEST[config.network], SEEDS)
    predicted = []
    for start in range(0, SEEDS, size):
        seeds = range(start, start + size)
        stack = Stack([Lane(config, seed, data, held_out) for seed in seeds])
        stack.advance(config.epochs)
        predicted += [p * np.asarray(scale.scale_m) + scale.offset_m for p in stack.predict()]
    return _errors_cells(predicted)


def _errors_cells(predicted: Any) -> NDArray[np.float64]:
    _, table, fold = _published()
    truth = table.position_m[fold.test]
    return np.asarray([errors_m(one, truth).mean() for one in predicted]) / _published().cell_m
