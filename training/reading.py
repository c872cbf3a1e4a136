"""The line of the ledger for an evaluation that read sealed sessions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from training.config import Config
from training.evaluation import Evaluation, to_records
from training.ledger import Reading, Result
from training.provenance import git_state, method_sha256
from training.recipe import Recipe
from training.records import bundle_metrics, records_from
from training.surveys import OpenedSurvey


def reading_of(
    survey: OpenedSurvey,
    recipe: Recipe,
    evaluation: Evaluation,
    hashes: Mapping[str, str],
    again: str | None,
) -> Reading:
    """Return what was read of a survey's sealed sessions, for the ledger.

    Args:
        survey: whose sessions.
        recipe: the methods that read them.
        evaluation: what they got.
        hashes: of the sessions.
        again: why they were read once more; None for a first reading.
    """
    commit, dirty = git_state()
    records = records_from(to_records(evaluation, survey.site.cell_m))
    methods: list[str | Config] = [*recipe.baselines, *recipe.configs]
    return Reading(
        time_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        survey=survey.name,
        site=survey.site.id,
        floor=survey.floor,
        sealed=dict(hashes),
        data_sha256=survey.data_sha256,
        seeds=tuple(recipe.seeds),
        git_commit=commit,
        git_dirty=dirty,
        again=again,
        results=tuple(
            Result(
                method=name,
                config_sha256=method_sha256(method),
                metrics=next(iter(bundle_metrics(records, name)), None),
            )
            for method in methods
            for name in [method if isinstance(method, str) else method.name]
        ),
    )
