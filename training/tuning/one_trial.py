"""One point of a space, trained by itself: what Katib, or anything else that draws points, runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from localizer.errors import ConfigError
from training.surveys import OpenedSurvey
from training.tuning.katib_metric import metric_line
from training.tuning.katib_point import read_point
from training.tuning.objective import NetworkObjective, ObjectivePlan
from training.tuning.pruners import rungs_of
from training.tuning.rows import study_rows
from training.tuning.space_files import load_space
from training.tuning.worker import Assignment


class OneTrial(NamedTuple):
    """How a trial is scored."""

    space: str
    split: str
    folds: int
    repeats: int
    epochs: int | None
    """Other than the space's base has."""
    seed: int


def run_trial(
    survey: OpenedSurvey,
    one: OneTrial,
    words: Sequence[str],
    say: Callable[[str], None],
    *,
    each_rung: bool,
) -> None:
    """Train a point and say its error by one line, or by one at every rung.

    Args:
        survey: its development rows alone are looked at.
        one: how it is scored.
        words: the point, `--learning_rate=0.001 …`.
        say: prints a line.
        each_rung: whether there is one for every rung.

    Raises:
        ConfigError: the point is not one of the space, or its training came to no error.
    """
    space = load_space(one.space).for_site(survey.site)
    if one.epochs is not None:
        space = dataclasses.replace(space, base=dataclasses.replace(space.base, epochs=one.epochs))
    point = read_point(space, list(words))
    rows = study_rows(survey.development(space.base.aggregation), one.split, one.folds)
    rungs = rungs_of(space.base.epochs)
    plan = ObjectivePlan(
        rows.search,
        survey.unlabelled(space.base.aggregation),
        survey.site,
        rows.folds,
        space,
        one.repeats,
        rungs,
        "loop",
    )
    cell_m = survey.site.cell_m

    def at_rung(number: int, epochs: int, value_m: float) -> str | None:
        if each_rung:
            say(metric_line(value_m, cell_m, at=datetime.now(UTC)))
        return None

    assigned = Assignment(0, point, one.seed, 1, "manual")
    (record,) = NetworkObjective(plan).evaluate([assigned], at_rung)
    if record.verdict != "ok":
        raise ConfigError(
            f"a trial must come to an error, but it is {record.verdict}: {record.reason}"
        )
    if not each_rung:
        say(metric_line(record.dev_m, cell_m))
