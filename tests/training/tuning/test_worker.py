from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import optuna
import pytest
from optuna.trial import Trial, TrialState

from localizer.errors import ConfigError
from tests.training.tuning.studies import new_study, run_here
from training.tuning.budget import read_points
from training.tuning.parameter import Infeasible
from training.tuning.run import begin
from training.tuning.stops import COMPLETE, Limits, end_of, top_errors, verdict_counts
from training.tuning.stub import Stub
from training.tuning.trials import Training, TrialRecord
from training.tuning.verdicts import lose, record_of
from training.tuning.worker import Assignment, AtRung, Work

STUB = Stub()


def _trained(one: Assignment, dev_m: float) -> TrialRecord:
    return TrialRecord(
        one.number, one.params, "ok", trainings=(Training(0, 0, 1, 9, dev_m, 1.0, {}),)
    )


@pytest.fixture
def study(journal: str) -> optuna.Study:
    return new_study(journal)


def test_a_worker_does_the_budget_and_ends(study: optuna.Study) -> None:
    begin(study, Limits(7))
    assert run_here(study, batch=3) == 7
    assert end_of(study.user_attrs) == ("trials done", "7 trials")
    record = record_of(study.trials[0])
    assert (record.attempt, record.source) == (1, "sampler")
    assert record.worker
    assert record.seconds > 0


def test_without_limits_a_worker_says_what_to_do(study: optuna.Study) -> None:
    with pytest.raises(ConfigError, match="start it with `tune`"):
        run_here(study)


def test_what_raises_is_tried_again_with_the_same_parameters_and_seed_and_alone(
    study: optuna.Study,
) -> None:
    seen: list[list[tuple[float, int, int]]] = []

    def evaluate(assigned: Sequence[Assignment], at_rung: AtRung) -> Iterator[TrialRecord]:
        seen.append([(one.params["x"], one.seed, one.attempt) for one in assigned])
        if any(one.params["x"] == first for one in assigned for first, *_ in seen[0][1:]):
            raise ValueError("no good")
        yield from (_trained(one, 1.0) for one in assigned)

    begin(study, Limits(2))
    run_here(study, Work(STUB.propose, evaluate), batch=2)
    innocent, guilty = seen[0]
    assert seen[1:] == [
        [(*innocent[:2], 2)],
        [(*guilty[:2], 2)],
        [(*guilty[:2], 3)],
    ]
    known = read_points(study)
    assert verdict_counts(known) == {"ok": 1, "crashed": 1}
    assert top_errors(known) == [("crashed: ValueError: no good", 1)]
    (failed,) = (point.last for point in known if point.failed)
    assert record_of(failed).params["x"] == guilty[0]


def test_the_goal_stops_what_runs_at_its_next_rung(study: optuna.Study) -> None:
    def evaluate(assigned: Sequence[Assignment], at_rung: AtRung) -> Iterator[TrialRecord]:
        first, *others = assigned
        yield _trained(first, 0.5)
        # Another worker, which sees the goal reached, says so.
        run_here(new_study(journal), batch=1)
        for one in others:
            reason = at_rung(one.number, 1, 2.0)
            assert reason is not None
            yield TrialRecord(one.number, one.params, "stopped", reason)

    journal = study._storage._backend._backend._file_path  # type: ignore[attr-defined]
    begin(study, Limits(50, goal_m=0.5))
    run_here(study, Work(STUB.propose, evaluate), batch=3)
    known = read_points(study)
    assert verdict_counts(known) == {"ok": 1, "stopped": 2}
    assert record_of(known[1].last).reason == COMPLETE
    assert (end_of(study.user_attrs) or "")[0] == "goal reached"


def test_an_interrupted_trial_waits_with_what_it_has(study: optuna.Study) -> None:
    stop = threading.Event()

    def evaluate(assigned: Sequence[Assignment], at_rung: AtRung) -> Iterator[TrialRecord]:
        assert at_rung(assigned[0].number, 1, 2.0) is None
        stop.set()
        yield from STUB.evaluate(assigned, at_rung)

    begin(study, Limits(2))
    assert run_here(study, Work(STUB.propose, evaluate), stop=stop) == 0
    interrupted = study.trials[0]
    assert interrupted.state == TrialState.WAITING
    assert run_here(study) == 2
    assert study.trials[0].params == interrupted.params
    assert len(study.trials) == 2


def test_an_error_that_is_no_number_diverges_and_is_never_compared(study: optuna.Study) -> None:
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=0)
    begin(study, Limits(5))
    run_here(study, Stub(faults={"nan": 1.0}))
    assert verdict_counts(read_points(study)) == {"diverged": 5}
    assert record_of(study.trials[0]).reason == "its error is nan after 1 epochs"
    assert study.trials[0].constraints


