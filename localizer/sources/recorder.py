"""Writing a recording while it is made: whole lines only, whatever happens meanwhile."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Final

from localizer.errors import ConfigError
from localizer.scans import Advertisement
from localizer.sources.recording import advertisement_to_line

MAX_PENDING: Final = 200_000
"""Advertisements held at most while the disk takes none, about 40 MB: minutes of a crowded hall.
What comes then is lost, and counted."""


class Recorder:
    """A new recording. `Recording` reads it, also while it is written or after a crash.

    Args:
        path: the file to make.

    Raises:
        ConfigError: it is there already, or cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0
        """Advertisements that are on the disk."""
        self.lost = 0
        """Advertisements that found no room, neither on the disk nor in memory."""
        self._pending: list[str] = []
        self._size = 0
        # Two locks: `add` must not wait for the disk.
        self._writing = threading.Lock()
        self._queueing = threading.Lock()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            self._file = os.open(path, flags, 0o644)
        except FileExistsError as error:
            raise ConfigError(
                f"a recording must be a new file, but {path} is there; give another name"
            ) from error
        except OSError as error:
            raise ConfigError(f"{path} must be writable, but: {error.strerror}") from error

    @property
    def pending(self) -> int:
        """Advertisements that wait for `flush`."""
        return len(self._pending)

    def add(self, advertisement: Advertisement) -> None:
        """Take one advertisement; `flush` writes it."""
        line = advertisement_to_line(advertisement)
        with self._queueing:
            if len(self._pending) >= MAX_PENDING:
                self.lost += 1
            else:
                self._pending.append(line)

    def flush(self) -> None:
        """Write what waits, and return when the disk has it. May run in any thread.

        Raises:
            OSError: the disk takes no more. The file ends with its last whole line, and what was
                not written waits on: free some room and call again.
        """
        with self._writing:
            with self._queueing:
                lines, self._pending = self._pending, []
            if not lines:
                return
            try:
                self._write("".join(lines).encode())
            except OSError:
                # No room for a part of a line: a recording that ends within one is refused whole.
                os.ftruncate(self._file, self._size)
                os.lseek(self._file, self._size, os.SEEK_SET)
                with self._queueing:
                    self._pending[:0] = lines
                raise
            self.written += len(lines)

    def close(self) -> None:
        """Write what waits and close the file.

        Raises:
            OSError: as `flush`; the file is closed all the same.
        """
        try:
            self.flush()
        finally:
            os.close(self._file)

    def _write(self, content: bytes) -> None:
        left = memoryview(content)
        while left:
            left = left[os.write(self._file, left) :]
        os.fsync(self._file)
        self._size += len(content)
