from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import optuna
import pytest

from localizer.errors import ConfigError
from tests.training.tuning.studies import new_study
from training.tuning.budget import Point, claim, read_points, top_up, write_copies
from training.tuning.run import begin
from training.tuning.stops import (
    End,
    Limits,
    best,
    end_by,
    end_of,
    infeasible_share,
    limits_of,
    set_limits,
    tell_end,
    verdict_counts,
)
from training.tuning.trials import Training, TrialRecord, Verdict
from training.tuning.verdicts import tell


class Told(NamedTuple):
    """How one point of a study ends."""

    verdict: Verdict
    dev_m: float = 9.0
    reason: str = "why"


def _points(study: optuna.Study, told: Sequence[Told]) -> list[Point]:
    """Return points that ended in this order; a failed one has no retries left."""
    for one in told:
        number = sum(point.ended for point in read_points(study))
        while not (known := read_points(study))[number:] or not known[number].ended:
            _tell_next(study, one)
    return read_points(study)


def _tell_next(study: optuna.Study, one: Told) -> None:
    if not write_copies(study, read_points(study)):
        top_up(study, read_points(study), len(read_points(study)) + 1)
    (claimed,) = claim(study, read_points(study), most=1, seed=0)
    training = Training(0, 0, 1, 9, one.dev_m, 1.0, {})
    record = TrialRecord(0, {}, one.verdict, one.reason, trainings=(training,))
    tell(study, claimed.trial_id, record)


OK, FAILED = Told("ok"), Told("crashed")


@pytest.fixture
def study(journal: str) -> optuna.Study:
    return new_study(journal)


def test_the_goal_comes_before_all_else(study: optuna.Study) -> None:
    known = _points(study, [FAILED, Told("ok", 1.5)])
    limits = Limits(2, goal_m=1.5, max_failed=1, stagnation=1)
    assert end_by(known, limits) == End("goal reached", "trial 3 has 1.500 m")
    limits = replace(limits, goal_m=1.4)
    assert (end_by(known, limits) or OK)[0] == "failed"
    limits = replace(limits, max_failed=None)
    assert end_by(known, limits) == End("trials done", "2 trials")
    assert end_by(known, replace(limits, trials=3)) is None


def test_a_study_that_fails_tells_its_three_most_frequent_errors(study: optuna.Study) -> None:
    reasons = ["a", "b", "b", "c", "c", "c", "d", "d", "d", "d"]
    known = _points(study, [Told("crashed", reason=reason) for reason in reasons])
    assert end_by(known, Limits(99, max_failed=11)) is None
    assert end_by(known, Limits(99, max_failed=10)) == End(
        "failed", "10 trials failed, of 10 allowed: 4 × crashed: d; 3 × crashed: c; 2 × crashed: b"
    )


def test_infeasible_ones_are_told_and_halt_nothing(study: optuna.Study) -> None:
    known = _points(study, [Told("infeasible")] * 3 + [OK])
    assert end_by(known, Limits(9, max_failed=1)) is None
    assert infeasible_share(known) == 0.75
    assert verdict_counts(known) == {"ok": 1, "infeasible": 3}


def test_only_what_was_trained_to_the_end_may_be_best(study: optuna.Study) -> None:
    known = _points(study, [Told("stopped", 0.5), Told("ok", 2.0), Told("ok", 1.0), OK])
    found = best(known)
    assert found is not None
    assert found.rank == 2


def test_stagnation_counts_points_since_the_best(study: optuna.Study) -> None:
    known = _points(study, [Told("ok", 3.0), Told("ok", 2.0), Told("infeasible"), Told("ok", 2.5)])
    assert end_by(known, Limits(9, stagnation=3)) is None
    assert end_by(known, Limits(9, stagnation=2)) == End("stagnated", "no better one in 2 trials")


def test_limits_and_the_end_lie_in_the_study(study: optuna.Study) -> None:
    limits, end = Limits(7, 1.2, seconds=3.5), End("failed", "9 trials failed")
    set_limits(study, limits)
    assert limits_of(study.user_attrs) == limits
    tell_end(study, end)
    assert end_of(study.user_attrs) == end
    set_limits(study, limits)
    assert end_of(study.user_attrs) is None


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(0), "`trials >= 1` must hold, but got 0"),
        (Limits(1, max_failed=0), "`max_failed >= 1`"),
        (Limits(1, stagnation=-2), "`stagnation >= 1`"),
        (Limits(1, seconds=0), "`seconds > 0`"),
    ],
)
def test_limits_that_no_study_can_have_are_refused(
    study: optuna.Study, limits: Limits, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        begin(study, limits)


def test_the_terminator_names_what_it_needs(
    study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="install the extra `gp`"):
        begin(study, Limits(9, terminator=True))
