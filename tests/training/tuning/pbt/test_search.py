"""Populations of real networks, through a study and its worker."""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import optuna
import pytest

from tests.training.simulated import quick, small_site, small_table
from tests.training.tuning.studies import new_study, options
from training.config import config_from_toml, config_to_toml
from training.stages import CHANGEABLE
from training.tuning.budget import read_points
from training.tuning.diagnosis import Context
from training.tuning.explain import explain
from training.tuning.objective import NetworkObjective, ObjectivePlan
from training.tuning.parameters import ChoiceParameter, FloatParameter, IntParameter
from training.tuning.pbt import objective as pbt_objective
from training.tuning.pbt.lineage import POPULATION, changed, schedule_of
from training.tuning.pbt.retraining import retrained
from training.tuning.rows import study_rows
from training.tuning.run import begin
from training.tuning.search import Search, build_search, write_space
from training.tuning.space import Space
from training.tuning.stops import Limits, verdict_counts
from training.tuning.trials import TrialRecord
from training.tuning.verdicts import record_of
from training.tuning.worker import Assignment, AtRung, Work, run_worker

RUNGS = (1, 2, 3, 4, 5, 6)
RATE = FloatParameter(name="learning_rate", low=1e-4, high=1e-1, log=True)
BETA = FloatParameter(name="beta1", low=0.7, high=0.99, log=True, complement=True)
L2 = FloatParameter(name="l2", low=1e-6, high=1e-3, log=True)
WIDTH = IntParameter(name="units", low=8, high=63)


def _space(*more: Any, **changes: object) -> Space:
    # Without dropout, which a stack draws in its own way.
    base = quick("dnn", epochs=6, dropout=(0.0,), l2=1e-5, hidden=(16,), **changes)
    return Space("small", 1, base, (RATE, BETA, L2, *more))


def _plan(space: Space) -> ObjectivePlan:
    rows = study_rows(small_table(), "cells", 2)
    nothing = rows.search.rows(slice(0))
    return ObjectivePlan(rows.search, nothing, small_site(), rows.folds, space, 1, RUNGS, "stack")


def _search(space: Space, size: int = 8, *, seed: int = 0) -> Search:
    return Search(_plan(space), "pbt", "auto", seed, Context(None, ""), size)


def _worked(
    study: optuna.Study,
    search: Search,
    trials: int,
    change: Callable[[Work], Work] = lambda work: work,
    **named: Any,
) -> list[TrialRecord]:
    write_space(study, search.plan.space)
    begin(study, Limits(trials))
    run_worker(study, change(build_search(search, study)), options(epochs=6, **named))
    return [record_of(one.last) for one in read_points(study) if one.ended]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[optuna.Study, list[TrialRecord]]:
    """A study of two populations of eight."""
    study = new_study(str(tmp_path_factory.mktemp("pbt") / "study.log"))
    return study, _worked(study, _search(_space(WIDTH)), 16)


Lived = tuple[optuna.Study, list[TrialRecord]]


def test_every_member_is_a_trial_of_the_study_with_its_lineage(lived: Lived) -> None:
    study, records = lived
    assert verdict_counts(read_points(study)) == {"ok": 16}
    for record in records:
        told = record.extra[POPULATION]
        assert record.number in told["members"]
        assert told["number"] == record.number // 8
        assert record.epochs == 6
        # One seed a fold for the whole population.
        seeds = {one.seed for other in records for one in other.trainings
                 if other.number in told["members"]}  # fmt: skip
        assert len(seeds) == 1
        stages = schedule_of(record)
        assert stages[0]["after_epochs"] == 0
        for name in ("learning_rate", "beta1", "l2"):
            assert stages[-1]["values"][name] == record.params[name]
            for one in stages:
                {"learning_rate": RATE, "beta1": BETA, "l2": L2}[name].refuse(one["values"][name])
        for copy in told["copies"]:
            assert copy["source"] in told["members"]
            assert copy["after_epochs"] < 6
            assert copy["source_error_m"] <= copy["error_m"]
    # Two of eight at each of five rungs.
    copies = [one for record in records[:8] for one in record.extra[POPULATION]["copies"]]
    assert [sum(one["after_epochs"] == epochs for one in copies) for epochs in RUNGS] == [2] * 5 + [
        0
    ]
    assert any(changed(record) for record in records)


def test_a_member_is_explained(lived: Lived) -> None:
    _, records = lived
    record = next(one for one in records if one.extra[POPULATION]["copies"])
    said = explain(record, (), ())
    (first, *_) = record.extra[POPULATION]["copies"]
    assert f"Member of population {record.number // 8}, of 8" in said
    assert f"after {first['after_epochs']} epochs, at {first['error_m']:.2f} m" in said
    assert f"from the weights of trial {first['source']}" in said
    assert said.count("epochs on") == len(schedule_of(record))