def test_the_pruner_is_asked_at_every_rung_but_the_last(study: optuna.Study) -> None:
    steps: list[int] = []

    class Asked(optuna.pruners.BasePruner):
        def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
            steps.append(trial.last_step or 0)
            return trial.number == 1 and trial.last_step == 3

    study.pruner = Asked()
    begin(study, Limits(2))
    run_here(study)
    assert steps == [1, 3, 1, 3]
    assert verdict_counts(read_points(study)) == {"ok": 1, "stopped": 1}
    assert record_of(study.trials[1]).reason.startswith("after 3 epochs its ")


def test_a_result_whose_lease_was_lost_is_dropped_and_noted(study: optuna.Study) -> None:
    def evaluate(assigned: Sequence[Assignment], at_rung: AtRung) -> Iterator[TrialRecord]:
        (one,) = assigned
        if one.number == 0:
            lose(study, study.trials[0]._trial_id, "worker lost", "no sign of life")
            assert at_rung(0, 1, 1.0) == "its lease was lost"
        yield _trained(one, 0.25 + one.attempt)

    begin(study, Limits(1))
    assert run_here(study, Work(STUB.propose, evaluate), lease_s=1.0) == 1
    (point,) = read_points(study)
    assert [trial.state.name for trial in point.attempts] == ["FAIL", "COMPLETE"]
    assert point.last.value == 2.25
    late = study.user_attrs["late 0"]
    assert (late["verdict"], late["dev_m"]) == ("ok", 1.25)


def test_a_sampler_that_fails_ends_the_worker_and_not_the_trials(study: optuna.Study) -> None:
    def propose(trials: Sequence[Trial]) -> list[dict[str, Any]]:
        raise ImportError("no torch")

    begin(study, Limits(1))
    with pytest.raises(ImportError, match="no torch"):
        run_here(study, Work(propose, STUB.evaluate))
    assert [trial.state for trial in study.trials] == [TrialState.WAITING]


def test_an_evaluation_that_forgets_a_trial_crashed_it(study: optuna.Study) -> None:
    def evaluate(assigned: Sequence[Assignment], at_rung: AtRung) -> Iterator[TrialRecord]:
        yield from ()

    begin(study, Limits(1, max_failed=1))
    run_here(study, Work(STUB.propose, evaluate))
    assert top_errors(read_points(study)) == [("crashed: it ended without an outcome", 1)]
    assert math.isnan(record_of(study.trials[0]).dev_m)


def test_half_of_the_space_may_be_infeasible(study: optuna.Study) -> None:
    study.sampler = optuna.samplers.TPESampler(seed=1)
    begin(study, Limits(60, max_failed=1))
    run_here(study, Stub(faults={"infeasible": 0.5}))
    counts = verdict_counts(read_points(study))
    assert sum(counts.values()) == 60
    # Told as constraints they teach the sampler; told as failures, 84 of 100 were infeasible.
    assert counts["infeasible"] < 30


def test_points_that_are_no_network_are_told_so_wherever_that_shows(study: optuna.Study) -> None:
    def propose(trials: Sequence[Trial]) -> list[dict[str, Any]]:
        if any(trial.number == 1 for trial in trials):
            raise Infeasible("its choice is gone")
        return STUB.propose(trials)

    def evaluate(assigned: Sequence[Assignment], at_rung: AtRung) -> Iterator[TrialRecord]:
        if any(one.params["x"] == study.trials[0].params["x"] for one in assigned):
            raise Infeasible("no pixels are left")
        yield from STUB.evaluate(assigned, at_rung)

    begin(study, Limits(3))
    run_here(study, Work(propose, evaluate), batch=3)
    known = read_points(study)
    assert [point.verdict for point in known] == ["infeasible", "infeasible", "ok"]
    assert record_of(known[1].last).reason == "its choice is gone"
    assert record_of(known[0].last).reason == "Infeasible: no pixels are left"


def test_trials_that_take_long_are_claimed_a_few_at_a_time(
    study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    sizes: list[int] = []

    def evaluate(assigned: Sequence[Assignment], at_rung: AtRung) -> Iterator[TrialRecord]:
        nonlocal now
        sizes.append(len(assigned))
        # A second each, and from the 40th on half a minute.
        now += len(assigned) * (1.0 if sum(sizes) < 40 else 30.0)
        for one in assigned:
            yield _trained(one, 0.25)

    monkeypatch.setattr("training.tuning.worker.time.monotonic", lambda: now)
    begin(study, Limits(60))
    run_here(study, Work(STUB.propose, evaluate), batch=32, batch_s=15.0)
    assert sizes[:4] == [2, 8, 15, 15]
    assert set(sizes[4:]) == {1}


def test_without_a_time_for_it_batches_are_whole(study: optuna.Study) -> None:
    sizes: list[int] = []

    def evaluate(assigned: Sequence[Assignment], at_rung: AtRung) -> Iterator[TrialRecord]:
        sizes.append(len(assigned))
        for one in assigned:
            yield _trained(one, 0.25)

    begin(study, Limits(20))
    run_here(study, Work(STUB.propose, evaluate), batch=8)
    assert max(sizes) == 8
