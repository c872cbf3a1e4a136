"""How a trial ended, told to Optuna so that its samplers learn from it, and read back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, cast

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from training.tuning.trials import FAILURES, RECORD, TrialRecord, Verdict

LOST: Final = "lost"
"""Key of what somebody else says of a trial whose worker cannot say it: verdict and reason."""
TRAINS: Final = "trains"
"""The constraint that infeasible, dead and diverged trials break."""

_WITHOUT_VALUE: Final[frozenset[Verdict]] = frozenset({"infeasible", "dead output", "diverged"})


def judged(record: TrialRecord) -> TrialRecord:
    """Return a record whose verdict its figures bear out: `ok` needs an error that is a number."""
    if record.verdict != "ok" or math.isfinite(record.dev_m):
        return record
    if not record.trainings:
        return replace(record, verdict="crashed", reason="it ended without any figure")
    return replace(record, verdict="diverged", reason=f"its error is {record.dev_m}")


def tell(
    study: optuna.Study, trial_id: int, record: TrialRecord, *, trial: FrozenTrial | None = None
) -> bool:
    """Write a record and end its trial; return False for a trial that had been ended before.

    An infeasible point, a dead output and a divergence break a constraint and are pruned: a sampler
    forgets what failed, and would draw such points again and again.

    Args:
        study: whose trial.
        trial_id: which.
        record: what came of it.
        trial: what the sampler is told of, as it was when it got its parameters; read if None.
    """
    storage = study._storage
    record = judged(record)
    try:
        storage.set_trial_user_attr(trial_id, RECORD, record.to_json())
        if record.verdict in _WITHOUT_VALUE:
            storage.set_trial_system_attr(trial_id, f"constraints:{TRAINS}", 1.0)
        _end(study, trial or storage.get_trial(trial_id), record)
    except UpdateFinishedTrialError:
        return _is_ours(storage.get_trial(trial_id), record)
    return True


def _end(study: optuna.Study, trial: FrozenTrial, record: TrialRecord) -> None:
    state, value = _state(study, trial._trial_id, record)
    values = None if value is None else [value]
    # As `study.tell` does, which reads the trial twice more.
    study.sampler.after_trial(study, trial, state, values)
    study._storage.set_trial_state_values(trial._trial_id, state, values)


def _state(
    study: optuna.Study, trial_id: int, record: TrialRecord
) -> tuple[TrialState, float | None]:
    if record.verdict in FAILURES:
        return TrialState.FAIL, None
    if record.verdict == "ok":
        return TrialState.COMPLETE, record.dev_m
    if record.verdict in _WITHOUT_VALUE:
        return TrialState.PRUNED, None
    rungs = study._storage.get_trial(trial_id).intermediate_values
    return TrialState.PRUNED, rungs[max(rungs)] if rungs else None


def _is_ours(trial: FrozenTrial, record: TrialRecord) -> bool:
    """Tell whether an end that stands there already is this very one, told before an answer came.

    A storage that goes away in the middle of a call may have done it.
    """
    told = trial.user_attrs.get(RECORD)
    return (
        told is not None and told["worker"] == record.worker and verdict_of(trial) == record.verdict
    )


def lose(study: optuna.Study, trial_id: int, verdict: Verdict, reason: str) -> bool:
    """End a trial in the place of its worker; return False where it had ended before."""
    try:
        said = {"verdict": verdict, "reason": reason}
        study._storage.set_trial_user_attr(trial_id, LOST, said)
        study._storage.set_trial_state_values(trial_id, TrialState.FAIL)
    except UpdateFinishedTrialError:
        return False
    return True


def verdict_of(trial: FrozenTrial) -> Verdict:
    """Return the verdict of a trial that has ended.

    The state decides between what its worker and what somebody else said: both may have been
    written before one of them ended the trial.
    """
    told = cast(Mapping[str, Any], trial.user_attrs.get(RECORD, {})).get("verdict")
    if trial.state != TrialState.FAIL:
        return cast(Verdict, told or ("ok" if trial.state == TrialState.COMPLETE else "stopped"))
    if told in FAILURES:
        return cast(Verdict, told)
    return cast(Verdict, trial.user_attrs.get(LOST, {}).get("verdict", "worker lost"))


def reason_of(trial: FrozenTrial) -> str:
    """Return why a trial ended as it did, in plain words; empty for one that went well."""
    verdict = verdict_of(trial)
    for key in (RECORD, LOST):
        said = trial.user_attrs.get(key, {})
        if said.get("verdict") == verdict:
            return str(said["reason"])
    return ""


def record_of(trial: FrozenTrial) -> TrialRecord:
    """Return the record of a trial that has ended.

    Of a trial whose worker could write none it has no figures, and the parameters are Optuna's.
    """
    told = trial.user_attrs.get(RECORD)
    verdict = verdict_of(trial)
    if told is not None and told["verdict"] == verdict:
        return TrialRecord.from_json(told)
    return TrialRecord(trial.number, dict(trial.params), verdict, reason_of(trial))
