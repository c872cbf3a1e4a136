"""The line of the ledger for an evaluation that read sealed sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from training.config import Config
from training.ledger import Reading, Result
from training.provenance import git_state, method_sha256
from training.records import Record, bundle_metrics
from training.surveys import OpenedSurvey


def reading_of(
    survey: OpenedSurvey,
    methods: Sequence[str | Config],
    records: Sequence[Record],
    *,
    sealed: Mapping[str, str],
    seeds: Sequence[int],
    again: str | None,
) -> Reading:
    """Return what was read of a survey's sealed sessions, for the ledger.

    Args:
        survey: whose sessions.
        methods: those that read them; a simple one by its name.
        records: what they got.
        sealed: hashes of the sessions, from before they were read.
        seeds: of the networks.
        again: why they were read once more; None for a first reading.
    """
    commit, dirty = git_state()
    named = ((one if isinstance(one, str) else one.name, method_sha256(one)) for one in methods)
    return Reading(
        time_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        survey=survey.name,
        site=survey.site.id,
        floor=survey.floor,
        sealed=dict(sealed),
        data_sha256=survey.data_sha256,
        seeds=tuple(seeds),
        git_commit=commit,
        git_dirty=dirty,
        again=again,
        results=tuple(
            Result(
                method=name,
                config_sha256=sha256,
                metrics=next(iter(bundle_metrics(records, name)), None),
            )
            for name, sha256 in named
        ),
    )
