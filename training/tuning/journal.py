"""Optuna's journal in a file that neither a killed process nor a full disk can spoil."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._storage import JournalOperation
from optuna.trial import TrialState

_TAIL: Final = 65536
"""Bytes read at once when the last whole line is looked for."""


class JournalFile(JournalFileBackend):
    """One operation a line; Optuna's reader and format, with a writer of our own.

    Optuna locks by a link beside the file: a process that is killed while it holds one stops all
    others for half a minute. The kernel takes `flock` back at once. And a line that was not
    written whole, because the disk was full or the writer died, is cut off before the next one:
    left there, it would join with that one, and nobody could read the study again.
    """

    def __init__(self, path: Path) -> None:
        """Make the file where there is none.

        Raises:
            OSError: it cannot be made.
        """
        super().__init__(str(path))
        self._path = path

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write operations, all of them or none.

        Raises:
            OSError: the file cannot be written; it then holds what it held before.
        """
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with self._locked() as file:
            end = _end_of_last_line(file)
            os.ftruncate(file, end)
            try:
                _write(file, lines.encode(), end)
                if any(_must_last(log) for log in logs):
                    os.fsync(file)
            except OSError as error:
                os.ftruncate(file, end)
                error.filename = str(self._path)
                raise

    @contextmanager
    def _locked(self) -> Iterator[int]:
        # Never O_CREAT: where a network's folder is away for a while, a new file is no study.
        file = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)


def _write(file: int, data: bytes, offset: int) -> None:
    done = 0
    while done < len(data):
        done += os.pwrite(file, data[done:], offset + done)


def _must_last(log: dict[str, Any]) -> bool:
    """Tell whether an operation must outlive a power cut: the end of a trial, or one on a study.

    To wait for the disk after each operation costs more than all else that the tuner does. What a
    power cut takes is the end of the file, and so what trials did that were running anyway.
    """
    if log["op_code"] != JournalOperation.SET_TRIAL_STATE_VALUES:
        return "trial_id" not in log and log["op_code"] != JournalOperation.CREATE_TRIAL
    return TrialState(log["state"]).is_finished()


def _end_of_last_line(file: int) -> int:
    end = os.fstat(file).st_size
    while end > 0:
        start = max(0, end - _TAIL)
        newline = os.pread(file, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
