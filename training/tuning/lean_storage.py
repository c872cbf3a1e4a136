"""Optuna's storage on PostgreSQL, with trials read in one statement, and written in two.

Every ask of every worker reads the trials that have not ended. Optuna does so by six statements
through an object mapper, 0.2 ms of processor time a trial: with 64 workers there are a hundred such
trials, and a dozen asks a second. Each of these also writes one that waits, under a lock on the
study, which Optuna holds for six statements.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import sqlalchemy
from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

SCHEMA: Final = "v3.2.0.a"
"""Revision of Optuna's tables that the statement is written for."""

_TRIALS: Final = """
SELECT trial_id, number, state::text, datetime_start, datetime_complete,
  (SELECT json_agg(json_build_array(param_name, param_value, distribution_json) ORDER BY param_id)
     FROM trial_params AS one WHERE one.trial_id = trials.trial_id),
  (SELECT json_agg(json_build_array(value_type, value) ORDER BY objective)
     FROM trial_values AS one WHERE one.trial_id = trials.trial_id),
  (SELECT json_agg(json_build_array(step, intermediate_value_type, intermediate_value))
     FROM trial_intermediate_values AS one WHERE one.trial_id = trials.trial_id),
  (SELECT json_agg(json_build_array(key, value_json))
     FROM trial_user_attributes AS one WHERE one.trial_id = trials.trial_id),
  (SELECT json_agg(json_build_array(key, value_json))
     FROM trial_system_attributes AS one WHERE one.trial_id = trials.trial_id)
FROM trials
"""
_ONE: Final = sqlalchemy.text(f"{_TRIALS} WHERE trial_id = :trial")
_SOME: Final = sqlalchemy.text(
    f"{_TRIALS} WHERE study_id = :study AND (trial_id = ANY(:included) OR trial_id > :above)"
    " ORDER BY trial_id"
)

_LOCK: Final = sqlalchemy.text("SELECT 1 FROM studies WHERE study_id = :study FOR UPDATE")
"""One after the other: a trial's number is how many there were before."""
_WAITING: Final = sqlalchemy.text("""
WITH new AS (
  INSERT INTO trials (study_id, number, state)
  VALUES (:study, (SELECT count(*) FROM trials WHERE study_id = :study), 'WAITING')
  RETURNING trial_id, number
), attributes AS (
  INSERT INTO trial_user_attributes (trial_id, key, value_json)
  SELECT trial_id, key, value::text FROM new, json_each(CAST(:attributes AS json))
)
SELECT trial_id, number FROM new
""")

_WITHOUT_FIGURES: Final = {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}
"""What no JSON can say, by the name of Optuna's type of it."""
_DISTRIBUTIONS: Final = 4096
"""Distributions that are remembered: a space has dozens, its versions some hundreds."""


class LeanStorage(RDBStorage):
    """Optuna's relational storage, for PostgreSQL alone."""

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Return a trial as it is now.

        Raises:
            KeyError: there is none.
        """
        rows = self._rows(_ONE, trial=trial_id)
        return _frozen(rows[0]) if rows else super().get_trial(trial_id)

    def _get_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,
        included_trial_ids: set[int],
        trial_id_greater_than: int,
    ) -> list[FrozenTrial]:
        if states is None:
            included = list(included_trial_ids)
            rows = self._rows(_SOME, study=study_id, included=included, above=trial_id_greater_than)
            if rows:
                return [_frozen(row) for row in rows]
        # Of a study without trials Optuna says whether there is one at all.
        return super()._get_trials(study_id, states, included_trial_ids, trial_id_greater_than)

    def _create_new_trial(
        self, study_id: int, template_trial: FrozenTrial | None = None
    ) -> FrozenTrial:
        attributes = None if template_trial is None else _only_attributes(template_trial)
        if template_trial is None or attributes is None:
            return super()._create_new_trial(study_id, template_trial)
        wanted = {"study": study_id, "attributes": attributes}
        with _as_optunas(), self.engine.begin() as connection:
            if connection.execute(_LOCK, wanted).first() is None:
                raise KeyError(f"there is no study {study_id}")
            trial_id, number = connection.execute(_WAITING, wanted).one()
        made = copy.deepcopy(template_trial)
        made._trial_id, made.number = trial_id, number
        return made

    def _rows(self, statement: sqlalchemy.TextClause, **wanted: Any) -> Sequence[Any]:
        with _as_optunas(), self.engine.connect() as connection:
            return connection.execute(statement, wanted).all()


@contextmanager
def _as_optunas() -> Iterator[None]:
    """Raise what went wrong as Optuna does: callers of a storage look for that."""
    try:
        yield
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise StorageInternalError("the database did not do what it was asked") from error


def _only_attributes(trial: FrozenTrial) -> str | None:
    """Return its user attributes, JSON; None unless it waits and has no more, as nearly all do."""
    more = (trial.params, trial.system_attrs, trial.intermediate_values, trial.datetime_start)
    if trial.state != TrialState.WAITING or any(more):
        return None
    try:
        return json.dumps(trial.user_attrs, allow_nan=False)
    except ValueError:
        return None  # PostgreSQL knows no NaN in its JSON; Optuna's column is text


def _frozen(row: Sequence[Any]) -> FrozenTrial:
    trial_id, number, state, started, completed, params, values, reported, user, system = row
    shapes = {name: _distribution(shape) for name, _, shape in params or ()}
    return FrozenTrial(
        trial_id=trial_id,
        number=number,
        state=TrialState[state],
        value=None,
        values=[_figure(*one) for one in values] if values else None,
        datetime_start=_local(started),
        datetime_complete=_local(completed),
        # JSON has no 1.0, and a float must not come as an int.
        params={
            name: shapes[name].to_external_repr(float(value)) for name, value, _ in params or ()
        },
        distributions=shapes,
        user_attrs={key: json.loads(value) for key, value in user or ()},
        system_attrs={key: json.loads(value) for key, value in system or ()},
        intermediate_values={step: _figure(kind, value) for step, kind, value in reported or ()},
    )


def _figure(kind: str, value: float | None) -> float:
    return _WITHOUT_FIGURES[kind] if value is None else float(value)


def _local(utc: datetime | None) -> datetime | None:
    """Return a time of a table as Optuna gives it: local, and without a zone."""
    return None if utc is None else utc.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)


@lru_cache(maxsize=_DISTRIBUTIONS)
def _distribution(shape: str) -> BaseDistribution:
    return json_to_distribution(shape)
