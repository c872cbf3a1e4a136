"""What became of a member, as its trial's record has it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from training.tuning.pbt.population import Member
from training.tuning.trials import TrialRecord

POPULATION: Final = "population"
"""Key of a record's `extra`: number, members, seed, copies and schedule."""


def told(record: TrialRecord, member: Member, of: Mapping[str, Any]) -> TrialRecord:
    """Return a member's record: its settings are the last ones, and all of them stand beside.

    Args:
        record: of its training.
        member: what became of it.
        of: number, members and seed of its population.
    """
    extra = {
        **of,
        "copies": [one._asdict() for one in member.copies],
        "schedule": [
            {"after_epochs": one.after_epochs, "values": dict(one.values)}
            for one in member.schedule
        ],
    }
    params = {**record.params, **member.values}
    return dataclasses.replace(record, params=params, extra={POPULATION: extra})


def schedule_of(record: TrialRecord) -> list[Mapping[str, Any]]:
    """Return what a record's weights were trained with, stage by stage; empty for no member."""
    return list(record.extra.get(POPULATION, {}).get("schedule", []))


def changed(record: TrialRecord) -> bool:
    """Tell whether a trial's settings changed while it trained."""
    return len(schedule_of(record)) > 1
