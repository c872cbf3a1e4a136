"""The ledger: one line for every time that sealed sessions were read.

A figure on sealed sessions is worth what it says as long as nobody chose anything by it. The second
reading is where choosing begins, so it needs a reason, and all that were given stand in the model
cards of bundles that are exported afterwards.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from localizer.errors import ConfigError
from localizer.manifest import Metrics, Sha256
from training.splits import SEALED
from training.workdir import WORK

LEDGER: Final = WORK / "ledger.jsonl"
"""Beside the folders of the runs: each run has a new one, and the second reading must find the
first. docs/decisions/0005 says more."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Result(_Strict):
    """What one method got."""

    method: str
    config_sha256: Sha256
    metrics: Metrics | None
    """None where a network diverged."""


class Reading(_Strict):
    """One line: sealed sessions were read once, by every method of a run."""

    schema_version: Literal[1] = 1
    time_utc: str
    survey: str
    site: str
    floor: str
    sealed: dict[str, Sha256]
    """The sessions that were read, each with the hash of its rows."""
    data_sha256: Sha256
    """Of the development sessions, on which the methods were fitted."""
    seeds: tuple[int, ...]
    git_commit: str
    git_dirty: bool
    again: str | None
    """Why they were read once more; None for a first reading that gave no reason."""
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Ledger:
    """A file of readings that grows at its end."""

    path: Path = LEDGER

    def readings(self) -> tuple[Reading, ...]:
        """Return every line, oldest first; none if there is no file yet.

        Raises:
            ConfigError: a line is no reading.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise ConfigError(
                f"a ledger must be a readable file, but {self.path}: {error}"
            ) from error
        return self._parse(content)

    def of(self, site: str, sessions: Collection[str]) -> tuple[Reading, ...]:
        """Return the readings of any of a site's sessions, by name: nothing sealed is opened."""
        return tuple(
            one for one in self.readings() if one.site == site and set(sessions) & set(one.sealed)
        )

    def refuse_again(self, sealed: Mapping[str, str], again: str | None) -> None:
        """Refuse a second reading that has no reason.

        Args:
            sealed: hashes of the sessions that are to be read.
            again: the reason; None if nobody gave one.

        Raises:
            ConfigError: one of the sessions has been read, and there is no reason; or it is empty.
        """
        _refuse(self.readings(), sealed, again)

    def append(self, reading: Reading) -> None:
        """Add a line, and see it on the disk.

        Looks once more, under the lock, whether this is a second reading without a reason: another
        process may have read the same sessions meanwhile.

        Raises:
            ConfigError: as `refuse_again`, or the file cannot be written.
        """
        line = reading.model_dump_json().encode() + b"\n"
        with self._locked() as file:
            content = os.pread(file, os.fstat(file).st_size, 0)
            _refuse(self._parse(content), reading.sealed, reading.again)
            # One write at the end of the file: a reader sees the whole line or none of it.
            os.write(file, line)
            os.fsync(file)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise ConfigError(
                f"a ledger must be writable, but {self.path}: {error}; give another with --ledger"
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)

    def _parse(self, content: bytes) -> tuple[Reading, ...]:
        readings = []
        for number, line in enumerate(content.splitlines(), start=1):
            try:
                readings.append(Reading.model_validate_json(line))
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                raise ConfigError(
                    f"every line of a ledger must be a reading, but line {number} of {self.path} "
                    f"is none ({first['msg']}); restore the file: it says how often sealed "
                    "sessions were read"
                ) from error
        return tuple(readings)


def _refuse(readings: Iterable[Reading], sealed: Mapping[str, str], again: str | None) -> None:
    if again is not None and not again.strip():
        raise ConfigError("--again must give the reason for reading sealed sessions once more")
    if again is not None:
        return
    known = set(sealed.values())
    earlier = next((one for one in readings if known & set(one.sealed.values())), None)
    if earlier is not None:
        raise ConfigError(
            "sealed sessions must be read once, but these have been read: "
            f"{reading_in_words(earlier)}; "
            "a second figure invites choosing by it. If it must be, give the reason with "
            "--again REASON: the ledger and the model card record it"
        )


def reading_in_words(reading: Reading) -> str:
    """Say when sealed sessions were read, by what code and configurations, and why again."""
    dirty = " with local changes" if reading.git_dirty else ""
    configs = ", ".join(f"{one.method} {one.config_sha256[:12]}" for one in reading.results)
    why = "" if reading.again is None else f"; again, because: {reading.again}"
    return (
        f"{reading.time_utc}: sessions {', '.join(sorted(reading.sealed))} of {reading.survey}, "
        f"code {reading.git_commit[:12]}{dirty}, configurations {configs}{why}"
    )


def sealed_metrics(
    readings: Sequence[Reading], data_sha256: str, config_sha256: str
) -> tuple[Metrics, ...]:
    """Return the first figure of a method, fitted on the same rows, on sealed sessions.

    Benchmarks also write down what they fitted on fewer rows or cut otherwise: under a split's name
    of its own, and no bundle quotes it.

    Args:
        readings: of one floor, oldest first.
        data_sha256: of the development sessions.
        config_sha256: of the method.
    """
    found = [
        result.metrics
        for reading in readings
        for result in reading.results
        if reading.data_sha256 == data_sha256 and result.config_sha256 == config_sha256
        if result.metrics is None or result.metrics.split == SEALED
    ]
    return tuple(one for one in found[:1] if one is not None)