def test_a_member_was_drawn_what_the_storage_says_and_reported_what_it_lived(lived: Lived) -> None:
    study, records = lived
    for trial, record in zip(study.trials, records, strict=True):
        assert sorted(trial.intermediate_values) == list(RUNGS)
        assert trial.value == pytest.approx(record.dev_m)
        if not record.extra[POPULATION]["copies"]:
            assert RATE.from_stored(trial.params["learning_rate"]) == record.params["learning_rate"]


def test_members_share_their_architecture_and_populations_do_not(lived: Lived) -> None:
    _, records = lived
    widths = [record.params["units"] for record in records]
    assert len(set(widths[:8])) == len(set(widths[8:])) == 1
    assert widths[0] != widths[8]
    assert len({record.weights for record in records}) == 2


def test_a_schedule_trains_the_same_network_again(lived: Lived) -> None:
    _, records = lived
    record = min((one for one in records if changed(one)), key=lambda one: one.dev_m)
    space = _space(WIDTH)
    config = retrained(record, [space], name="best")
    assert config.epochs == 6
    assert len(config.schedule) == len(schedule_of(record)) - 1
    assert config_from_toml(config_to_toml(config), origin="copy") == config
    found = _by_loop(config, record)
    assert found == pytest.approx(record.dev_m, rel=2e-3)
    # Not so the last settings, kept from the first epoch on.
    constants = {key: getattr(config.schedule[-1], key) for key in CHANGEABLE}
    constant = dataclasses.replace(config, schedule=(), **constants)
    assert abs(_by_loop(constant, record) - record.dev_m) > 1e-2 * record.dev_m


def _by_loop(config: Any, record: TrialRecord) -> float:
    from training.fit_network import fit_network
    from training.metrics import errors_m

    plan = _plan(_space())
    errors = []
    for fold, training in zip(plan.folds, record.trainings, strict=True):
        train, test = plan.table.rows(fold.train), plan.table.rows(fold.test)
        fitted = fit_network(config, train, plan.site, seed=training.seed)
        errors.append(errors_m(fitted.predict(test), test.position_m))
    return float(np.concatenate(errors).mean())


def test_who_copies_without_exploring_is_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def same(ranges: object, values: Mapping[str, Any], draw: object) -> dict[str, Any]:
        return dict(values)

    monkeypatch.setattr(pbt_objective, "explored", same)
    records = {one.number: one for one in _evolved(_space(), 4, _go_on)}
    last = {n: one.extra[POPULATION]["copies"][-1:] for n, one in records.items()}
    (target, (copy,)) = next((n, c) for n, c in last.items() if c and c[0]["after_epochs"] == 5)
    # The same weights, memory of the optimiser, seed and settings: the same to the last bit.
    mine, its = records[target].trainings, records[copy["source"]].trainings
    assert mine == its


def _go_on(number: int, epochs: int, value_m: float) -> str | None:
    return None


def _assigned(space: Space, size: int) -> list[Assignment]:
    rates = np.geomspace(1e-4, 1e-1, size)
    points = [{"learning_rate": float(r), "beta1": 0.9, "l2": 1e-5} for r in rates]
    return [Assignment(i, point, i, 1, "sampler") for i, point in enumerate(points)]


def _evolved(space: Space, size: int, at_rung: AtRung) -> Iterator[TrialRecord]:
    ranges = {one.name: one for one in (RATE, BETA, L2)}
    play = pbt_objective.Play(0, 7, space, ranges)
    objective = pbt_objective.PopulationObjective(_plan(space))
    return objective.evolve(play, _assigned(space, size), at_rung)


def test_before_its_first_copy_a_population_is_trials_side_by_side() -> None:
    seen: dict[tuple[int, int], float] = {}

    def at_rung(number: int, epochs: int, value_m: float) -> str | None:
        seen[number, epochs] = value_m
        return "enough" if epochs == 1 else None

    space = _space()
    records = list(_evolved(space, 4, at_rung))
    assert {record.verdict for record in records} == {"stopped"}
    alone = [one._replace(seed=7) for one in _assigned(space, 4)]
    for record in NetworkObjective(_plan(space)).evaluate(alone, at_rung):
        assert record.dev_m == pytest.approx(records[record.number].dev_m, rel=1e-5)


def test_who_loses_its_lease_stops_alone_and_an_interruption_stops_all() -> None:
    from training.tuning.worker import LEASE_LOST

    asked: list[tuple[int, int]] = []

    def at_rung(number: int, epochs: int, value_m: float) -> str | None:
        asked.append((number, epochs))
        if (number, epochs) == (1, 1):
            return LEASE_LOST
        # Pressed while the first were asked already.
        return "interrupted" if epochs == 3 and asked.count((3, 3)) else None

    records = {one.number: one for one in _evolved(_space(), 4, at_rung)}
    assert {n: (one.verdict, one.reason) for n, one in records.items()} == {
        **dict.fromkeys((0, 2, 3), ("stopped", "interrupted")),
        1: ("stopped", LEASE_LOST),
    }
    assert records[1].epochs == 1
    assert {records[n].epochs for n in (0, 2, 3)} == {3}
    assert (1, 2) not in asked


