"""Storages for tests of studies."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import Postgres, free_port, running_postgres
from tests.training.tuning.studies import grpc_proxy
from training.tuning.storage import open_storage

_databases = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server for all tests of a run."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def database(postgres: Postgres) -> str:
    """A database of a test's own."""
    return postgres.new_database(f"study_{next(_databases)}")


@pytest.fixture
def journal(tmp_path: Path) -> str:
    """A file."""
    return str(tmp_path / "study.log")


@pytest.fixture(params=["journal", "database", "grpc"])
def place(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each kind of storage that a study may lie in."""
    if request.param != "grpc":
        yield request.getfixturevalue(request.param)
        return
    behind = open_storage(request.getfixturevalue("database"))
    with grpc_proxy(behind, free_port()) as address:
        yield address
