"""A study as its samplers see it: through the present version of the space.

Optuna's samplers learn from trials whose parameters have the very distributions that are drawn now.
A range that was narrowed, or a parameter that is new, would make them forget every trial before it.
So they are shown all trials in the present version's terms: a new parameter with its default, a
choice by its place in the present set, a number as it was, inside the range or not. A trial with a
choice that is gone is not shown.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any, Final

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from training.tuning.parameters import AnyParameter, Number
from training.tuning.space import Space

_CONSTRAINTS: Final = "constraints"
_TRAINS: Final = f"{_CONSTRAINTS}:trains"
"""The one constraint that is shown; Optuna's Gaussian process wants every trial to have it."""


class SeenStudy:
    """A study whose trials are those of one version of a space; for the rest, the study.

    Args:
        study: what is looked at; its direction is down.
        space: in whose terms.
        complete_only: for samplers that know of complete trials alone. A point that was told to be
            infeasible, dead or diverged is shown as complete with the worst error so far, and one
            stopped at a rung with its last error, which more epochs would have lowered: otherwise
            such a sampler draws it again and again.
    """

    def __init__(self, study: optuna.Study, space: Space, *, complete_only: bool) -> None:
        self._study = study
        self._complete_only = complete_only
        self._translate = Translation(space)
        self._ended: dict[int, FrozenTrial | None] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._study, name)

    def look_at(self, study: optuna.Study) -> SeenStudy:
        """Take the study as a caller has it; what was translated of it stays."""
        if study._study_id != self._study._study_id:
            self._ended.clear()
        self._study = study
        return self

    @property
    def trials(self) -> list[FrozenTrial]:
        """Every trial that can be shown."""
        return self.get_trials()

    def get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials in some states; all states if None."""
        return self._get_trials(deepcopy, states)

    def _get_trials(
        self,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
        use_cache: bool = False,
    ) -> list[FrozenTrial]:
        del deepcopy  # these are copies
        found = self._study._get_trials(deepcopy=False, states=None, use_cache=use_cache)
        shown = [trial for trial in map(self._shown, found) if trial is not None]
        if self._complete_only:
            shown = _as_complete(shown)
        return shown if states is None else [trial for trial in shown if trial.state in states]

    def _shown(self, trial: FrozenTrial) -> FrozenTrial | None:
        if not trial.state.is_finished():
            return self._translate.trial(trial)
        if trial._trial_id not in self._ended:
            self._ended[trial._trial_id] = self._translate.trial(trial)
        return self._ended[trial._trial_id]


class Translation:
    """From what a storage holds to what a sampler is shown."""

    def __init__(self, space: Space) -> None:
        self._drawn = space.drawn
        self._shapes = space.seen()
        self._defaults = {one.name: one.to_stored(space.default_of(one)) for one in space.drawn}

    def trial(self, trial: FrozenTrial) -> FrozenTrial | None:
        """Return a trial in the space's terms; None for one with a choice that is gone."""
        params = self._params(trial.params, fill=trial.state.is_finished())
        if params is None:
            return None
        shapes: dict[str, BaseDistribution] = {name: self._shapes[name] for name in params}
        return FrozenTrial(
            number=trial.number,
            state=trial.state,
            value=None,
            datetime_start=trial.datetime_start,
            datetime_complete=trial.datetime_complete,
            params=params,
            distributions=shapes,
            user_attrs={},
            system_attrs=trial.system_attrs,
            intermediate_values=trial.intermediate_values,
            trial_id=trial._trial_id,
            values=trial.values,
        )

    def _params(self, held: dict[str, Number], *, fill: bool) -> dict[str, Any] | None:
        point: dict[str, Any] = {}
        shown: dict[str, Any] = {}
        for one in self._drawn:
            if not one.active(point):
                continue
            # A running trial may be in the middle of its draws.
            stored = held.get(one.name, self._defaults[one.name] if fill else None)
            if stored is None:
                continue
            point[one.name] = one.from_stored(stored)
            seen = one.to_seen(stored)
            if seen is None:
                return None
            shown[one.name] = seen
        return shown


def _as_complete(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    shown = list(trials)
    errors = [trial.value for trial in shown if trial.state == TrialState.COMPLETE]
    worst = max((error for error in errors if error is not None), default=0.0)
    broken = any(_violation(trial) > 0 for trial in shown)
    return [_completed(trial, worst, broken) for trial in shown]


def _completed(trial: FrozenTrial, worst: float, broken: bool) -> FrozenTrial:
    value = trial.value if trial.state == TrialState.COMPLETE else None
    if trial.state == TrialState.PRUNED and _violation(trial) > 0:
        value = worst
    elif trial.state == TrialState.PRUNED and trial.intermediate_values:
        value = trial.intermediate_values[max(trial.intermediate_values)]
    attrs = {k: v for k, v in trial.system_attrs.items() if not k.startswith(_CONSTRAINTS)}
    if broken:
        attrs[_TRAINS] = _violation(trial)
    return FrozenTrial(
        number=trial.number,
        state=trial.state if value is None else TrialState.COMPLETE,
        value=value,
        datetime_start=trial.datetime_start,
        datetime_complete=trial.datetime_complete,
        params=trial.params,
        distributions=trial.distributions,
        user_attrs={},
        system_attrs=attrs,
        intermediate_values=trial.intermediate_values,
        trial_id=trial._trial_id,
    )


def _violation(trial: FrozenTrial) -> float:
    return sum(value for value in trial.constraints.values() if value > 0)


def unconditional(space: Space) -> tuple[AnyParameter, ...]:
    """Return the parameters that every point has."""
    return tuple(one for one in space.drawn if not one.when)


def groups(space: Space) -> list[tuple[AnyParameter, ...]]:
    """Return the parameters by the condition under which they are there.

    Those that share one are drawn together, as Optuna's own grouped TPE does; it finds the groups
    in the trials, which takes it some trials and longer with each.
    """
    found: dict[str, list[AnyParameter]] = {}
    for one in space.drawn:
        found.setdefault(repr(sorted(one.when.items())), []).append(one)
    return [tuple(group) for group in found.values()]
