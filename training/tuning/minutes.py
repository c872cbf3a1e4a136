"""How the minutes of a study are shared between its search and its finals."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Final

import numpy as np

from training.surveys import OpenedSurvey
from training.tasks import Task, Workers
from training.tuning.finalists import LEAST_SEEDS
from training.tuning.tune import Study, default_of, final_rows

SEARCH_SHARE: Final = 0.6
"""Of the time that is given, for the search; the rest is for the finals."""
LEAST_SEARCH: Final = 0.2
"""Of the time that is given, for the search even where opening the survey took most of it."""
_LARGER: Final = 1.5
"""Times what the default takes that a finalist is taken to need: a search likes larger networks."""
_PART: Final = 10
"""Epochs that are trained to tell how long the finals take, before the search begins."""


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


def shortest_finals(survey: OpenedSurvey, study: Study, workers: int) -> float:
    """Return about how long the default and one finalist take on the fewest seeds, seconds."""
    fits = (1 + _LARGER) * LEAST_SEEDS * (len(study.rows.folds) + 1)
    # The simple methods are scored again beside the networks, by processes that start again.
    return fits * _seconds_of_a_fit(survey, study) / workers + study.simple_s


def _seconds_of_a_fit(survey: OpenedSurvey, study: Study) -> float:
    """Return about how long the default trains on a fold: the first epoch has the tracing in it."""
    rows, whole = final_rows(study), default_of(study).config
    some = min(whole.epochs, _PART)
    config = dataclasses.replace(whole, executor="fit", epochs=some)
    fold = rows.folds[0]
    task = Task("timed", 0, fold.train, fold.test, rows.split, config, 0)
    unlabelled = survey.unlabelled(rows.table.aggregation)
    times = [time.monotonic()]
    with Workers(1, rows.table, survey.site, unlabelled) as one:
        one.run([task], lambda _: times.append(time.monotonic()))
    return whole_time(times, whole.epochs)


def whole_time(times: Sequence[float], epochs: int) -> float:
    """Return how long so many epochs take, by the times of the start and of the first ones."""
    first, *others = np.diff(times)
    return float(first + (epochs - 1) * (np.median(others) if others else first))
