import importlib.util
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import TrialState
from scipy.stats import kstest, wilcoxon

from localizer.errors import ConfigError
from tests.conftest import lacking
from training.config import load_network
from training.tuning import tpe
from training.tuning.budget import ATTEMPT, COPY_OF
from training.tuning.parameters import ChoiceParameter, FloatParameter, IntParameter
from training.tuning.samplers import SAMPLERS, SpaceSampler, sampler_of, suggest_batch
from training.tuning.space import Point, Space
from training.tuning.space_files import load_space

BASE = load_network("dnn")
RATE = FloatParameter(name="learning_rate", low=1e-4, high=1e-1, log=True)
MOMENTUM = FloatParameter(name="momentum", low=0.0, high=0.99)
PLANE = Space("plane", 1, BASE, (RATE, MOMENTUM))
STEPS = Space(
    "steps",
    1,
    BASE,
    (
        ChoiceParameter(name="batch_size", values=(20, 50, 100)),
        FloatParameter(name="momentum", low=0.6, high=0.9, step=0.1),
    ),
)


def needs(name: str) -> None:
    if name == "cma" and importlib.util.find_spec("cmaes") is None:
        lacking("cmaes is not installed")
    if name == "gp" and importlib.util.find_spec("torch") is None:
        # No part of the development install: 800 MB for one sampler.
        pytest.skip("torch is not installed (extra `gp`)")


def study_of(sampler: BaseSampler) -> optuna.Study:
    return optuna.create_study(sampler=sampler)


def run(
    study: optuna.Study,
    space: Space,
    error: Callable[[Point], float | None],
    *,
    trials: int,
    batch: int = 1,
) -> list[Point]:
    """Trials in batches; None for a point that is infeasible."""
    points = []
    for _ in range(0, trials, batch):
        asked = [study.ask() for _ in range(batch)]
        drawn = suggest_batch(study, space, asked)
        for trial, point in zip(asked, drawn, strict=True):
            value = error(point)
            if value is None:
                trial.set_constraint("trains", 1.0)
                study.tell(trial, state=TrialState.PRUNED)
            else:
                study.tell(trial, value)
        points += drawn
    return points


def bowl(point: Point) -> float:
    """Least at a rate of 0.01 and a momentum of 0.8."""
    return float((np.log10(point["learning_rate"]) + 2) ** 2 + 4 * (point["momentum"] - 0.8) ** 2)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(optuna.logging.INFO)


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "grid"])
def test_every_sampler_draws_points_of_the_space_and_of_its_next_versions(name: str) -> None:
    needs(name)
    rng = np.random.default_rng(0)
    space = load_space("automl")
    study = study_of(sampler_of(name, space, seed=1))
    versions = (
        space,
        space.narrowed("learning_rate", high=1e-2).narrowed("network", values=["cnn"]),
        space.narrowed("optimizer", values=["adamw", "sgd"]),
    )
    for version in versions:
        study.sampler = sampler_of(name, version, seed=1)
        # The Gaussian process over dozens of choices takes its time.
        trials = 4 if name == "gp" and version is not space else 12
        for point in run(study, version, lambda _: rng.random(), trials=trials, batch=4):
            version.config(point, name="drawn")


@pytest.mark.parametrize("name", ["random", "hyperband", "qmc"])
def test_priors_are_the_declared_ones(name: str) -> None:
    space = Space(
        "priors",
        1,
        BASE,
        (
            RATE,
            MOMENTUM,
            FloatParameter(name="beta1", low=0.7, high=0.99, log=True, complement=True),
            IntParameter(name="epochs", low=1, high=1000, default=100),
            ChoiceParameter(name="optimizer", values=("adam", "sgd")),
        ),
    )
    study = study_of(sampler_of(name, space, seed=3))
    with warnings.catch_warnings():
        # scipy: a sequence of Sobol points is balanced for powers of two only.
        warnings.simplefilter("ignore", UserWarning)
        points = run(study, space, lambda _: 1.0, trials=1000)
    drawn = {name: np.array([point[name] for point in points]) for name in points[0]}
    uniform = {
        "learning_rate": (np.log10(drawn["learning_rate"]) + 4) / 3,
        "momentum": drawn["momentum"] / 0.99,
        "beta1": np.log((1 - drawn["beta1"]) / 0.01) / np.log(30),
        "epochs": (drawn["epochs"] - np.random.default_rng(0).random(len(points))) / 1000,
    }
    for parameter, values in uniform.items():
        assert kstest(values, "uniform").pvalue > 0.01, parameter
    assert abs((drawn["optimizer"] == "sgd").mean() - 0.5) < 0.05


