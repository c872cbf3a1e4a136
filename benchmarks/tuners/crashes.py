"""How far each tuner gets when a quarter of the points crash.

No network is trained: a point crashes or has an error at once. Nobody is asked to catch anything:
each is used as its documentation shows it.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import optuna

from training.tuning.local_workers import Crew
from training.tuning.run import run_study
from training.tuning.stops import Limits
from training.tuning.storage import open_storage
from training.tuning.stub import Stub, build_stub
from training.tuning.study import Identity, Objective, open_study

TRIALS: Final = 200
SHARE: Final = 0.25


class Crash(Exception):
    """What a point raises."""


def survived() -> Iterator[tuple[str, int, int]]:
    """Return for each tuner how many trials ended without a crash, and how many were asked for."""
    yield "Localizer", _ours(), TRIALS
    yield "Optuna", _optuna(), TRIALS
    if importlib.util.find_spec("keras_tuner") is not None:
        yield "KerasTuner", _keras_tuner(), TRIALS


def _ours() -> int:
    with TemporaryDirectory() as folder:
        place = str(Path(folder) / "study.journal")
        identity = Identity("none", "none", Objective("stub", "none", 1, (0,), 9, (1, 3, 9)))
        study = open_study(open_storage(place), "study", identity, code_version="benchmark")
        build = partial(build_stub, Stub(faults={"raise": SHARE}))
        crew = Crew(place, "study", build, 9, count=2, batch=8, start="forkserver")
        outcome = run_study(study, crew, Limits(TRIALS), lambda _: None)
        return outcome.verdicts.get("ok", 0)


def _optuna() -> int:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))

    def objective(trial: optuna.Trial) -> float:
        if trial.suggest_float("luck", 0, 1) < SHARE:
            raise Crash
        return (trial.suggest_float("x", 0, 1) - 0.3) ** 2

    with contextlib.suppress(Crash):
        study.optimize(objective, n_trials=TRIALS)
    return sum(one.state == optuna.trial.TrialState.COMPLETE for one in study.trials)


def _keras_tuner() -> int:
    import keras_tuner

    class Tuner(keras_tuner.RandomSearch):  # type: ignore[misc]
        def run_trial(self, trial: Any, *arguments: Any, **named: Any) -> float:
            hp = trial.hyperparameters
            # Its first point is the defaults; one that crashes would never let it know the space.
            x, luck = hp.Float("x", 0, 1), hp.Float("luck", 0, 1, default=1.0)
            if luck < SHARE:
                raise Crash
            return float((x - 0.3) ** 2)

    with TemporaryDirectory() as folder:
        tuner = Tuner(max_trials=TRIALS, seed=0, directory=folder)
        with contextlib.suppress(RuntimeError):
            tuner.search(verbose=0)
        trials = tuner.oracle.trials.values()
        return sum(one.status == "COMPLETED" for one in trials)
