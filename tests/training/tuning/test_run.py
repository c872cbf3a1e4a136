from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from localizer.errors import ConfigError
from tests.postgres import running_postgres
from tests.training.tuning.studies import new_study, stub_crew
from training.tuning.budget import claim, read_points
from training.tuning.leases import Leases
from training.tuning.local_workers import Crew, WorkerError
from training.tuning.run import begin, join_run, run_study
from training.tuning.stops import Limits, verdict_counts
from training.tuning.stub import Stub
from training.tuning.study import enqueue
from training.tuning.verdicts import record_of
from training.tuning.watch import View
from training.tuning.worker import Work
from training.tuning.workers import WorkerId

ROOT = Path(__file__).parents[3]

IN_PROCESSES = pytest.mark.parametrize(
    "place",
    ["journal", "database", pytest.param("grpc", marks=pytest.mark.long)],
    indirect=True,
)
"""The proxy stands before the database: processes that go through it are a long test."""


def _states(place: str) -> set[str]:
    return {trial.state.name for trial in new_study(place).trials}


@contextlib.contextmanager
def _in_a_process(place: str, trials: int, seconds: float) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.training.tuning.run_stub"]
    with subprocess.Popen(
        [*command, place, str(trials), str(seconds)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _until_running(process: subprocess.Popen[str], count: int) -> list[str]:
    """Return the workers of the first view in which as many trials run."""
    assert process.stdout is not None
    for line in process.stdout:
        if len(workers := json.loads(line)) >= count:
            return list(workers)
    raise AssertionError("it ended before")


def _outcome(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    outcome: dict[str, Any] = json.loads(process.stdout.readlines()[-1])
    return outcome


@IN_PROCESSES
def test_processes_do_the_budget_and_a_second_run_has_nothing_to_do(place: str) -> None:
    study = new_study(place)
    crew = stub_crew(place, Stub(), count=3)
    outcome = run_study(study, crew, Limits(12))
    assert (outcome.status, outcome.done) == ("trials done", 12)
    assert outcome.verdicts == {"ok": 12}
    assert run_study(study, crew, Limits(12)).seconds < outcome.seconds
    assert len(study.trials) == 12
    assert run_study(study, crew, Limits(15)).done == 15


def test_kill_9_of_workers_loses_no_trial_and_none_is_done_twice(journal: str) -> None:
    study = new_study(journal)
    killed: list[str] = []

    def kill(view: View) -> None:
        for one in view.running:
            worker = WorkerId.parse(one.worker)
            if worker is not None and len(killed) < 3:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGKILL)
                    killed.append(one.worker)

    outcome = run_study(study, stub_crew(journal, Stub(seconds=0.5)), Limits(6), kill)
    assert (outcome.status, outcome.verdicts) == ("trials done", {"ok": 6})
    again = [point for point in outcome.points if len(point.attempts) > 1]
    assert 1 <= len(again) <= len(killed) == 3
    for point in again:
        assert {record_of(one).verdict for one in point.attempts[:-1]} == {"worker lost"}
        assert record_of(point.last).attempt == len(point.attempts)
        params = [one.params for one in point.attempts if one.params]
        assert all(one == params[0] for one in params)


def test_what_hangs_is_timed_out_and_its_worker_replaced(journal: str) -> None:
    stub = Stub(faults={"hang": 1.0})
    outcome = run_study(new_study(journal), stub_crew(journal, stub, trial_s=0.5), Limits(1))
    assert outcome.verdicts == {"timed out": 1}
    assert outcome.errors == [("timed out: no outcome within 0.5 s", 1)]
    assert len(outcome.points[0].attempts) == 3


def test_what_eats_memory_crashes_and_the_study_goes_on(journal: str) -> None:
    study = new_study(journal)
    begin(study, limits := Limits(2))
    enqueue(study, [{"luck": 0.1}, {"luck": 0.9}], source="manual", limit=2)
    crew = stub_crew(journal, Stub(faults={"eat": 0.5}), memory_mb=200)
    outcome = run_study(study, crew, limits)
    assert [point.verdict for point in outcome.points] == ["crashed", "ok"]
    assert {
        "crashed: took more than 200 MB of memory",
        "crashed: MemoryError",
    } >= {reason for reason, _ in outcome.errors}


def test_a_study_with_too_many_failures_ends_and_says_why(journal: str) -> None:
    stub = Stub(faults={"raise": 1.0})
    outcome = run_study(new_study(journal), stub_crew(journal, stub), Limits(50, max_failed=3))
    assert outcome.status == "failed"
    assert 3 <= outcome.verdicts["crashed"] < 3 + 2
    assert "ValueError: the stub was told to raise" in outcome.reason


def test_a_goal_that_is_reached_ends_what_runs(journal: str) -> None:
    outcome = run_study(new_study(journal), stub_crew(journal, Stub()), Limits(400, goal_m=0.2))
    assert outcome.status == "goal reached"
    assert outcome.done < 100
    assert "RUNNING" not in _states(journal)


def test_when_the_time_is_over_what_runs_waits_for_the_next_run(
    journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = new_study(journal)
    later_s = 0.0

    def let_time_pass(view: View) -> None:
        nonlocal later_s
        if any(trial.params for trial in study.trials):
            later_s = 1000.0

    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + later_s)
    monkeypatch.setattr("training.tuning.run.time", clock)
    crew = stub_crew(journal, Stub(seconds=6.0))
    outcome = run_study(study, crew, Limits(4, seconds=900.0), let_time_pass)
    assert (outcome.status, outcome.done) == ("time over", 0)
    assert _states(journal) == {"WAITING"}
    assert any(trial.params for trial in study.trials)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_ends_cleanly_and_can_be_resumed(
    journal: str, number: signal.Signals
) -> None:
    with _in_a_process(journal, 5, 1.5) as process:
        _until_running(process, 2)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does, to all of them
        else:
            process.send_signal(number)
        assert _outcome(process)["status"] == "interrupted"
        assert process.wait() == 0
    assert "RUNNING" not in _states(journal)
    outcome = run_study(new_study(journal), stub_crew(journal, Stub()), Limits(5))
    assert outcome.verdicts == {"ok": 5}
    assert len(new_study(journal).trials) == 5


def test_workers_whose_parent_was_killed_end_and_the_study_can_be_resumed(journal: str) -> None:
    with _in_a_process(journal, 5, 4.5) as process:
        workers = _until_running(process, 2)
        process.kill()
        assert process.stdout is not None
        process.stdout.read()  # until the last of them has closed it
    assert all((one := WorkerId.parse(worker)) and one.is_dead for worker in workers)
    outcome = run_study(new_study(journal), stub_crew(journal, Stub()), Limits(5))
    assert outcome.verdicts == {"ok": 5}


@IN_PROCESSES
def test_two_runs_of_one_study_at_once_are_harmless(place: str) -> None:
    with _in_a_process(place, 12, 0.2) as one, _in_a_process(place, 12, 0.2) as other:
        assert {_outcome(one)["done"], _outcome(other)["done"]} == {12}
    known = read_points(new_study(place))[:12]
    assert verdict_counts(known) == {"ok": 12}
    assert all(len(point.attempts) == 1 for point in known)


def test_a_database_that_restarts_is_survived() -> None:
    with running_postgres() as server:
        place = server.new_database("study")
        study = new_study(place)
        back = threading.Timer(2.0, server.start)

        def stop(view: View) -> None:
            if view.done >= 2 and back.ident is None:
                server.stop()
                back.start()

        try:
            outcome = run_study(study, stub_crew(place, Stub(seconds=0.3)), Limits(10), stop)
        finally:
            back.join()
        assert outcome.verdicts == {"ok": 10}
        assert len(outcome.points) == 10
        del study


def test_a_worker_of_another_machine_joins_a_study_that_was_begun(journal: str) -> None:
    study = new_study(journal)
    with pytest.raises(ConfigError, match="start it with `tune`"):
        join_run(study, stub_crew(journal, Stub()))
    run_study(study, stub_crew(journal, Stub(), count=0), Limits(4, seconds=0.1))
    study.set_user_attr("ended", None)
    outcome = join_run(study, stub_crew(journal, Stub(), count=1))
    assert (outcome.status, outcome.done) == ("trials done", 4)


def test_a_machine_that_vanished_is_missed_after_its_lease(place: str) -> None:
    study = new_study(place)
    begin(study, Limits(3))
    (claimed,) = claim(study, read_points(study), most=1, seed=0)
    Leases(study, "a/machine/that/vanished").hold(claimed.trial_id)
    outcome = run_study(study, stub_crew(place, Stub(), lease_s=1.0), Limits(3))
    assert outcome.verdicts == {"ok": 3}
    lost, copy = outcome.points[0].attempts
    assert record_of(lost).reason == "no sign of life from a/machine/that/vanished"
    assert (copy.number, copy.user_attrs["record"]["attempt"]) == (3, 2)


def _build_nothing(study: object) -> Work:
    raise ConfigError("there must be data, but there is none")


def _die(study: object) -> Work:
    os._exit(7)


def test_workers_that_cannot_begin_end_the_run(journal: str, capfd: Any) -> None:
    study = new_study(journal)
    with pytest.raises(ConfigError, match="there must be data"):
        run_study(study, Crew(journal, "study", _build_nothing, 9, start="forkserver"), Limits(2))
    with pytest.raises(WorkerError, match=r"the last 3 ended before .*status 7"):
        run_study(study, Crew(journal, "study", _die, 9, start="forkserver"), Limits(2))
    assert _states(journal) == {"WAITING"}
