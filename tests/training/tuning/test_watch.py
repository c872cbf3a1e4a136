from __future__ import annotations

import math
from dataclasses import replace

from rich.console import Console

from tests.training.tuning.studies import new_study, run_here
from training.tuning.budget import claim, read_points
from training.tuning.run import begin
from training.tuning.stops import End, Limits
from training.tuning.stub import Stub
from training.tuning.watch import Pace, View, render, view_of


def _text(view: View) -> str:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(render(view))
    return capture.get()


def test_a_study_before_its_first_trial_promises_nothing(journal: str) -> None:
    study = new_study(journal)
    begin(study, Limits(3))
    view = view_of("s", read_points(study), Limits(3), Pace(2.0, 0))
    assert math.isnan(view.left_s)
    assert "none was trained to the end yet" in _text(view)
    assert "time left unknown" in _text(view)


def test_a_view_tells_best_verdicts_what_runs_and_the_time_left(journal: str) -> None:
    study = new_study(journal)
    begin(study, Limits(10))
    run_here(study, Stub(faults={"infeasible": 0.3}))
    begin(study, limits := Limits(20))
    (claimed,) = claim(study, read_points(study), most=1, seed=0)
    study._storage.set_trial_intermediate_value(claimed.trial_id, 3, 1.25)
    view = view_of("s", read_points(study), limits, Pace(30.0, 4))
    assert view.done == 10
    assert view.left_s == 50.0  # six took 30 s, ten are left
    (running,) = view.running
    assert (running.number, running.epochs, running.dev_m) == (claimed.number, 3, 1.25)
    text = _text(view)
    assert "10 of 20" in text
    assert "could not be trained" in text
    assert "0:00:50 left" in text


def test_time_that_was_granted_bounds_the_time_left(journal: str) -> None:
    study = new_study(journal)
    begin(study, limits := Limits(10, seconds=40.0))
    run_here(study, Stub(faults={"raise": 1.0}))
    view = view_of("s", read_points(study), limits, Pace(30.0, 0), end=End("time over", "40 s"))
    assert view.left_s == 0.0
    assert view_of("s", [], limits, Pace(30.0, 0)).left_s == 10.0
    text = _text(replace(view, said="a worker has ended"))
    assert "time over (40 s)" in text
    assert "10 × crashed: ValueError" in text
    assert "a worker has ended" in text
