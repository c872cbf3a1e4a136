"""Advertisements of the open recording: buffered, and committed again and again."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from localizer.beacons import BeaconId
from localizer.errors import SurveyError
from localizer.scans import Advertisement
from localizer.survey.file import SurveyFile, number_beacon
from localizer.survey.recording_rows import add_heard
from localizer.survey.tally import Tally

MAX_BUFFERED: Final = 100_000
"""Advertisements held at most while the file cannot be written, about 20 MB: a quarter of an hour
in a hall with 100 packets a second. Beyond, new ones are lost, and counted."""


class AdvertWriter:
    """Holds advertisements until they are committed. `put` from one thread, `commit` from another.

    Args:
        number: the recording's row.
        following: the number of its next advertisement.
    """

    def __init__(self, number: int, following: int = 0) -> None:
        self.committed = 0
        """Advertisements that are in the file."""
        self.lost = 0
        """Advertisements that found no room in the buffer."""
        self._number = number
        self._following = following
        self._incoming: deque[Advertisement] = deque()
        self._pending: list[Advertisement] = []
        self._rows = KnownRows()

    @property
    def buffered(self) -> int:
        """Advertisements that wait for the next commit."""
        return len(self._incoming) + len(self._pending)

    def put(self, advertisement: Advertisement) -> None:
        """Take one that is checked; it returns at once."""
        if self.buffered >= MAX_BUFFERED:
            self.lost += 1
        else:
            self._incoming.append(advertisement)

    def commit(self, file: SurveyFile) -> None:
        """Write all that has been put so far; what fails stays for the next time.

        Raises:
            SurveyError: the file cannot be written (its `reason` says why), or the recording is no
                longer open: another recorder has taken over the file.
        """
        for _ in range(len(self._incoming)):
            self._pending.append(self._incoming.popleft())
        if not self._pending:
            return
        # Numbers that a rollback takes back may be given to others: they are known only afterwards.
        rows = self._rows.copy()
        with file.transaction() as connection:
            self._refuse_taken_over(file, connection)
            write_adverts(connection, self._pending, (self._number, self._following), rows)
        self._rows = rows
        self._following += len(self._pending)
        self.committed += len(self._pending)
        self._pending.clear()

    def _refuse_taken_over(self, file: SurveyFile, connection: sqlite3.Connection) -> None:
        row = connection.execute(
            "SELECT status FROM recordings WHERE number = ?", (self._number,)
        ).fetchone()
        if row is None or row[0] != "open":
            raise SurveyError(
                f"one recorder at a time must write to {file.path}, but another one has begun; "
                "close one of them",
                path=file.path,
            )


def write_adverts(
    connection: sqlite3.Connection,
    adverts: Sequence[Advertisement],
    at: tuple[int, int],
    rows: KnownRows,
) -> None:
    """Add checked advertisements and what is known of them as a whole, within a transaction.

    Args:
        connection: to the survey file.
        adverts: in the order in which they came.
        at: the recording's row, and the number of the first advertisement in it.
        rows: of beacons and receivers; new ones are added.
    """
    recording, first = at
    rows.add_new(connection, adverts)
    connection.executemany(
        "INSERT INTO adverts VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                recording,
                number,
                one.time_ns,
                rows.beacons[one.beacon],
                one.rssi_dbm,
                one.measured_power_dbm,
                None if one.receiver is None else rows.receivers[one.receiver],
            )
            for number, one in enumerate(adverts, first)
        ],
    )
    tally = Tally()
    for one in adverts:
        tally.add(one)
    heard = {rows.beacons[beacon]: stats for beacon, stats in tally.stats().items()}
    add_heard(connection, recording, heard)


@dataclass(slots=True)
class KnownRows:
    """The rows of beacons and receivers in their tables, as far as they are known."""

    beacons: dict[BeaconId, int] = field(default_factory=dict)
    receivers: dict[str, int] = field(default_factory=dict)

    def copy(self) -> KnownRows:
        """Return a copy of its own."""
        return KnownRows(self.beacons.copy(), self.receivers.copy())

    def add_new(self, connection: sqlite3.Connection, adverts: Iterable[Advertisement]) -> None:
        """Look up what is not known yet, after adding it to the file if it is new there."""
        for one in adverts:
            if one.beacon not in self.beacons:
                self.beacons[one.beacon] = number_beacon(connection, one.beacon)
            if one.receiver is not None and one.receiver not in self.receivers:
                self.receivers[one.receiver] = _number_receiver(connection, one.receiver)


def _number_receiver(connection: sqlite3.Connection, name: str) -> int:
    connection.execute("INSERT INTO receivers (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
    (number,) = connection.execute("SELECT id FROM receivers WHERE name = ?", (name,)).fetchone()
    return int(number)
