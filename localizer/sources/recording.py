"""Recordings of raw advertisements: JSON Lines, one packet a line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from localizer.beacons import parse_beacon_id
from localizer.errors import SiteError, SourceError
from localizer.scans import WEAKEST_DBM, Advertisement

MAX_LINE_BYTES: Final = 4096
"""Bytes of a line at most; a packet takes about 120. Longer lines are another kind of file."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid")

    beacon: str
    rssi_dbm: Annotated[FiniteFloat, Field(ge=WEAKEST_DBM, lt=0)]
    time_ns: Annotated[int, Field(strict=True)]
    measured_power_dbm: FiniteFloat | None = None
    receiver: str | None = None


def advertisement_to_line(advertisement: Advertisement) -> str:
    """Return one line of a recording, with its line feed; what is None is left out."""
    one = advertisement
    entry = {
        "time_ns": one.time_ns,
        "beacon": one.beacon,
        "rssi_dbm": one.rssi_dbm,
        "measured_power_dbm": one.measured_power_dbm,
        "receiver": one.receiver,
    }
    return json.dumps({key: value for key, value in entry.items() if value is not None}) + "\n"


def write_recording(path: Path, advertisements: Iterable[Advertisement]) -> int:
    """Write advertisements to a new file and return how many.

    Raises:
        FileExistsError: the file is there already; a recording is never overwritten.
    """
    count = 0
    with path.open("x", encoding="utf-8") as file:
        for count, advertisement in enumerate(advertisements, start=1):  # noqa: B007
            file.write(advertisement_to_line(advertisement))
    return count


def read_recording(path: Path, *, source: str) -> list[Advertisement]:
    """Read a recording, ordered by time; equal times keep the order of the lines.

    Args:
        path: the file.
        source: the string of the source that reads it, for errors.

    Raises:
        SourceError: the file cannot be read (reason ``unreadable_file``), or a line is no
            advertisement (``bad_recording``); the message names file and line.
    """
    result = []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES), b""), 1):
                if line.strip():
                    result.append(_from_line(line, f"{path}:{number}", source))
    except OSError as error:
        raise SourceError(
            f"a recording must be a readable file, but {path}: {error.strerror}",
            source=source,
            reason="unreadable_file",
        ) from error
    return sorted(result, key=lambda one: one.time_ns)


def _from_line(line: bytes, where: str, source: str) -> Advertisement:
    try:
        entry = _Line.model_validate_json(line)
        beacon = parse_beacon_id(entry.beacon)
    except (ValidationError, SiteError) as error:
        raise SourceError(
            f"{where} must be an advertisement with beacon, rssi_dbm and time_ns, but "
            f"{_reason(error)}; a survey's JSON Lines are imported, not replayed",
            source=source,
            reason="bad_recording",
        ) from error
    return Advertisement(
        beacon, entry.rssi_dbm, entry.time_ns, entry.measured_power_dbm, entry.receiver
    )


def _reason(error: ValidationError | SiteError) -> str:
    if isinstance(error, SiteError):
        return str(error)
    problem = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, problem['loc'])) or 'the line'}: {problem['msg']}"
