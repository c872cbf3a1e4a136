"""Who goes on at a rung: the brackets of Hyperband, or the better half."""

from __future__ import annotations

from typing import Final

import optuna
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.trial import FrozenTrial

from localizer.errors import ConfigError
from training.tuning.brackets import ETA, Bracket, Hyperband, hyperband, kept
from training.tuning.budget import Point, read_points
from training.tuning.samplers import PBT, WITH_BRACKETS

PRUNERS: Final = ("auto", "none", "median", "hyperband")
"""`auto` is `hyperband` for the samplers with brackets, `none` for `pbt`, else `median`."""

_STARTUP: Final = 5
"""Trials that run to the end before any is compared with their median; Optuna's default."""


def rungs_of(epochs: int, *, eta: int = ETA) -> tuple[int, ...]:
    """Return the epochs at which trials are scored: the whole training and eta-th parts of it.

    At most three: reporting costs a storage as much as a trial costs to train.
    """
    parts = {max(1, epochs // eta**power) for power in range(3)}
    return tuple(sorted(parts))


def brackets_of(rungs: tuple[int, ...], *, eta: int = ETA) -> Hyperband:
    """Return the brackets whose rungs are those of a study."""
    return hyperband(rungs[-1], least_epochs=rungs[0], eta=eta)


def has_brackets(name: str, sampler: str) -> bool:
    """Return whether a study's trials belong to Hyperband's brackets."""
    return name == "hyperband" or (name == "auto" and sampler in WITH_BRACKETS)


def pruner_of(name: str, sampler: str, rungs: tuple[int, ...]) -> BasePruner:
    """Return a pruner by name.

    Raises:
        ConfigError: there is no such pruner, or the sampler has none.
    """
    if name not in PRUNERS:
        raise ConfigError(f"a pruner must be one of {PRUNERS}, but got {name!r}")
    if sampler == PBT:
        if name not in ("auto", "none"):
            raise ConfigError(
                f"a population must have no pruner, but got {name!r}: its worst go on from the "
                "weights of its best instead of being given up; leave --pruner out"
            )
        return NopPruner()
    if name == "none":
        return NopPruner()
    if has_brackets(name, sampler):
        return BracketPruner(brackets_of(rungs))
    return MedianPruner(n_startup_trials=_STARTUP)


class BracketPruner(BasePruner):
    """Successive halving within the brackets of Hyperband, asynchronously.

    Optuna's own draws a trial's bracket from a hash, and starts as many in each as chance has it;
    here every round has each bracket's trials.
    """

    def __init__(self, brackets: Hyperband) -> None:
        self._brackets = brackets

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Tell whether a trial is to stop where it has come to."""
        epochs = max(trial.intermediate_values, default=0)
        points = read_points(study)
        ranks = {attempt.number: point.rank for point in points for attempt in point.attempts}
        if trial.number not in ranks:
            return False
        bracket = self._brackets.bracket_of(ranks[trial.number])
        places = [number for number, rung in enumerate(bracket.rungs) if rung.epochs == epochs]
        if not places or places[0] + 1 == len(bracket.rungs):
            return False
        rung, after = bracket.rungs[places[0] : places[0] + 2]
        errors = [value for one in points if (value := self._at(one, bracket, epochs)) is not None]
        return not kept(rung, after, errors, trial.intermediate_values[epochs])

    def _at(self, point: Point, bracket: Bracket, epochs: int) -> float | None:
        if self._brackets.bracket_of(point.rank) is not bracket:
            return None
        return point.last.intermediate_values.get(epochs)
