"""Who proposes the points of a study: Optuna's samplers, shown a study through its space."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, QMCSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState

from localizer.errors import ConfigError
from training.tuning.grid import GridPoints
from training.tuning.parameters import AnyParameter, Number
from training.tuning.pbt.explore import above_zero, changing, refuse_unchanging
from training.tuning.seen import SeenStudy, groups, unconditional
from training.tuning.space import Point, Space
from training.tuning.tpe import BatchTPESampler

PBT: Final = "pbt"
"""Name of the sampler whose trials are members of populations (`training.tuning.pbt`)."""

SAMPLERS: Final = ("grid", "random", "gp", "tpe", "cma", "qmc", "hyperband", "bohb", PBT)
"""Names that `sampler_of` knows; `hyperband` and `bohb` draw at random and by TPE, and a study
stops their trials at the rungs of `training.tuning.brackets`."""

WITH_BRACKETS: Final = frozenset({"hyperband", "bohb"})
"""Samplers whose trials belong to a bracket."""

_EXTRAS: Final = {"gp": "torch", "cma": "cmaes"}
"""What a sampler needs beside Optuna, by the extra of its name."""

MOST_GRID: Final = 10_000
"""Points of a grid that is searched without being told how many there are; a network of a second
takes three hours for so many."""


def sampler_of(
    name: str, space: Space, *, seed: int, worker: str = "", most_grid: int = MOST_GRID
) -> BaseSampler:
    """Return a sampler by name.

    What a trial is given depends on the seed, its number and the trials that have ended, and on no
    worker: those of `random` are the same with any number of workers.

    Args:
        name: one of `SAMPLERS`, or `package.module:Class` of an `optuna.samplers.BaseSampler`.
        space: what is drawn from; for its next version another sampler is needed.
        seed: of the study; the same for all of its workers.
        worker: who draws. Only a sampler of one's own is told, within its seed: two that drew the
            same would waste one's time.
        most_grid: largest grid that is searched.

    Raises:
        ConfigError: there is no such sampler, it lacks its extra, or the space is not for it.
    """
    if ":" in name:
        return SpaceSampler(space, _own(name, seed, worker), seed=seed)
    if name not in SAMPLERS:
        raise ConfigError(
            f"a sampler must be one of {SAMPLERS} or package.module:Class, but got {name!r}"
        )
    if name in _EXTRAS and importlib.util.find_spec(_EXTRAS[name]) is None:
        raise ConfigError(
            f"sampler {name!r} must have {_EXTRAS[name]}, which is not installed; install the "
            f"extra {name!r}, or take `tpe`"
        )
    if name == "grid":
        return _grid(space, seed, most_grid)
    if name == PBT:
        refuse_unchanging(space)
        return PopulationSampler(space, seed=seed)
    return _MAKERS[name](space, seed)


class SpaceSampler(BaseSampler):
    """A sampler that is shown the present version of a space, and whose draws are stored as its.

    Args:
        space: the present version.
        inner: Optuna's sampler, or one's own.
        seed: of the study; with a trial's number it gives what is random about the trial.
        relative: parameters that are drawn together; those that `inner` finds itself if None.
        complete_only: whether `inner` knows of complete trials alone.
    """

    def __init__(
        self,
        space: Space,
        inner: BaseSampler,
        *,
        seed: int,
        relative: Sequence[AnyParameter] | None = None,
        complete_only: bool = False,
    ) -> None:
        self.space = space
        self._inner = inner
        self._seed = seed
        self._shapes = space.seen()
        self._stored = space.stored()
        self._named = {one.name: one for one in space.drawn}
        self._relative = None if relative is None else [one.name for one in relative]
        self._complete_only = complete_only
        self._seen: SeenStudy | None = None
        self._drawing: int | None = None

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return what is drawn together, as a storage is told of it."""
        names: Sequence[str]
        if self._relative is None:
            names = list(self._inner.infer_relative_search_space(self._look(study), trial))
        else:
            names = [name for name in self._relative if not self._shapes[name].single()]
        return {name: self._stored[name] for name in names if name in self._stored}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return what is drawn together, as a storage holds it."""
        self._begin(trial)
        shown = {name: self._shapes[name] for name in search_space}
        drawn = self._inner.sample_relative(self._look(study), trial, shown)
        return {name: self._named[name].from_seen(value) for name, value in drawn.items()}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return one value, as a storage holds it."""
        self._begin(trial)
        look = self._look(study)
        if param_name not in self._named:
            return self._inner.sample_independent(look, trial, param_name, param_distribution)
        shape = self._shapes[param_name]
        value = self._inner.sample_independent(look, trial, param_name, shape)
        return self._named[param_name].from_seen(value)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Tell the inner sampler."""
        self._inner.before_trial(self._look(study), trial)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Tell the inner sampler."""
        self._inner.after_trial(self._look(study), trial, state, values)

    def reseed_rng(self) -> None:
        """Let the inner sampler begin anew."""
        self._inner.reseed_rng()

    def one_fit(self, batch: int) -> contextlib.AbstractContextManager[None]:
        """Return a block within which so many points come from one fit, where the sampler can."""
        if isinstance(self._inner, BatchTPESampler):
            return self._inner.one_fit(batch)
        return contextlib.nullcontext()

    def _look(self, study: optuna.Study) -> Any:
        if self._seen is None:
            self._seen = SeenStudy(study, self.space, complete_only=self._complete_only)
        return self._seen.look_at(study)

    def _begin(self, trial: FrozenTrial) -> None:
        """Begin a trial's own stream of random numbers.

        Workers that all began with the seed of the study would draw the same points.
        """
        if self._drawing != trial.number:
            self._drawing = trial.number
            _reseed(self._inner, np.random.SeedSequence([self._seed, trial.number]))


