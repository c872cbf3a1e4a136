"""Whether the machine itself is fit for a survey: its clock and its disk."""

from __future__ import annotations

import ctypes
import ctypes.util
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from localizer.doctor.finding import Finding

LITTLE_BYTES: Final = 1_000_000_000
"""Free room below which the disk is said to be short: 500 packets a second, each a line of 120
bytes, are 0.2 GB an hour."""

FULL_BYTES: Final = 100_000_000
"""Free room that is too little to begin with."""

_TIME_ERROR: Final = 5
"""What adjtimex(2) returns for a clock that nothing keeps right."""

_TIMEX_BYTES: Final = 512
"""Room for adjtimex's answer, which takes 208 on 64 bits."""


def examine_machine(folder: Path) -> list[Finding]:
    """Return whether clock and disk are fit for a survey.

    Args:
        folder: where surveys and recordings are written.
    """
    return [_clock(clock_is_synchronised()), _folder(folder)]


def clock_is_synchronised() -> bool | None:
    """Return whether the kernel says that something keeps the clock right; None off Linux."""
    name = ctypes.util.find_library("c") if sys.platform == "linux" else None
    if name is None:
        return None
    # All zero asks and changes nothing.
    state = ctypes.CDLL(name).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return None if state < 0 else state != _TIME_ERROR


def _clock(is_synchronised: bool | None) -> Finding:
    if is_synchronised:
        return Finding("clock", "ok", "synchronised")
    said = "not synchronised" if is_synchronised is False else "unknown whether synchronised"
    advice = (
        "sessions are dated by it: see `timedatectl`, or set it by hand (a Raspberry Pi without "
        "network begins at some day of the past)"
    )
    return Finding("clock", "warn", said, advice)


def _folder(folder: Path) -> Finding:
    try:
        # Written to, not asked about: permissions do not tell of a card that is mounted read-only.
        with tempfile.TemporaryFile(dir=folder):
            pass
        return _disk(folder, shutil.disk_usage(folder).free)
    except OSError as error:
        said = f"no survey can be written at {folder}: {error.strerror}"
        advice = "give --folder FOLDER, where surveys will be, or let this user write there"
        return Finding("disk", "fail", said, advice)


def _disk(folder: Path, free: int) -> Finding:
    said = f"{free / 1e9:.1f} GB are free at {folder.resolve()}"
    if free >= LITTLE_BYTES:
        return Finding("disk", "ok", said)
    advice = "make room before a survey: 500 packets a second are 0.2 GB an hour"
    return Finding("disk", "fail" if free < FULL_BYTES else "warn", said, advice)
