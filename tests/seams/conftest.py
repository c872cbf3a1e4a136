"""The built wheel and its clean installations, made once for all tests."""

import sys
from pathlib import Path

import pytest

from tests.conftest import lacking
from tests.seams.environments import build_wheel, clean_venv


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built from the checkout."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def edge_venv(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the extra `edge` alone: ai-edge-litert."""
    return clean_venv(tmp_path_factory.mktemp("edge") / "venv", wheel, extra="edge")


@pytest.fixture(scope="session")
def edge_32bit_venv(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the extra `edge-32bit` alone: tflite-runtime."""
    if sys.version_info[:2] != (3, 11):
        lacking("tflite-runtime has no wheel after Python 3.11: run `make PYTHON=python3.11 test`")
    return clean_venv(tmp_path_factory.mktemp("edge-32bit") / "venv", wheel, extra="edge-32bit")
