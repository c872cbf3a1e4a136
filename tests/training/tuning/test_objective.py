import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

from tests.training.simulated import quick, small_site, small_table
from training.executors.running import ExecutorName
from training.tuning.objective import NetworkObjective, ObjectivePlan, config_of
from training.tuning.parameters import FloatParameter, IntParameter
from training.tuning.rows import study_rows
from training.tuning.space import Space
from training.tuning.trials import TrialRecord
from training.tuning.worker import Assignment

RUNGS = (2, 4)


def _space(**changes: object) -> Space:
    base = quick("dnn", epochs=4, **changes)
    rate = FloatParameter(name="learning_rate", low=1e-4, high=1e-1, log=True)
    return Space("small", 1, base, (rate,))


def _plan(space: Space, executor: ExecutorName = "loop") -> ObjectivePlan:
    rows = study_rows(small_table(), "cells", 2)
    nothing = rows.search.rows(slice(0))
    return ObjectivePlan(rows.search, nothing, small_site(), rows.folds, space, 1, RUNGS, executor)


def _assignments(*rates: float) -> list[Assignment]:
    return [Assignment(i, {"learning_rate": r}, 7, 1, "sampler") for i, r in enumerate(rates)]


def _go_on(number: int, epochs: int, value_m: float) -> str | None:
    return None


@pytest.mark.parametrize("executor", ["loop", "fit", "stack"])
def test_a_trial_is_scored_on_every_fold_at_every_rung(executor: ExecutorName) -> None:
    seen: list[tuple[int, int, float]] = []

    def at_rung(number: int, epochs: int, value_m: float) -> str | None:
        seen.append((number, epochs, value_m))
        return None

    plan = _plan(_space(), executor)
    records = list(NetworkObjective(plan).evaluate(_assignments(0.003, 0.01), at_rung))
    assert [record.verdict for record in records] == ["ok", "ok"]
    assert [(number, epochs) for number, epochs, _ in seen] == [(0, 2), (1, 2), (0, 4), (1, 4)]
    for record in records:
        assert record.epochs == 4
        assert [one.n for one in record.trainings] == [len(fold.test) for fold in plan.folds]
        assert all(len(one.loss) == 4 for one in record.trainings)
        assert record.dev_m == pytest.approx(seen[2 + record.number][2])
        assert record.weights > 1000
        assert np.isfinite(record.train_m)


def test_the_executors_score_a_point_alike() -> None:
    # Without dropout, which a stack draws in its own way.
    found = [
        next(
            iter(
                NetworkObjective(_plan(_space(dropout=(0.0,)), one)).evaluate(
                    _assignments(0.003), _go_on
                )
            )
        )
        for one in ("loop", "stack")
    ]
    assert found[0].dev_m == pytest.approx(found[1].dev_m, rel=1e-3)


def test_what_is_stopped_at_a_rung_trains_no_further_and_disturbs_nobody() -> None:
    def stop_first(number: int, epochs: int, value_m: float) -> str | None:
        return "not among the best" if number == 0 else None

    objective = NetworkObjective(_plan(_space()))
    stopped, ended = objective.evaluate(_assignments(0.003, 0.01), stop_first)
    (alone,) = objective.evaluate(_assignments(0.003, 0.01)[1:], _go_on)
    assert (stopped.verdict, stopped.reason, stopped.epochs) == ("stopped", "not among the best", 2)
    assert ended.dev_m == pytest.approx(alone.dev_m, rel=1e-5)


def test_a_network_that_cannot_be_built_is_infeasible_and_says_why() -> None:
    base = quick("cnn", epochs=4, filters=(4, 4), kernels=(7, 7), image_size=25)
    kernel = IntParameter(name="kernel", low=3, high=30)
    space = Space("too-large", 1, base, (kernel,))
    plan = dataclasses.replace(_plan(_space()), space=space)
    (record,) = NetworkObjective(plan).evaluate(
        [Assignment(0, {"kernel": 30}, 1, 1, "sampler")], _go_on
    )
    assert record.verdict == "infeasible"
    assert "25" in record.reason


def test_one_point_that_breaks_takes_no_other_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    objective = NetworkObjective(_plan(_space()))
    train = objective._train

    def poisoned(trials: list[object], at_rung: object) -> Iterator[TrialRecord]:
        if any(one.config.learning_rate > 0.05 for one in trials):  # type: ignore[attr-defined]
            raise MemoryError("too large")
        return train(trials, at_rung)  # type: ignore[arg-type]

    monkeypatch.setattr(objective, "_train", poisoned)
    records = {one.number: one for one in objective.evaluate(_assignments(0.003, 0.09), _go_on)}
    assert records[0].verdict == "ok"
    assert records[1].verdict == "crashed"
    assert "too large" in records[1].reason


def test_a_dead_output_is_told_before_the_first_epoch() -> None:
    base = quick("paper-cnn", epochs=4, dead_output_tries=1, target="box")
    rate = FloatParameter(name="learning_rate", low=1e-4, high=1e-1, log=True)
    plan = dataclasses.replace(_plan(_space()), space=Space("dead", 1, base, (rate,)))
    records = [
        next(
            iter(
                NetworkObjective(plan).evaluate(
                    [Assignment(0, {"learning_rate": 1e-3}, seed, 1, "sampler")], _go_on
                )
            )
        )
        for seed in range(4)
    ]
    dead = [one for one in records if one.verdict == "dead output"]
    assert dead
    assert all("0 for every row" in one.reason for one in dead)


def test_a_point_of_an_older_version_of_the_space_is_still_a_configuration() -> None:
    old = _space()
    new = old.narrowed("learning_rate", high=1e-3)
    config = config_of({"learning_rate": 0.05}, [old, new], name="trial-0")
    assert config.learning_rate == 0.05
