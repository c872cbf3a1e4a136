from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.survey.surveyor import Surveyor, surveying


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "demo.survey"


@pytest.fixture
def surveyor(path: Path) -> Iterator[Surveyor]:
    with surveying(path) as made:
        yield made
