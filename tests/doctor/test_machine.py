from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from localizer.doctor import examine_machine, machine


class Usage(NamedTuple):
    free: int


@pytest.mark.parametrize(
    ("free", "level"), [(10**10, "ok"), (10**9 - 1, "warn"), (10**8 - 1, "fail")]
)
def test_a_disk_that_is_nearly_full_is_told(
    free: int, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(free))
    disk = examine_machine(tmp_path)[1]
    assert (disk.check, disk.level, disk.advice is None) == ("disk", level, level == "ok")
    assert str(tmp_path) in disk.said


@pytest.mark.parametrize("name", ["missing", "a file", "missing/below"])
def test_a_folder_that_takes_no_file_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    disk = examine_machine(tmp_path / name)[1]
    assert (disk.check, disk.level) == ("disk", "fail")
    assert name in disk.said
    assert disk.advice is not None


@pytest.mark.parametrize(("state", "level"), [(True, "ok"), (False, "warn"), (None, "warn")])
def test_a_clock_that_nothing_keeps_right_is_told(
    state: bool | None, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "clock_is_synchronised", lambda: state)
    clock = examine_machine(tmp_path)[0]
    assert (clock.check, clock.level) == ("clock", level)


def test_the_kernel_is_asked_about_the_clock_and_left_alone() -> None:
    assert machine.clock_is_synchronised() in (True, False, None)


def test_elsewhere_nobody_knows_about_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    assert machine.clock_is_synchronised() is None
