"""A study: what it is a study of, and whether it may go on."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import optuna
from optuna.exceptions import DuplicatedStudyError
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from localizer.errors import ConfigError
from training.tuning.budget import FIXED, SOURCE, read_points, take, top_up, within
from training.tuning.leases import give_back
from training.tuning.trials import RECORD, Source, TrialRecord

IDENTITY: Final = "identity"
"""Key of what a study is a study of."""
IMPORTED: Final = "imported from"
"""Key of a trial that a fork took over: its study's name and its number there."""
RULES: Final = "rules"
"""Key under which what a study's rules remember lies."""
LATE: Final = "late"
"""First word of the keys of results that came too late, by their trials' numbers."""
CODE: Final = "code versions"
"""Key of every version of the code that has worked on a study, in order."""


@dataclass(frozen=True, slots=True)
class Objective:
    """What a trial's value is the mean of."""

    survey: str
    split: str
    folds: int
    seeds: tuple[int, ...]
    epochs: int
    rungs: tuple[int, ...]
    """Epochs after which a training is scored and may be given up, the last one among them."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What must be the same for a study to go on."""

    space_hash: str
    data_hash: str
    objective: Objective
    seed: int = 0
    """From which every point's seed follows."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, the same after a round trip."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return values


Adopt = Callable[[FrozenTrial], FrozenTrial | None]
"""Says how a trial of an old study stands in the new one, or None where it cannot."""


def open_study(
    storage: BaseStorage, name: str, identity: Identity, *, code_version: str
) -> optuna.Study:
    """Open a study by name, or make it where there is none.

    Args:
        storage: as `open_storage` returns it.
        name: of the study.
        identity: what it is to be a study of.
        code_version: noted; a study may go on with newer code.

    Raises:
        ConfigError: the study there is one of other data, another space or another objective.
    """
    study = _create(storage, name)
    attrs = study.user_attrs
    if IDENTITY not in attrs:
        study.set_user_attr(IDENTITY, identity.to_json())
        attrs = study.user_attrs
    _refuse_other(name, attrs[IDENTITY], identity.to_json())
    versions = list(attrs.get(CODE, []))
    if code_version not in versions:
        study.set_user_attr(CODE, [*versions, code_version])
    return study


def join_study(storage: BaseStorage, name: str) -> optuna.Study:
    """Open a study that must be there, as a worker does.

    Raises:
        ConfigError: there is none of this name.
    """
    try:
        storage.get_study_id_from_name(name)
    except KeyError as error:
        known = [study.study_name for study in storage.get_all_studies()]
        raise ConfigError(
            f"a worker must name a study that is there, one of {known}, but got {name!r}; "
            "start it with `tune` first"
        ) from error
    return optuna.Study(name, storage)


def fork_name(name: str, identity: Identity) -> str:
    """Return the name of the study that goes on from `name` with other data or another space."""
    text = json.dumps(identity.to_json(), sort_keys=True)
    return f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def fork_study(
    source: optuna.Study, identity: Identity, *, code_version: str, adopt: Adopt = lambda old: old
) -> optuna.Study:
    """Return a new study that begins with what an old one found.

    The old trials teach the sampler. They are no part of the new study's budget or of its best:
    their errors are those of other data. A fork that is there already is opened.

    Args:
        source: the old study.
        identity: of the new one.
        code_version: noted.
        adopt: how an old trial stands in the new study; parameters that the new space has with
            another kind of range must be changed or left out.
    """
    name = fork_name(source.study_name, identity)
    study = open_study(source._storage, name, identity, code_version=code_version)
    there = {trial.user_attrs.get(IMPORTED) for trial in study.get_trials(deepcopy=False)}
    told = (TrialState.COMPLETE, TrialState.PRUNED)
    for trial in source.get_trials(deepcopy=False, states=told):
        origin = f"{source.study_name} {trial.number}"
        adopted = adopt(trial) if origin not in there else None
        if adopted is not None:
            study.add_trial(_imported(adopted, origin))
    return study


def _imported(trial: FrozenTrial, origin: str) -> FrozenTrial:
    kept: dict[str, Any] = {
        key: trial.user_attrs[key] for key in (RECORD, SOURCE) if key in trial.user_attrs
    }
    constraints = {k: v for k, v in trial.system_attrs.items() if k.startswith("constraints")}
    return create_trial(
        state=trial.state,
        values=trial.values,
        params=trial.params,
        distributions=trial.distributions,
        user_attrs={**kept, IMPORTED: origin},
        system_attrs=constraints,
        intermediate_values=trial.intermediate_values,
    )


def _create(storage: BaseStorage, name: str) -> optuna.Study:
    with contextlib.suppress(DuplicatedStudyError):  # then it goes on
        storage.create_new_study([StudyDirection.MINIMIZE], name)
    return optuna.Study(name, storage)


def _refuse_other(name: str, there: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    words = {"data_hash": "data", "space_hash": "space", "objective": "objective", "seed": "seed"}
    other = [key for key in words if there[key] != wanted[key]]
    if other:
        told = "; ".join(f"{words[key]} {there[key]} there, {wanted[key]} now" for key in other)
        raise ConfigError(
            f"a study must go on with what it began with, but {name!r} differs: {told}; "
            "take another --study, or --fork to begin anew with its trials as a warm start"
        )


def seed_in(attrs: Mapping[str, Any]) -> int:
    """Return the seed of a study from its attributes; 0 for one without an identity."""
    return int(attrs.get(IDENTITY, {}).get("seed", 0))


def note_late(study: optuna.Study, record: TrialRecord) -> None:
    """Note a result that came after its lease was lost; the trial's own end stays."""
    late = {"worker": record.worker, "verdict": record.verdict, "dev_m": record.dev_m}
    study.set_user_attr(f"{LATE} {record.number}", late)


def enqueue(
    study: optuna.Study, fixed: Sequence[Mapping[str, Any]], *, source: Source, limit: int
) -> int:
    """Let points be tried before all others, within the budget; return how many are new.

    A point takes the place of a trial that waits. One that is in the study already is left out.

    Args:
        study: whose.
        fixed: parameters by Optuna's names and in its values, those of a point or some of them.
        source: who proposes them.
        limit: trials of the budget.

    Raises:
        ConfigError: more points than the budget has trials left.
    """
    known = read_points(study)
    there = [p.last.system_attrs.get(FIXED) for p in known if p.source != "sampler"]
    new = [dict(one) for one in fixed if dict(one) not in there]
    for number, one in enumerate(new):
        if not _replace_waiting(study, one, source, limit):
            raise ConfigError(
                f"a point must have a trial of the budget, but all {limit} are taken and "
                f"{len(new) - number} points are left; ask for more --trials"
            )
    return len(new)


def _replace_waiting(
    study: optuna.Study, fixed: Mapping[str, Any], source: Source, limit: int
) -> bool:
    known = read_points(study)
    if top_up(study, known, limit):
        known = read_points(study)
    for point in within(known, limit):
        free = point.last.state == TrialState.WAITING and point.source == "sampler"
        if free and len(point.attempts) == 1 and take(study, point.last):
            trial_id = point.last._trial_id
            study._storage.set_trial_system_attr(trial_id, FIXED, dict(fixed))
            study._storage.set_trial_user_attr(trial_id, SOURCE, source)
            give_back(study, trial_id)
            return True
    return False