def test_random_points_are_the_same_with_any_number_of_workers() -> None:
    def drawn(workers: int) -> list[Point]:
        study = study_of(RandomSampler())
        mine = [sampler_of("random", PLANE, seed=5) for _ in range(workers)]
        trials = []
        for number in range(12):
            study.sampler = mine[number % workers]
            trials.append((study.sampler, study.ask()))
        points = []
        for sampler, trial in reversed(trials):
            study.sampler = sampler
            points.append(PLANE.suggest(trial))
        return points[::-1]

    points = drawn(1)
    assert points == drawn(3)
    assert len({point["momentum"] for point in points}) == 12


def test_a_grid_gives_every_point_once_to_any_number_of_workers() -> None:
    study = study_of(RandomSampler())
    workers = [sampler_of("grid", STEPS, seed=5) for _ in range(3)]
    study.enqueue_trial(STEPS.params_for_enqueue({"batch_size": 20, "momentum": 0.7}))
    trials = [study.ask() for _ in range(5)]
    made_again = optuna.trial.create_trial(
        state=TrialState.WAITING, user_attrs={COPY_OF: 4, ATTEMPT: 2}
    )
    study.add_trial(made_again)
    study._storage.set_trial_state_values(study.trials[5]._trial_id, TrialState.RUNNING)
    trials += [study.ask() for _ in range(8)]
    points = []
    for number, trial in enumerate(trials):
        study.sampler = workers[number % 3]
        points.append(STEPS.suggest(trial))
        study.tell(trial, 1.0)
    assert points[0] == {"batch_size": 20, "momentum": 0.7}
    assert len({tuple(point.values()) for point in points[1:]}) == STEPS.grid_size() == 12


def test_a_grid_that_is_too_large_or_has_no_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="at most 11 points, but that of 'steps' has 12"):
        sampler_of("grid", STEPS, seed=0, most_grid=11)
    with pytest.raises(ConfigError, match="`step`"):
        sampler_of("grid", PLANE, seed=0)
    assert isinstance(sampler_of("grid", load_space("molnar"), seed=0), BaseSampler)


@pytest.mark.parametrize("name", ["tpe", "bohb", "gp"])
def test_infeasible_points_repel(name: str) -> None:
    """The best half of the plane trains no network: a sampler that forgets it stays in there."""
    needs(name)

    def error(point: Point) -> float | None:
        return None if point["momentum"] > 0.5 else 1 - point["momentum"]

    study = study_of(sampler_of(name, PLANE, seed=2))
    points = run(study, PLANE, error, trials=60 if name != "gp" else 30)
    assert sum(point["momentum"] > 0.5 for point in points[-15:]) <= 9


def test_infeasible_points_that_are_told_as_failed_are_drawn_for_ever() -> None:
    """Why they are told as a constraint."""
    study = study_of(sampler_of("tpe", PLANE, seed=2))
    points = []
    for _ in range(60):
        points.append(PLANE.suggest(trial := study.ask()))
        if points[-1]["momentum"] > 0.5:
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, 1 - points[-1]["momentum"])
    assert sum(point["momentum"] > 0.5 for point in points[-15:]) >= 13


@pytest.mark.parametrize("name", ["tpe", "gp", "cma"])
def test_a_guided_sampler_is_better_than_chance(name: str) -> None:
    needs(name)
    trials, seeds = (40, 10) if name != "gp" else (16, 6)

    def best(which: str, seed: int) -> float:
        rng = np.random.default_rng(seed)
        study = study_of(sampler_of(which, PLANE, seed=seed))
        points = run(
            study, PLANE, lambda point: bowl(point) + 0.02 * rng.random(), trials=trials, batch=4
        )
        return min(map(bowl, points))

    guided = [best(name, seed) for seed in range(seeds)]
    chance = [best("random", seed) for seed in range(seeds)]
    assert np.median(guided) < np.median(chance)
    assert wilcoxon(guided, chance, alternative="less").pvalue < 0.05


def test_a_batch_is_drawn_from_one_fit_and_its_points_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fits = []
    build = tpe.BatchTPESampler._build_parzen_estimator

    def counted(*args: Any, **named: Any) -> Any:
        fits.append(1)
        return build(*args, **named)

    study = study_of(sampler_of("tpe", PLANE, seed=0))
    run(study, PLANE, bowl, trials=20)
    monkeypatch.setattr(tpe.BatchTPESampler, "_build_parzen_estimator", counted)
    points = suggest_batch(study, PLANE, [study.ask() for _ in range(32)])
    assert len(fits) == 2, "good and bad, once each"
    assert len({point["momentum"] for point in points}) == 32
    alone = suggest_batch(study, PLANE, [study.ask()])
    assert len(fits) == 4
    assert len(alone) == 1


