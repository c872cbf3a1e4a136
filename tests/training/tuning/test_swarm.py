"""64 workers on a real PostgreSQL, killed at random: minutes, so left out of the short tests."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
from collections import Counter

import pytest

from tests.postgres import running_postgres
from tests.training.tuning.studies import new_study, stub_crew
from training.tuning.budget import read_points
from training.tuning.run import run_study
from training.tuning.stops import Limits
from training.tuning.stub import Stub
from training.tuning.watch import View
from training.tuning.workers import WorkerId

TRIALS = 400


@pytest.mark.long
def test_64_workers_killed_at_random_do_each_trial_once(database: str) -> None:
    study = new_study(database)
    draw = random.Random(0)
    killed: set[str] = set()

    def kill_three(view: View) -> None:
        if view.done > TRIALS - 64:
            return  # the last few would be lost more often than a study puts up with
        for one in draw.sample(list(view.running), min(3, len(view.running))):
            worker = WorkerId.parse(one.worker)
            if worker is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGKILL)
                    killed.add(one.worker)

    crew = stub_crew(database, Stub(rungs=(9,), seconds=1.0), count=64, lease_s=30.0)
    outcome = run_study(study, crew, Limits(TRIALS), kill_three)
    assert outcome.verdicts == {"ok": TRIALS}
    assert outcome.done == TRIALS
    states = Counter(trial.state.name for trial in study.trials)
    assert states["COMPLETE"] == TRIALS
    assert states["RUNNING"] == 0
    lost = [one for point in outcome.points for one in point.attempts[:-1]]
    assert 0 < len(lost) <= len(killed)
    numbers = [point.last.number for point in read_points(study)[:TRIALS]]
    assert len(set(numbers)) == TRIALS


@pytest.mark.long
def test_a_database_that_is_away_for_30_s_is_survived() -> None:
    with running_postgres() as server:
        place = server.new_database("study")
        back = threading.Timer(30.0, server.start)

        def stop(view: View) -> None:
            if view.done >= 2 and back.ident is None:
                server.stop()
                back.start()

        try:
            outcome = run_study(
                new_study(place), stub_crew(place, Stub(seconds=0.3), lease_s=8.0), Limits(10), stop
            )
        finally:
            back.join()
        assert outcome.verdicts == {"ok": 10}
        assert all(len(point.attempts) == 1 for point in outcome.points)
