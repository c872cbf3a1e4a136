"""A small simulated survey, opened as the commands open theirs; made once a test run."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import replace
from pathlib import Path

from localizer.simulated_survey import simulate_survey
from localizer.site import Site
from localizer.sites import built_in_site
from localizer.table import FingerprintTable
from training.config import NetworkConfig, load_network
from training.surveys import OpenedSurvey, open_survey

_FOLDER = tempfile.TemporaryDirectory()


@functools.cache
def small_survey() -> OpenedSurvey:
    """Four development sessions of about 20 places with two scans each, and a sealed one."""
    path = Path(_FOLDER.name) / "small.survey"
    simulate_survey(built_in_site("demo"), path, seed=7, step_m=4.0, scans_per_place=2)
    return open_survey(str(path), Path(_FOLDER.name))


def small_table() -> FingerprintTable:
    return small_survey().development("mean")


def small_site() -> Site:
    return small_survey().site


def quick(preset: str, **changes: object) -> NetworkConfig:
    """A preset that trains in a second."""
    settings = {"epochs": 3, "batch_size": 32, **changes}
    return replace(load_network(preset), **settings)  # type: ignore[arg-type]
