from __future__ import annotations

import errno
import sys
from pathlib import Path

import pytest

from localizer.errors import ConfigError
from training.tuning.storage import Patience, StorageError, open_storage


class Clock:
    """Time that only pauses move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.told: list[str] = []
        self.patience = Patience(60, self.told.append, self.pause, lambda: self.now)

    def pause(self, seconds: float) -> None:
        self.now += seconds


class Away:
    """A storage that is away for some calls."""

    def __init__(self, calls: int, error: Exception) -> None:
        self.left = calls
        self._error = error

    def __call__(self, answer: str) -> str:
        self.left -= 1
        if self.left >= 0:
            raise self._error
        return answer


STALE = OSError(errno.ESTALE, "Stale file handle")


def test_a_storage_that_comes_back_is_waited_for_and_both_are_told() -> None:
    clock = Clock()
    assert clock.patience.call(Away(5, STALE), "here") == "here"
    assert len(clock.told) == 2
    assert "does not answer; waiting" in clock.told[0]
    assert "answers again" in clock.told[1]
    assert 0 < clock.now < 20


def test_patience_ends_and_says_what_to_do() -> None:
    clock = Clock()
    with pytest.raises(StorageError, match=r"within 60 s.*nothing is lost: start it"):
        clock.patience.call(Away(1000, STALE), "here")
    assert 60 <= clock.now < 70


def test_what_waiting_does_not_cure_is_raised_at_once() -> None:
    clock = Clock()
    with pytest.raises(KeyError):
        clock.patience.call(Away(1, KeyError("no such trial")), "here")
    with pytest.raises(StorageError, match="free some space"):
        clock.patience.call(Away(1, OSError(errno.EDQUOT, "Disk quota exceeded")), "here")
    assert clock.now == 0


@pytest.mark.parametrize("place", ["mysql://host/db", "grpc://host", "redis://x:1"])
def test_a_place_of_another_kind_is_refused(place: str) -> None:
    with pytest.raises(ConfigError, match="--storage must be a file, postgresql"):
        open_storage(place)


def test_a_folder_is_no_storage(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none" / "study.log"):
        with pytest.raises(ConfigError, match="a file in a folder that exists"):
            open_storage(place)


def test_without_psycopg_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"extra `postgres`: pip install"):
        open_storage("postgresql://nobody@127.0.0.1:1/x")


def test_a_database_that_is_not_there_is_waited_for() -> None:
    clock = Clock()
    with pytest.raises(StorageError, match="must answer within 60 s"):
        open_storage("postgresql://nobody@127.0.0.1:1/x", patience=clock.patience)
    assert clock.told[0].startswith("the storage does not answer")