class PopulationSampler(SpaceSampler):
    """Draws members of a population: at random, save what all of them have in common.

    Args:
        space: the present version.
        seed: of the study.
    """

    def __init__(self, space: Space, *, seed: int) -> None:
        SpaceSampler.__init__(self, space, RandomSampler(seed=seed), seed=seed)
        self._free = {one.name: one for one in changing(space)}
        self.shared: Mapping[str, Number] | None = None
        """As a storage holds it; None while the first member of a population is drawn."""

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return one value, as a storage holds it."""
        if self.shared is not None and param_name in self.shared:
            return self.shared[param_name]
        drawn = SpaceSampler.sample_independent(self, study, trial, param_name, param_distribution)
        if self.shared is None or param_name not in self._free:
            return drawn
        # The first member has it above 0, and so must all.
        one = self._free[param_name]
        return one.to_stored(above_zero(one, one.from_stored(drawn)))


def suggest_batch(study: optuna.Study, space: Space, trials: Sequence[optuna.Trial]) -> list[Point]:
    """Return a point for each of some running trials, from one fit of the surrogate for all.

    TPE is fitted once. The Gaussian process is fitted again for each trial, from where the last fit
    ended, and knows those that the batch has drawn before: at 400 trials that fit is an eighth of
    what an ask costs (0.4 s), and the search for the point the rest. CMA-ES fits nothing between
    two generations.

    Args:
        study: whose sampler is of `sampler_of`; another one is asked trial by trial.
        space: the version that the sampler was made for.
        trials: claimed by this worker. Those with fixed parameters keep them.

    Raises:
        Infeasible: a fixed parameter is a choice that is gone.
    """
    with _one_fit(study.sampler, len(trials)):
        return [space.suggest(trial) for trial in trials]


@contextlib.contextmanager
def _one_fit(sampler: BaseSampler, batch: int) -> Iterator[None]:
    if not isinstance(sampler, SpaceSampler):
        yield
        return
    with sampler.one_fit(batch):
        yield


def _random(space: Space, seed: int) -> BaseSampler:
    return SpaceSampler(space, RandomSampler(seed=seed), seed=seed)


def _tpe(space: Space, seed: int) -> BaseSampler:
    return SpaceSampler(space, BatchTPESampler(groups(space), seed=seed), seed=seed)


def _gp(space: Space, seed: int) -> BaseSampler:
    # Trainings are noisy: two of one point differ by their seeds.
    inner = GPSampler(seed=seed, deterministic_objective=False, warn_independent_sampling=False)
    return SpaceSampler(space, inner, seed=seed, relative=unconditional(space), complete_only=True)


def _cma(space: Space, seed: int) -> BaseSampler:
    inner = CmaEsSampler(seed=seed, warn_independent_sampling=False)
    shapes = space.seen()
    numbers = [
        one
        for one in unconditional(space)
        if not isinstance(shapes[one.name], CategoricalDistribution)
    ]
    return SpaceSampler(space, inner, seed=seed, relative=numbers, complete_only=True)


def _qmc(space: Space, seed: int) -> BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        inner = QMCSampler(
            qmc_type="sobol", scramble=True, seed=seed, warn_independent_sampling=False
        )
    return SpaceSampler(space, inner, seed=seed, relative=unconditional(space))


_MAKERS: Final[dict[str, Callable[[Space, int], BaseSampler]]] = {
    "random": _random,
    "hyperband": _random,
    "tpe": _tpe,
    "bohb": _tpe,
    "gp": _gp,
    "cma": _cma,
    "qmc": _qmc,
}


def _grid(space: Space, seed: int, most: int) -> BaseSampler:
    size = space.grid_size()
    if size > most:
        raise ConfigError(
            f"a grid must have at most {most:,} points, but that of {space.name!r} has {size:,}; "
            "narrow it, or take another sampler"
        )
    return GridPoints(space, seed=seed)


def _own(name: str, seed: int, worker: str) -> BaseSampler:
    module, _, wanted = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), wanted)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"a sampler of one's own must be there as package.module:Class, but {name!r}: {error}"
        ) from error
    if not (inspect.isclass(found) and issubclass(found, BaseSampler)):
        raise ConfigError(
            f"{name!r} must be a class of optuna.samplers.BaseSampler, but is {found!r}"
        )
    own = np.random.SeedSequence([seed, *worker.encode()]).generate_state(1)[0]
    keys = inspect.signature(found).parameters
    make: Callable[..., BaseSampler] = found
    return make(seed=int(own)) if "seed" in keys else make()


def _reseed(sampler: BaseSampler, seed: np.random.SeedSequence) -> None:
    """Set every stream of one of Optuna's samplers.

    Save that of a scrambled sequence, which is one for all trials, and those of CMA-ES, which
    counts the trial in by itself.
    """
    streams = [getattr(sampler, name, None) for name in ("_random_sampler", "_independent_sampler")]
    if isinstance(sampler, RandomSampler | BatchTPESampler | GPSampler):
        streams.append(sampler)
    for stream, state in zip(streams, seed.generate_state(len(streams)), strict=True):
        if stream is not None:
            stream._rng.rng.seed(int(state))