def test_points_of_a_batch_keep_their_distance() -> None:
    """Without it a batch's points crowd around the same best few."""
    study = study_of(sampler_of("tpe", PLANE, seed=0))
    run(study, PLANE, bowl, trials=60)
    points = suggest_batch(study, PLANE, [study.ask() for _ in range(16)])
    momenta = np.sort([point["momentum"] for point in points])
    assert momenta[-1] - momenta[0] > 0.2


def shown_to(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    assert isinstance(study.sampler, SpaceSampler)
    found = study.sampler._look(study).get_trials()
    assert isinstance(found, list)
    return found


def test_old_trials_teach_the_sampler_of_a_new_version() -> None:
    space = Space(
        "t", 1, BASE, (RATE, MOMENTUM, ChoiceParameter(name="loss", values=("mse", "euclid")))
    )
    study = study_of(sampler_of("tpe", space, seed=0))
    run(study, space, bowl, trials=40)
    use_l2 = ChoiceParameter(name="use_l2", sets="nothing", values=(False, True), default=False)
    l2 = FloatParameter(
        name="l2", low=1e-8, high=1e-2, log=True, default=1e-4, when={"use_l2": (True,)}
    )
    new = space.narrowed("learning_rate", low=1e-3).extended(use_l2).extended(l2)
    study.sampler = sampler_of("tpe", new, seed=0)
    shown = shown_to(study)
    assert len(shown) == 40
    assert {trial.params["use_l2"] for trial in shown} == {0}
    narrow = new.seen()["learning_rate"]
    assert all(trial.distributions["learning_rate"] == narrow for trial in shown)
    late = run(study, new, bowl, trials=20)
    # Guided from the first: chance alone would be as near in one of eight draws.
    near = [bowl(point) < 0.3 for point in late]
    assert sum(near) >= 10
    assert all(point["learning_rate"] >= 1e-3 for point in late)


def test_a_trial_with_a_choice_that_is_gone_is_not_shown() -> None:
    space = Space("t", 1, BASE, (ChoiceParameter(name="loss", values=("mse", "euclid")),))
    study = study_of(sampler_of("tpe", space, seed=0))
    points = run(study, space, lambda _: 1.0, trials=20)
    left = space.narrowed("loss", values=["euclid"])
    study.sampler = sampler_of("tpe", left, seed=0)
    assert len(shown_to(study)) == sum(point["loss"] == "euclid" for point in points)


def test_a_sampler_of_complete_trials_is_shown_what_came_to_nothing_as_the_worst() -> None:
    study = study_of(SpaceSampler(PLANE, RandomSampler(), seed=0, complete_only=True))
    run(study, PLANE, lambda point: None if point["momentum"] > 0.5 else 2.0, trials=10)
    stopped = study.ask()
    PLANE.suggest(stopped)
    stopped.report(1.5, 11)
    study.tell(stopped, state=TrialState.PRUNED)
    shown = shown_to(study)
    assert {trial.state for trial in shown} == {TrialState.COMPLETE}
    assert {trial.value for trial in shown} == {1.5, 2.0}
    assert {tuple(trial.constraints) for trial in shown} == {("trains",)}
    assert {trial.constraints["trains"] for trial in shown} == {0.0, 1.0}


class Middle(RandomSampler):
    """A sampler of one's own: always the middle of the range."""

    def sample_independent(self, *args: Any, **named: Any) -> Any:
        shape = args[3]
        assert isinstance(shape, optuna.distributions.FloatDistribution)
        return (shape.low + shape.high) / 2


def test_a_sampler_of_ones_own_is_taken_by_its_path() -> None:
    sampler = sampler_of(f"{__name__}:Middle", PLANE, seed=0)
    assert PLANE.suggest(study_of(sampler).ask())["momentum"] == pytest.approx(0.495)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("simulated-annealing", "a sampler must be one of"),
        ("nowhere.at_all:Sampler", "must be there as package.module:Class"),
        ("optuna.samplers:Nothing", "must be there as package.module:Class"),
        ("optuna.samplers:nsgaii", "must be a class"),
    ],
)
def test_a_sampler_that_is_none_is_refused(name: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        sampler_of(name, PLANE, seed=0)


@pytest.mark.parametrize("name", ["gp", "cma"])
def test_a_lacking_extra_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=f"install the extra '{name}'"):
        sampler_of(name, PLANE, seed=0)
