"""The fast density against Optuna's own."""

import numpy as np
import pytest
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters
from optuna.samplers._tpe.sampler import default_weights
from scipy.stats import ks_2samp

from training.tuning.parzen import Kernels

SHAPES: dict[str, BaseDistribution] = {
    "float": FloatDistribution(-1.0, 3.0),
    "log": FloatDistribution(1e-5, 1e-1, log=True),
    "step": FloatDistribution(0.0, 0.5, step=0.05),
    "int": IntDistribution(0, 9),
    "log_int": IntDistribution(8, 256, log=True),
    "choice": CategoricalDistribution([3, 1, 2]),
}


def estimator(count: int, rng: np.random.RandomState) -> _ParzenEstimator:
    seen: dict[str, NDArray[np.float64]] = {
        "float": rng.uniform(-1, 3, count),
        # A range that was narrowed: old values lie outside.
        "log": np.exp(rng.uniform(np.log(1e-6), np.log(1.0), count)),
        "step": rng.randint(0, 11, count).astype(float) * 0.05,
        "int": rng.randint(0, 10, count).astype(float),
        "log_int": np.exp(rng.uniform(np.log(8), np.log(256), count)).round(),
        "choice": rng.randint(0, 3, count).astype(float),
    }
    settings = _ParzenEstimatorParameters(1.0, True, False, default_weights, True)
    return _ParzenEstimator(seen, SHAPES, settings)


@pytest.mark.parametrize("count", [0, 1, 2, 30, 300])
def test_the_density_is_that_of_optuna(count: int) -> None:
    rng = np.random.RandomState(count)
    built = estimator(count, rng)
    points = estimator(20, rng).sample(rng, 100)
    np.testing.assert_allclose(
        Kernels(built).log_pdf(points), built.log_pdf(points), atol=1e-8, rtol=1e-9
    )


def test_draws_are_distributed_as_those_of_optuna() -> None:
    rng = np.random.RandomState(1)
    built = estimator(30, rng)
    ours, theirs = Kernels(built).sample(rng, 3000), built.sample(rng, 3000)
    for name in SHAPES:
        assert ks_2samp(ours[name], theirs[name]).pvalue > 0.01, name
        if name == "step":
            assert set(ours[name]) == set(theirs[name])


def test_a_kernel_around_a_point_is_highest_there_and_sums_to_one() -> None:
    rng = np.random.RandomState(0)
    shapes: dict[str, BaseDistribution] = {"int": SHAPES["int"], "choice": SHAPES["choice"]}
    settings = _ParzenEstimatorParameters(1.0, True, False, default_weights, True)
    seen = {"int": rng.randint(0, 10, 9).astype(float), "choice": np.arange(9.0) % 3}
    every = {"int": np.repeat(np.arange(10.0), 3), "choice": np.tile(np.arange(3.0), 10)}
    around = Kernels(_ParzenEstimator(seen, shapes, settings)).around(every)
    for index in (0, 13, 29):
        assert around(index).argmax() == index
        assert np.exp(around(index)).sum() == pytest.approx(1)


def test_a_kernel_around_a_point_of_every_kind() -> None:
    rng = np.random.RandomState(0)
    kernels = Kernels(estimator(50, rng))
    points = kernels.sample(rng, 200)
    density = kernels.around(points)(7)
    assert density.argmax() == 7
    assert np.isfinite(density[7])


@pytest.mark.parametrize("discrete", [False, True])
def test_what_stands_far_outside_a_narrowed_range_is_left_out(discrete: bool) -> None:
    shape = IntDistribution(0, 9) if discrete else FloatDistribution(0.0, 9.0)
    settings = _ParzenEstimatorParameters(1.0, True, False, default_weights, True)
    near = np.array([2.0, 4.0, 6.0])
    far = np.concatenate([near, 10_000 + np.arange(30.0) / (1 if discrete else 1_000)])
    beside: dict[str, BaseDistribution] = {"x": shape, "y": FloatDistribution(0.0, 1.0)}
    seen = {"x": far, "y": np.full(len(far), 0.5)}
    kernels = Kernels(_ParzenEstimator(seen, beside, settings))
    drawn = kernels.sample(np.random.RandomState(0), 500)
    assert ((drawn["x"] >= 0) & (drawn["x"] <= 9)).all()
    grid = np.arange(10.0) if discrete else np.linspace(0, 9, 1_001)
    y = np.linspace(0, 1, 201)
    points = {"x": np.repeat(grid, len(y)), "y": np.tile(y, len(grid))}
    density = np.exp(kernels.log_pdf(points)).reshape(len(grid), len(y))
    assert np.isfinite(density).all()
    total = np.trapezoid(density, y, axis=1)
    total = total.sum() if discrete else np.trapezoid(total, grid)
    assert total == pytest.approx(1.0, abs=0.01)
