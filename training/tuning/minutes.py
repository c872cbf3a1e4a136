"""How the minutes of a study are shared between its search and its finals."""

from __future__ import annotations

import dataclasses
import time
from typing import Final

from training.config import NetworkConfig
from training.surveys import OpenedSurvey
from training.tasks import Progress, Task, Workers
from training.tuning.finalists import LEAST_SEEDS
from training.tuning.tune import Study, default_of, final_rows

SEARCH_SHARE: Final = 0.6
"""Of the time that is given, for the search; the rest is for the finals."""
LEAST_SEARCH: Final = 0.2
"""Of the time that is given, for the search even where opening the survey took most of it."""
_PART: Final = 10
"""One epoch of so many is trained to tell how long the finals take, before the search begins."""


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
    default = default_of(study).config
    some = max(1, default.epochs // _PART)
    part_s = _seconds_of_a_fit(survey, study, dataclasses.replace(default, epochs=some))
    fits = 2 * LEAST_SEEDS * (len(study.rows.folds) + 1)
    # The simple methods are scored again beside the networks, by processes that start again.
    return fits * part_s * default.epochs / some / workers + study.simple_s


def _seconds_of_a_fit(survey: OpenedSurvey, study: Study, config: NetworkConfig) -> float:
    rows = final_rows(study)
    config = dataclasses.replace(config, executor="fit")
    fold = rows.folds[0]
    task = Task("timed", 0, fold.train, fold.test, rows.split, config, 0)
    with Workers(1, rows.table, survey.site, survey.unlabelled(rows.table.aggregation)) as one:
        one.run([dataclasses.replace(task, config=dataclasses.replace(config, epochs=1))], _quiet)
        began = time.monotonic()
        one.run([task], _quiet)
    return time.monotonic() - began


def _quiet(progress: Progress) -> None:
    """Show nothing."""
