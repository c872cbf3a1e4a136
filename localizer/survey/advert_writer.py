"""Advertisements of the open recording: buffered, and committed again and again."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from localizer.beacons import BeaconId
from localizer.errors import SurveyError
from localizer.scans import Advertisement
from localizer.survey.file import SurveyFile, number_beacon
from localizer.survey.recording_rows import add_heard, insert_adverts
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
        self._beacons: dict[BeaconId, int] = {}
        self._receivers: dict[str, int] = {}

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
        beacons, receivers = dict(self._beacons), dict(self._receivers)
        with file.transaction() as connection:
            self._refuse_taken_over(file, connection)
            _number_new(connection, self._pending, beacons, receivers)
            insert_adverts(connection, self._rows(beacons, receivers))
            tally = Tally()
            for one in self._pending:
                tally.add(one)
            stats = tally.stats().items()
            add_heard(connection, {(self._number, beacons[key]): one for key, one in stats})
        self._beacons, self._receivers = beacons, receivers
        self._following += len(self._pending)
        self.committed += len(self._pending)
        self._pending.clear()

    def _rows(self, beacons: dict[BeaconId, int], receivers: dict[str, int]) -> list[Any]:
        return [
            (
                self._number,
                at,
                one.time_ns,
                beacons[one.beacon],
                one.rssi_dbm,
                one.measured_power_dbm,
                None if one.receiver is None else receivers[one.receiver],
            )
            for at, one in enumerate(self._pending, self._following)
        ]

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


def _number_new(
    connection: sqlite3.Connection,
    adverts: Sequence[Advertisement],
    beacons: dict[BeaconId, int],
    receivers: dict[str, int],
) -> None:
    for one in adverts:
        if one.beacon not in beacons:
            beacons[one.beacon] = number_beacon(connection, one.beacon)
        if one.receiver is not None and one.receiver not in receivers:
            receivers[one.receiver] = number_receiver(connection, one.receiver)


def number_receiver(connection: sqlite3.Connection, name: str) -> int:
    """Return the row of a receiver in table `receivers`, after adding it if it is new."""
    connection.execute("INSERT INTO receivers (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
    (number,) = connection.execute("SELECT id FROM receivers WHERE name = ?", (name,)).fetchone()
    return int(number)
