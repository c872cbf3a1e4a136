"""The labelled rows of the UCI file, for tests of counts that the data set's page gives too."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from localizer.site import Site
from localizer.table import FingerprintTable
from tests.real_data import uci_files
from training.surveys import open_survey


class Rows(NamedTuple):
    labelled: FingerprintTable
    unlabelled: FingerprintTable
    site: Site


def uci_rows() -> Rows:
    uci_files()
    return _read()


@lru_cache(maxsize=1)
def _read() -> Rows:
    with TemporaryDirectory() as folder:
        survey = open_survey("uci", Path(folder))
        return Rows(survey.published("mean"), survey.unlabelled("mean"), survey.site)
