"""Seconds a training of the paper's networks takes: Keras `fit`, `loop` and `stack`, side by side.

Every way of training has a process of its own, pinned to the same core or cores as the one that it
is compared with, and their turns alternate: what else the machine does meets all alike.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from benchmarks.results import Row
from localizer.features import Features
from training.config import NetworkConfig, load_network
from training.splits import SPLITS
from training.surveys import open_survey

if TYPE_CHECKING:
    # TensorFlow comes with it: other benchmarks do not wait for that.
    from training.executors import TrainingSet

AREA: Final = "executors"
PRESETS: Final = ("paper-dnn", "paper-cnn")
ROUNDS: Final = 3
"""Warm trainings of each kind; their median is told."""

TIMES: Final[Mapping[tuple[str, str], float]] = {
    ("paper-dnn", "stack"): 90,
    ("paper-dnn", "two stacks"): 180,
    ("paper-dnn", "loop"): 8,
    ("paper-cnn", "stack"): 8,
    ("paper-cnn", "two stacks"): 14,
    ("paper-cnn", "loop"): 4,
}
"""How much faster than `fit` on the same cores, at least."""


class Trial(NamedTuple):
    """A network, and the rows of the published split that it trains on and is scored on."""

    config: NetworkConfig
    data: TrainingSet
    test: TrainingSet


class Seconds(NamedTuple):
    """Wall time a training, on one core or on two."""

    cold: float
    """The first one of its architecture in a process, with what is traced and compiled."""
    warm: float
    """Any other."""


class Job(NamedTuple):
    """What a process does at its turn."""

    way: str
    trial: Trial
    seed: int


def measure() -> Iterator[Row]:
    """Time a training of each network by each executor."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    for trial in _trials():
        one = _timed(trial, {"fit": [cores[:1]], "loop": [cores[:1]], "stack": [cores[:1]]})
        yield from _rows(trial.config, one, "one core")
        if len(cores) == 2:
            two = _timed(trial, {"fit": [cores], "two stacks": [cores[:1], cores[1:]]})
            yield from _rows(trial.config, two, "two cores")


def _trials() -> list[Trial]:
    from training.preparation import prepare

    with tempfile.TemporaryDirectory() as folder:
        survey = open_survey("uci", Path(folder))
        table = survey.published("mean")
    fold = SPLITS["published"].folds(table)[0]
    trials = []
    for preset in PRESETS:
        config = replace(load_network(preset), dead_output_tries=1)
        ready = prepare(config, table.rows(fold.train), survey.site, seed=0)
        test = prepare(config, table.rows(fold.test), survey.site, seed=0).data
        trials.append(Trial(config, ready.data, test))
    return trials


def _timed(trial: Trial, cores_of: Mapping[str, Sequence[Sequence[int]]]) -> dict[str, Seconds]:
    """Time each way by turns; one with several processes runs in all of them at once."""
    found: dict[str, list[float]] = {way: [] for way in cores_of}
    with ExitStack() as stack:
        started = {
            way: [stack.enter_context(_pinned(cores)) for cores in processes]
            for way, processes in cores_of.items()
        }
        for turn in range(1 + ROUNDS):
            for way, pipes in started.items():
                for i, pipe in enumerate(pipes):
                    pipe.send(Job(way, trial, seed=1000 * turn + 100 * i))
                each = [pipe.recv() for pipe in pipes]
                found[way].append(max(each) / len(each))
    return {way: Seconds(s[0], float(np.median(s[1:]))) for way, s in found.items()}


@contextmanager
def _pinned(cores: Sequence[int]) -> Iterator[Connection]:
    """Start a process on some cores; what is sent gets the seconds a training took."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(theirs, list(cores)), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.join(timeout=10)


def _serve(pipe: Connection, cores: list[int]) -> None:
    os.sched_setaffinity(0, cores)
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(len(cores))
    tf.config.threading.set_inter_op_parallelism_threads(len(cores))
    while True:
        try:
            way, trial, seed = pipe.recv()
        except EOFError:
            return
        start = time.perf_counter()
        trainings = WAYS[way](trial, seed)
        pipe.send((time.perf_counter() - start) / trainings)


def _by_fit(trial: Trial, seed: int) -> int:
    """Keras as a person writes it, and as the paper's code does: validation after each epoch."""
    from training.executors.steps import new_optimizer, row_losses
    from training.networks import build_network

    config, data, test = trial
    model = build_network(config, _shapes(data.inputs), seed=seed)
    model.compile(optimizer=new_optimizer(config), loss=lambda y, out: row_losses(config, y, out))
    model.fit(
        data.inputs,
        data.target,
        batch_size=config.batch_size,
        epochs=config.epochs,
        validation_data=(test.inputs, test.target),
        verbose=0,
    )
    return 1


def _by_loop(trial: Trial, seed: int) -> int:
    from training.executors.loop import LoopTraining
    from training.networks import build_network

    model = build_network(trial.config, _shapes(trial.data.inputs), seed=seed)
    LoopTraining(trial.config, model, trial.data, seed).advance(trial.config.epochs)
    model(trial.test.inputs)
    return 1


def _by_stack(trial: Trial, seed: int) -> int:
    from training.executors.stack import BEST, Lane, Stack

    count = BEST[trial.config.network]
    config, data, test = trial
    stack = Stack([Lane(config, seed + i, data, test.inputs) for i in range(count)])
    stack.advance(config.epochs)
    stack.predict()
    return count


WAYS: Final[Mapping[str, Callable[[Trial, int], int]]] = {
    "fit": _by_fit,
    "loop": _by_loop,
    "stack": _by_stack,
    "two stacks": _by_stack,
}
"""Each returns how many trainings it ran."""


def _shapes(inputs: Features) -> dict[str, tuple[int, ...]]:
    return {name: value.shape[1:] for name, value in inputs.items()}


def _rows(config: NetworkConfig, found: Mapping[str, Seconds], where: str) -> Iterator[Row]:
    network, fit = config.network.upper(), found["fit"]
    what = f"{network}, {config.epochs} epochs, batches of {config.batch_size}, {where}"
    for way, (cold, warm) in found.items():
        yield Row(AREA, f"{what}: {way}, the first", cold, "s a training")
        yield Row(AREA, f"{what}: {way}", warm, "s a training")
        if way != "fit":
            goal, times = TIMES[config.name, way], fit.warm / warm
            against = f"fit {fit.warm:.2f} s"
            met = times >= goal
            name = f"{what}: {way}, how much faster"
            yield Row(AREA, name, times, "times", against, None, f"at least {goal:g} times", met)
