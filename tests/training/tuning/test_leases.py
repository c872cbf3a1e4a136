from __future__ import annotations

import os
import subprocess
import sys

import optuna
import pytest
from optuna.trial import TrialState

from tests.training.tuning.studies import new_study
from training.tuning.budget import claim, read_points, top_up
from training.tuning.leases import LEASE, Leases, Watch, look_after, worker_of
from training.tuning.verdicts import lose
from training.tuning.workers import WorkerId


class Clock:
    """Seconds that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def study(journal: str) -> optuna.Study:
    study = new_study(journal)
    top_up(study, [], 2)
    return study


def _claim(study: optuna.Study) -> int:
    return claim(study, read_points(study), most=1, seed=0)[0].trial_id


def _watched(study: optuna.Study, watch: Watch, clock: Clock, seconds: float) -> list[int]:
    """Let time pass, looking every second, and return what has gone stale at the end."""
    until = clock.now + seconds
    while clock.now < until:
        clock.now += 1
        stale = watch.stale(study.trials)
    return [trial.number for trial in stale]


def test_who_renews_keeps_a_trial_and_who_does_not_loses_it(
    study: optuna.Study, clock: Clock
) -> None:
    watch, living, dead = Watch(10, clock), Leases(study, "living"), Leases(study, "dead")
    living.hold(_claim(study))
    dead.hold(_claim(study))
    assert _watched(study, watch, clock, 8) == []
    living.renew()
    assert _watched(study, watch, clock, 4) == [1]


def test_a_claim_without_a_lease_goes_stale_too(study: optuna.Study, clock: Clock) -> None:
    watch = Watch(10, clock)
    _claim(study)
    assert _watched(study, watch, clock, 12) == [0]


def test_time_in_which_the_storage_was_away_does_not_count(
    study: optuna.Study, clock: Clock
) -> None:
    watch, leases = Watch(10, clock), Leases(study, "w")
    leases.hold(_claim(study))
    watch.stale(study.trials)
    clock.now += 1000
    assert watch.stale(study.trials) == []


def test_a_dead_process_of_this_machine_is_seen_at_once(study: optuna.Study, clock: Clock) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    leases = Leases(study, str(WorkerId.of_process(child.pid)))
    leases.hold(_claim(study))
    watch = Watch(10, clock)
    assert watch.stale(study.trials) == []
    child.kill()
    child.communicate()
    assert look_after(study, watch) == 1
    assert [trial.state.name for trial in study.trials] == ["FAIL", "WAITING", "WAITING"]


def test_this_process_lives_and_a_pid_used_again_is_somebody_else() -> None:
    me = WorkerId.of_process(os.getpid())
    assert WorkerId.parse(str(me)) == me
    assert not me.is_dead
    assert me._replace(started="1").is_dead
    assert not me._replace(scope="elsewhere", started="1").is_dead
    assert WorkerId.parse("a worker") is None


def test_what_is_given_back_waits_with_its_parameters_for_the_next(
    study: optuna.Study, clock: Clock
) -> None:
    leases, watch = Leases(study, "w"), Watch(10, clock)
    trial_id = _claim(study)
    leases.hold(trial_id)
    x = optuna.Trial(study, trial_id).suggest_float("x", 0, 1)
    assert _watched(study, watch, clock, 9) == []
    assert leases.give_back(trial_id)
    assert _claim(study) == trial_id
    # Its next worker has not written a lease yet, and the time of the last one is no longer its.
    assert _watched(study, watch, clock, 5) == []
    assert optuna.Trial(study, trial_id).suggest_float("x", 0, 1) == x


def test_a_lease_that_was_lost_is_renewed_no_more(study: optuna.Study) -> None:
    leases = Leases(study, "w")
    trial_id = _claim(study)
    leases.hold(trial_id)
    study._storage.set_trial_state_values(trial_id, TrialState.FAIL)
    leases.renew()
    assert not leases.give_back(trial_id)
    assert worker_of(study.trials[0]) == "w"
    assert study.trials[0].user_attrs[LEASE] == "w 0"


def test_a_copy_is_its_enders_to_write_and_anybodys_who_has_missed_it_for_a_while(
    study: optuna.Study, clock: Clock
) -> None:
    watch = Watch(10, clock)
    lose(study, _claim(study), "crashed", "on purpose")
    assert look_after(study, watch) == 0
    clock.now += 2
    assert look_after(study, watch) == 0
    clock.now += 1
    assert look_after(study, watch) == 1
    assert look_after(study, watch) == 0