def test_one_that_diverges_goes_on_from_another() -> None:
    space = _space(optimizer="sgd", loss="mse")
    wide = FloatParameter(name="learning_rate", low=1e-3, high=1e12, log=True)
    space = dataclasses.replace(space, parameters=(wide, BETA, L2))
    assigned = _assigned(space, 4)
    assigned = [
        one._replace(params={**one.params, "learning_rate": 1e12 if i < 2 else 0.01})
        for i, one in enumerate(assigned)
    ]
    lost: list[int] = []

    def at_rung(number: int, epochs: int, value_m: float) -> str | None:
        lost.extend([] if math.isfinite(value_m) else [number])
        return None

    narrow = dataclasses.replace(wide, high=0.02)
    play = pbt_objective.Play(0, 7, space, {"learning_rate": narrow})
    objective = pbt_objective.PopulationObjective(_plan(space))
    records = list(objective.evolve(play, assigned, at_rung))
    assert sorted(lost) == [0, 1]
    assert {record.verdict for record in records} == {"ok"}
    copies = [one for record in records[:2] for one in record.extra[POPULATION]["copies"]]
    assert [one["error_m"] for one in copies if one["after_epochs"] == 1] == [None, None]


def test_one_of_another_architecture_is_none_of_them() -> None:
    space = _space(WIDTH)
    assigned = [
        one._replace(params={**one.params, "units": 16 if one.number != 2 else 9})
        for one in _assigned(space, 4)
    ]
    play = pbt_objective.Play(0, 7, space, {"learning_rate": RATE})
    objective = pbt_objective.PopulationObjective(_plan(space))
    records = {one.number: one for one in objective.evolve(play, assigned, _go_on)}
    assert records[2].verdict == "infeasible"
    assert "hidden" in records[2].reason
    assert [records[n].verdict for n in (0, 1, 3)] == ["ok"] * 3


def test_a_dead_start_is_told_before_the_first_epoch() -> None:
    # Its weights are those of all members.
    base = quick("paper-cnn", epochs=6, dead_output_tries=1, target="box")
    space = Space("dead", 1, base, (RATE,))
    objective = pbt_objective.PopulationObjective(_plan(space))
    for seed in range(6):
        play = pbt_objective.Play(0, seed, space, {"learning_rate": RATE})
        assigned = [one._replace(params={"learning_rate": 1e-3}) for one in _assigned(space, 2)]
        first = next(iter(objective.evolve(play, assigned, _stop)))
        if first.verdict == "dead output":
            assert not first.trainings
            return
    pytest.fail("none of six initialisations was dead, where most are")


def _stop(number: int, epochs: int, value_m: float) -> str | None:
    return "seen enough"


def test_a_population_that_is_interrupted_begins_again_and_ends_as_if_it_had_not_been(
    tmp_path: Any, lived: Lived
) -> None:
    stop = threading.Event()

    def interrupted(work: Work) -> Work:
        def evaluate(assigned: Sequence[Assignment], at_rung: AtRung) -> Iterator[TrialRecord]:
            def asked(number: int, epochs: int, value_m: float) -> str | None:
                if (number, epochs) == (2, 3):
                    stop.set()
                return at_rung(number, epochs, value_m)

            return work.evaluate(assigned, asked)

        return work._replace(evaluate=evaluate)

    study = new_study(str(tmp_path / "study.log"))
    search = _search(_space(WIDTH))
    assert _worked(study, search, 8, interrupted, stop=stop) == []
    assert {one.state.name for one in study.trials} == {"WAITING"}
    again = _worked(study, search, 8)
    for mine, its in zip(again, lived[1], strict=False):
        assert (mine.params, mine.extra) == (its.params, its.extra)
        assert mine.trainings == its.trainings


def test_what_is_off_for_the_first_is_off_for_all_and_what_is_on_for_none_off(
    journal: str,
) -> None:
    dropout = FloatParameter(name="dropout", low=0.0, high=0.1, step=0.05)
    batch = ChoiceParameter(name="batch_size", values=(16, 32))
    study = new_study(journal)
    search = _search(_space(dropout, batch), 4, seed=1)
    space = search.plan.space
    write_space(study, space)
    begin(study, Limits(32))
    work = build_search(search, study)
    points = []
    for first in range(0, 32, 4):
        trials = [optuna.trial.Trial(study, study.trials[first + i]._trial_id) for i in range(4)]
        points.append(work.propose(trials))
    for members in points:
        assert len({bool(one["dropout"]) for one in members}) == 1
        assert len({one["batch_size"] for one in members}) == 1
        assert len({one["learning_rate"] for one in members}) == 4
    assert {bool(members[0]["dropout"]) for members in points} == {True, False}
