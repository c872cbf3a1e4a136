"""Every point of a space once."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from localizer.errors import ConfigError
from training.tuning.budget import COPY_OF, FIXED
from training.tuning.parameters import Number
from training.tuning.space import Space
from training.tuning.study import IMPORTED


class GridPoints(BaseSampler):
    """Gives each trial the next point of a shuffled grid.

    Optuna's own goes over the product of all values, points that differ in what is not active among
    them; it hands out points twice to workers that run at the same time, and ends a study in a way
    that only `study.optimize` bears. Here a trial's place among those that are not given their
    parameters says which point is its: no two workers see it differently. Past the end the points
    come again.

    Args:
        space: without continuous parameters.
        seed: of the order; the same for all workers.

    Raises:
        ConfigError: a parameter is continuous and has no step.
    """

    def __init__(self, space: Space, *, seed: int) -> None:
        points = [space.stored_params(point) for point in space.grid_points()]
        order = np.random.default_rng(seed).permutation(len(points))
        self._points: list[dict[str, Number]] = [points[place] for place in order]
        self._current: tuple[int, dict[str, Number]] | None = None

    def __len__(self) -> int:
        return len(self._points)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return nothing: every value is asked for by itself."""
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return the value that the trial's point has."""
        if self._current is None or self._current[0] != trial.number:
            self._current = (trial.number, self._point_of(study, trial))
        if param_name not in self._current[1]:
            raise ConfigError(
                f"a point given to a grid search must be whole, but lacks {param_name!r}; add it"
            )
        return self._current[1][param_name]

    def _point_of(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, Number]:
        earlier = study._get_trials(deepcopy=False, use_cache=False)
        place = sum(one.number < trial.number and not _is_given(one) for one in earlier)
        return self._points[place % len(self._points)]


def _is_given(trial: FrozenTrial) -> bool:
    """Tell whether its parameters are from elsewhere: a person, an earlier try, another study."""
    return FIXED in trial.system_attrs or not {COPY_OF, IMPORTED}.isdisjoint(trial.user_attrs)
