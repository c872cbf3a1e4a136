"""The configuration by which a member's network is trained again, on other seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from training.config import NetworkConfig
from training.stages import CHANGEABLE, Stage
from training.tuning.objective import config_of
from training.tuning.pbt.lineage import schedule_of
from training.tuning.space import Space
from training.tuning.trials import TrialRecord


def retrained(record: TrialRecord, spaces: Sequence[Space], *, name: str) -> NetworkConfig:
    """Return the configuration by which Keras trains a trial's network again from its first epoch.

    Of a member that is its schedule: the last settings alone, kept for a whole training, are those
    of a network that is all but done.

    Raises:
        ConfigError: no version of the space holds it.
    """
    stages = schedule_of(record)
    if not stages:
        return config_of(record.params, spaces, name=name)
    made = [config_of({**record.params, **one["values"]}, spaces, name=name) for one in stages]
    schedule = tuple(
        Stage(one["after_epochs"], **{key: getattr(config, key) for key in CHANGEABLE})
        for one, config in zip(stages[1:], made[1:], strict=True)
    )
    # As many epochs as its stages are for, whatever the space says.
    return dataclasses.replace(made[0], schedule=schedule, epochs=record.epochs)
