"""TPE for a batch of trials: its estimators are built once, and every point sees those before it.

Optuna builds them anew for every trial that is asked for. With thousands of trials of a tenth of a
second, and dozens asked for at a time, that is where the time of a study goes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import TPESampler
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator
from optuna.samplers._tpe.sampler import _split_trials, default_gamma, default_weights
from optuna.trial import FrozenTrial, TrialState

from training.tuning.parameters import AnyParameter
from training.tuning.parzen import Array, Kernels

MOST_TRIALS: Final = 2_000
"""The surrogate is built on the best ones and the newest so many: older ones weigh next to nothing
(Optuna gives the k-th of n a weight of k / n), and take as long."""

CANDIDATES: Final = 24
"""Drawn a point, of which the best is taken; as Optuna."""


class _Fit:
    """The estimators of one group of parameters, and the points drawn from them."""

    def __init__(self, good: _ParzenEstimator, bad: _ParzenEstimator, batch: int) -> None:
        self._good, self._bad = Kernels(good), Kernels(bad)
        self._log_weight = math.log(float(np.sum(default_weights(len(self._bad) - 1))) + 1)
        self._batch = batch
        self._next = batch
        self._log_good: Array
        self._log_bad: Array
        self._around: Callable[[int], Array]

    def choose(self, rng: np.random.RandomState) -> dict[str, float]:
        """Return the next point: the best of its candidates."""
        if self._next == self._batch:
            self._draw(rng)
        first = self._next * CANDIDATES
        self._next += 1
        its = slice(first, first + CANDIDATES)
        best = first + int(np.argmax(self._log_good[its] - self._log_bad[its]))
        # It counts as a bad one until it is known (Optuna's constant liar). Without a new fit: its
        # kernel is added to the density of the bad ones. That they all weigh a little less from
        # then on shifts every candidate alike.
        self._log_bad = np.logaddexp(self._log_bad, self._around(best))
        return {name: float(values[best]) for name, values in self._samples.items()}

    def _draw(self, rng: np.random.RandomState) -> None:
        """Draw the candidates of a whole batch: their densities cost less together."""
        self._next = 0
        self._samples = self._good.sample(rng, self._batch * CANDIDATES)
        self._log_good = self._good.log_pdf(self._samples)
        self._log_bad = self._bad.log_pdf(self._samples) + self._log_weight
        self._around = self._bad.around(self._samples)


class BatchTPESampler(TPESampler):
    """Optuna's TPE over the groups of a space, with one fit a batch.

    Args:
        groups: parameters that are drawn together; a study is expected to be seen through the space
            that they are from (`training.tuning.seen`).
        seed: of the draws.
        startup: random trials before the first fit.
    """

    def __init__(
        self, groups: Sequence[Sequence[AnyParameter]], *, seed: int, startup: int = 10
    ) -> None:
        super().__init__(seed=seed, n_startup_trials=startup, n_ei_candidates=CANDIDATES)
        shapes = [{one.name: one.seen() for one in group} for group in groups]
        self._groups: list[dict[str, BaseDistribution]] = [
            {name: shape for name, shape in group.items() if not shape.single()} for group in shapes
        ]
        self._fits: dict[tuple[str, ...], _Fit] | None = None
        self._batch = 1
        self._split: tuple[list[FrozenTrial], list[FrozenTrial]] | None = None
        self._ready: bool | None = None

    @contextmanager
    def one_fit(self, batch: int) -> Iterator[None]:
        """Keep the estimators until the end of the block, for a batch of so many points."""
        self._fits, self._batch = {}, batch
        try:
            yield
        finally:
            self._fits, self._batch, self._split, self._ready = None, 1, None, None

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return every parameter of the space, whether a point has it or not."""
        return {name: shape for group in self._groups for name, shape in group.items()}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return a value of every parameter of the search space; none before the first fit."""
        # Not the superclass': it writes what it drew into an attribute of the trial, for workers
        # that look before its parameters stand there. Here these are written in the next moment.
        if not self._is_ready(study):
            return {}
        drawn: dict[str, Any] = {}
        for group in self._groups:
            wanted = {name: shape for name, shape in group.items() if name in search_space}
            if wanted:
                drawn |= self._sample(study, trial, wanted)
        return drawn

    def _is_ready(self, study: optuna.Study) -> bool:
        if self._ready is not None:
            return self._ready
        states = (TrialState.COMPLETE, TrialState.PRUNED)
        ready = len(study._get_trials(deepcopy=False, states=states)) >= self._n_startup_trials
        if self._fits is not None:
            self._ready = ready
        return ready

    def _sample(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        key = tuple(search_space)
        fits = self._fits if self._fits is not None else {}
        if key not in fits:
            fits[key] = self._fit(study, trial, search_space)
        chosen = fits[key].choose(self._rng.rng)
        return {name: search_space[name].to_external_repr(value) for name, value in chosen.items()}

    def _fit(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> _Fit:
        split = self._split if self._split is not None else self._newest(study, trial)
        if self._fits is not None:
            self._split = split
        below, above = split
        good = self._build_parzen_estimator(study, search_space, below, handle_below=True)
        bad = self._build_parzen_estimator(study, search_space, above, handle_below=False)
        return _Fit(good, bad, self._batch)

    def _newest(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> tuple[list[FrozenTrial], list[FrozenTrial]]:
        states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
        trials = study._get_trials(deepcopy=False, states=states)
        others = [one for one in trials if one.number != trial.number]
        ended = sum(one.state != TrialState.RUNNING for one in others)
        below, above = _split_trials(study, others, default_gamma(ended))
        return below, above[-MOST_TRIALS:]
