"""Recordings of raw advertisements: JSON Lines, one packet a line."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, Final

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


class Recording:
    """A recording on disk, ordered by time; equal times keep the order of the lines.

    Every line is checked at once, and read again by each iteration: 8 bytes a packet are kept.

    Args:
        path: the file.
        source: the string of the source that reads it, for errors.

    Raises:
        SourceError: the file cannot be read (reason ``unreadable_file``), or a line is no
            advertisement (``bad_recording``); the message names file and line.
    """

    def __init__(self, path: Path, *, source: str) -> None:
        self._path = path
        self._source = source
        self._file: BinaryIO | None = None
        self._offsets = array("q")
        with self._os_errors(), path.open("rb") as file:
            if not self._check(file):
                self._offsets = array(
                    "q", sorted(self._offsets, key=lambda at: self._read(file, at).time_ns)
                )

    def __len__(self) -> int:
        """Return the number of advertisements."""
        return len(self._offsets)

    def __iter__(self) -> Iterator[Advertisement]:
        """Read the advertisements.

        Raises:
            SourceError: as at the opening, if the file was changed since.
        """
        with self._os_errors():
            if self._file is None:
                self._file = self._path.open("rb")
        for offset in self._offsets:
            with self._os_errors():
                advertisement = self._read(self._file, offset)
            yield advertisement

    def close(self) -> None:
        """Close the file; an iteration afterwards opens it anew."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _check(self, file: BinaryIO) -> bool:
        """Find the lines, and return whether they are in the order of time already."""
        in_order, newest_ns, offset = True, None, 0
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES), b""), 1):
            if line.strip():
                time_ns = _from_line(line, f"{self._path}:{number}", self._source).time_ns
                in_order = in_order and (newest_ns is None or newest_ns <= time_ns)
                newest_ns = time_ns
                self._offsets.append(offset)
            offset += len(line)
        return in_order

    def _read(self, file: BinaryIO, offset: int) -> Advertisement:
        file.seek(offset)
        where = f"{self._path} from byte {offset}"
        return _from_line(file.readline(MAX_LINE_BYTES), where, self._source)

    @contextmanager
    def _os_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SourceError(
                f"a recording must be a readable file, but {self._path}: {error.strerror}",
                source=self._source,
                reason="unreadable_file",
            ) from error


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
