"""What a study costs beside its trainings: points drawn, claimed and told, in batches.

    python -m benchmarks.tuning_ask [--trials 100 2000] [--batch 32] [--rounds 5] [--sampler tpe]

Processor time a trial of everything that a worker does but train: the study read, trials claimed,
points drawn from one fit a batch, results told, the next waiting trials written. In a file of the
embedded storage, with the eight parameters of the space below and a study of so many ended trials.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import numpy as np
import optuna
from optuna.trial import Trial, TrialState, create_trial

from benchmarks.results import Row, at_most, print_table
from training.config import load_network
from training.tuning.budget import BUDGETED, claim, read_points, top_up
from training.tuning.parameters import ChoiceParameter, FloatParameter, IntParameter
from training.tuning.samplers import SAMPLERS, sampler_of, suggest_batch
from training.tuning.space import Space
from training.tuning.storage import open_storage
from training.tuning.study import Identity, Objective, open_study
from training.tuning.trials import Training, TrialRecord
from training.tuning.verdicts import tell

AREA: Final = "tuning"
TRIALS: Final = (100, 2_000)
"""Ended trials in the study."""
BATCH: Final = 32
ROUNDS: Final = 5
BOUND_MS: Final = 10.0

SPACE: Final = Space(
    "benchmark",
    1,
    load_network("dnn"),
    (
        FloatParameter(name="learning_rate", low=1e-5, high=1e-1, log=True),
        FloatParameter(name="beta1", low=0.7, high=0.99, log=True, complement=True),
        FloatParameter(name="beta2", low=0.9, high=0.9999, log=True, complement=True),
        FloatParameter(name="momentum", low=0.0, high=0.99),
        IntParameter(name="units", low=8, high=256, log=True),
        ChoiceParameter(name="batch_size", values=(8, 16, 20, 32, 50, 64, 100, 128, 256, 512)),
        ChoiceParameter(name="activation", values=("relu", "elu", "gelu", "tanh", "sigmoid")),
        ChoiceParameter(name="loss", values=("euclid", "huber", "mse")),
    ),
)
"""Eight parameters: five numbers, three choices."""


class Costs(NamedTuple):
    """Milliseconds of processor time a trial."""

    ask: float
    tell: float


def measure(
    *,
    sampler: str = "tpe",
    ended: Sequence[int] = TRIALS,
    batch: int = BATCH,
    rounds: int = ROUNDS,
) -> Iterator[Row]:
    """Measure batches of one worker on studies of several sizes."""
    for count in ended:
        with tempfile.TemporaryDirectory() as folder:
            study = _study(Path(folder) / "study", sampler, count)
            costs = [_round(study, batch, count) for _ in range(rounds)]
        name = f"{sampler}, {count:,} trials, {batch} at once"
        ask, told = (median(values) for values in zip(*costs, strict=True))
        yield Row(AREA, f"ask, CPU a trial, {name}", ask, "ms")
        yield Row(AREA, f"tell, CPU a trial, {name}", told, "ms")
        yield at_most(AREA, f"ask and tell, CPU a trial, {name}", ask + told, "ms", BOUND_MS)


def _study(place: Path, sampler: str, ended: int) -> optuna.Study:
    identity = Identity("none", SPACE.sha256, Objective("stub", "none", 1, (0,), 9, (9,)))
    study = open_study(open_storage(place), "benchmark", identity, code_version="benchmark")
    rng = np.random.default_rng(0)
    drawn = optuna.create_study(sampler=sampler_of("random", SPACE, seed=0))
    for _ in range(ended):
        point = drawn.ask()
        SPACE.suggest(point)
        study.add_trial(
            create_trial(
                state=TrialState.COMPLETE,
                value=float(rng.random()),
                params=point.params,
                distributions=point.distributions,
                user_attrs={BUDGETED: True},
            )
        )
    study.sampler = sampler_of(sampler, SPACE, seed=0)
    return study


def _round(study: optuna.Study, batch: int, ended: int) -> Costs:
    top_up(study, read_points(study), 10 * ended + 10_000, most=batch)
    start = time.process_time()
    claims = claim(study, read_points(study), most=batch, seed=0)
    points = suggest_batch(study, SPACE, [Trial(study, one.trial_id) for one in claims])
    asked = time.process_time()
    for one, point in zip(claims, points, strict=True):
        training = Training(0, 0, 100, 9, 2.0 + one.number % 7, 1.0, {9: 2.0})
        tell(study, one.trial_id, TrialRecord(one.number, point, "ok", trainings=(training,)))
    top_up(study, read_points(study), 10 * ended + 10_000, most=batch)
    end = time.process_time()
    return Costs(1e3 * (asked - start) / len(claims), 1e3 * (end - asked) / len(claims))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, nargs="+", default=list(TRIALS))
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--sampler", choices=SAMPLERS, default="tpe")
    options = parser.parse_args()
    print_table(
        list(
            measure(
                sampler=options.sampler,
                ended=options.trials,
                batch=options.batch,
                rounds=options.rounds,
            )
        )
    )


if __name__ == "__main__":
    main()
