from __future__ import annotations

import errno
import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import optuna
import pytest

from tests.training.tuning.studies import new_study, run_here
from training.tuning.budget import read_points
from training.tuning.journal import JournalFile
from training.tuning.run import begin
from training.tuning.stops import Limits
from training.tuning.storage import StorageError

LOG = {"op_code": 8, "worker_id": "w", "trial_id": 0}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "study.log"


def test_a_line_that_was_cut_off_goes_before_the_next_one(path: Path) -> None:
    journal = JournalFile(path)
    journal.append_logs([LOG])
    with path.open("a") as file:
        file.write('{"op_code": 8, "wor')
    journal.append_logs([LOG | {"trial_id": 1}])
    assert [log["trial_id"] for log in JournalFile(path).read_logs(0)] == [0, 1]


def test_a_file_without_a_whole_line_begins_anew(path: Path) -> None:
    journal = JournalFile(path)
    path.write_text("x" * 200_000)
    journal.append_logs([LOG])
    assert list(journal.read_logs(0)) == [LOG]


def test_a_file_that_has_gone_is_not_made_anew(path: Path) -> None:
    journal = JournalFile(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        journal.append_logs([LOG])
    assert not path.exists()


def test_a_full_disk_is_told_and_spoils_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = new_study(str(path))
    begin(study, Limits(6))
    before = path.read_bytes()
    real = os.pwrite

    def full(file: int, data: bytes, offset: int) -> int:
        if offset > len(before) + 2000:
            real(file, data[:10], offset)
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data, offset)

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(StorageError, match=r"must have room .*No space left.*free some space"):
            run_here(study)
    assert path.read_bytes().endswith(b"}\n")
    again = new_study(str(path))
    begin(again, Limits(6))
    run_here(again, lease_s=0.4)
    assert [point.verdict for point in read_points(again)] == ["ok"] * 6


def _hold_the_lock(path: Path, ready: Connection) -> None:
    with JournalFile(path)._locked():
        ready.send(True)
        signal.pause()


def test_the_lock_of_a_killed_process_is_free_at_once(path: Path) -> None:
    journal = JournalFile(path)
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    holder = context.Process(target=_hold_the_lock, args=(path, theirs))
    holder.start()
    assert ours.poll(30)
    holder.kill()
    holder.join()
    journal.append_logs([LOG])
    assert list(journal.read_logs(0)) == [LOG]


def test_optuna_itself_reads_and_goes_on_with_the_file(path: Path) -> None:
    study = new_study(str(path))
    begin(study, Limits(2))
    run_here(study)
    backend = optuna.storages.journal.JournalFileBackend(str(path))
    plain = optuna.load_study(study_name="study", storage=optuna.storages.JournalStorage(backend))
    assert [trial.state.name for trial in plain.trials] == ["COMPLETE"] * 2
