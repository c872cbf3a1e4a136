"""A file appears whole or not at all, whatever stops the process that writes it."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give the path of a new, empty file beside `path`, and let it replace `path` at the end.

    When the block ends well, the new file is flushed to the disk and renamed over `path`: a reader
    sees the old file or the whole new one, also after a crash or a power cut. When the block
    raises, the new file is deleted and `path` is as it was. A process that is killed leaves the
    unfinished file behind under a name that starts with a dot and ends with `.tmp`.

    Raises:
        OSError: the folder of `path` cannot be written, or `path` is there and no plain file.
    """
    path = path.resolve()  # through a link, so that the link stays and its target is replaced
    if path.exists() and not path.is_file():
        # Renaming over a device such as /dev/null would take it from everybody.
        raise OSError(errno.EINVAL, "what is replaced must be a plain file", str(path))
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    unfinished.open("xb").close()
    try:
        if path.exists():
            unfinished.chmod(path.stat().st_mode & 0o777)
        yield unfinished
        _flush_to_disk(unfinished)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _flush_to_disk(path.parent)


def _flush_to_disk(path: Path) -> None:
    """Sync a file, or a folder so that a rename in it lasts; Windows cannot open folders."""
    if path.is_dir() and os.name == "nt":
        return
    # Windows flushes only what is open for writing; a folder opens for reading only.
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
