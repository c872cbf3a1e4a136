"""How the trials of a study stand in a fork of it, whose space may be another one."""

from __future__ import annotations

from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, create_trial

from localizer.errors import ConfigError
from training.tuning.parameters import AnyParameter
from training.tuning.space import Space
from training.tuning.study import Adopt


def adoption(old: Space, new: Space) -> Adopt:
    """Return how trials of an old space are written for a new one.

    By what a person would write: a storage holds a choice as its place among all of a space's own
    values. A parameter that the new space does not have is left out, and so is a trial with a value
    that it does not allow.

    Args:
        old: the latest version of the space that the trials are of.
        new: the space of the fork.
    """
    named = {one.name: one for one in old.drawn}

    def adopt(trial: FrozenTrial) -> FrozenTrial | None:
        held = {name: value for name, value in trial.params.items() if name in named}
        point = {name: named[name].from_stored(value) for name, value in held.items()}
        kept: dict[str, Any] = {}
        shapes: dict[str, BaseDistribution] = {}
        for one in new.drawn:
            if one.name not in point or not one.active(kept):
                continue
            if not _allows(one, point[one.name]):
                return None
            kept[one.name], shapes[one.name] = point[one.name], one.stored()
        if not kept:
            return None
        return create_trial(
            state=trial.state,
            values=trial.values,
            params=new.stored_params(kept),
            distributions=shapes,
            user_attrs=trial.user_attrs,
            system_attrs=trial.system_attrs,
            intermediate_values=trial.intermediate_values,
        )

    return adopt


def _allows(one: AnyParameter, value: Any) -> bool:
    try:
        one.refuse(value)
    except ConfigError:
        return False
    # Of a number beside its steps.
    return one.stored()._contains(one.to_stored(value))
