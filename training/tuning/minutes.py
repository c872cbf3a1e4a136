"""How the minutes of a study are shared between its search and its finals."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence
from typing import Final

from training.config import NetworkConfig
from training.tasks import Progress, Task, Workers
from training.tuning.finalists import LEAST_SEEDS

SEARCH_SHARE: Final = 0.6
"""Of the time that is given, for the search; the rest is for the finals."""
LEAST_SEARCH: Final = 0.4
"""Of the time that is given, for the search even where opening the survey or the finals take most
of it: without a trial there is nothing to compare."""
_LARGER: Final = 3.0
"""Times what the default takes that a finalist is taken to need: a search likes larger networks and
smaller batches; three times is an estimate after two studies of `automl`."""
_PART: Final = 25
"""Epochs that are trained to tell how long the finals take, before the search begins: of fewer the
tenths of a second in which processes tell of them are too large a part."""


def search_seconds(minutes: float, elapsed_s: float, finals_s: float) -> float:
    """Return the wall time of the search: its share of what is left, and less for slow finals.

    Args:
        minutes: wall time of the whole command.
        elapsed_s: of it, what opening the survey and scoring the simple methods took.
        finals_s: of the shortest finals; 0 for none.
    """
    left_s = minutes * 60 - elapsed_s
    share = SEARCH_SHARE if finals_s else 1.0
    return max(min(left_s * share, left_s - finals_s), minutes * 60 * LEAST_SEARCH)


def shortest_finals(
    folds: int, seeds: int, workers: int, *, fit_s: float, simple_s: float
) -> float:
    """Return about how long the default and one finalist take on the fewest seeds, seconds.

    Args:
        folds: of the search.
        seeds: of finals that time does not cut short.
        workers: processes.
        fit_s: how long the default trains on a fold, by `seconds_of_a_fit`.
        simple_s: how long the simple methods take, which are scored beside the networks.
    """
    fits = 2 * min(seeds, LEAST_SEEDS) * (folds + 1)
    return math.ceil(fits / workers) * fit_s * (1 + _LARGER) / 2 + simple_s


def seconds_of_a_fit(pool: Workers, task: Task, config: NetworkConfig) -> float:
    """Return about how long a network trains by Keras, while every process of a pool trains one."""
    part = dataclasses.replace(config, executor="fit", epochs=min(config.epochs, _PART))
    tasks = [
        dataclasses.replace(task, method=f"timed-{number}", config=part)
        for number in range(pool.count)
    ]
    # Once for what a process loads at its first training.
    first = dataclasses.replace(part, epochs=1)
    pool.run([dataclasses.replace(one, config=first) for one in tasks], lambda _: None)
    times = [time.monotonic()]

    def note(progress: Progress) -> None:
        if progress.method == tasks[0].method:
            times.append(time.monotonic())

    pool.run(tasks, note)
    return whole_time([*times, time.monotonic()], config.epochs)


def whole_time(times: Sequence[float], epochs: int) -> float:
    """Return how long a training of so many epochs takes, by that of a few.

    Args:
        times: of its start, of the end of each epoch, and of its end, seconds; the first epoch has
            the tracing in it, and after the last one the network is converted and predicts.
        epochs: of the whole training.
    """
    began, *ended, end = times
    each = (ended[-1] - ended[0]) / (len(ended) - 1) if len(ended) > 1 else 0.0
    return end - began + (epochs - len(ended)) * each
