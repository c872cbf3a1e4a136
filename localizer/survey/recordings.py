"""The recordings of a survey: read, judged, cut into fingerprints, deleted."""

from __future__ import annotations

from collections.abc import Iterator

from localizer.beacons import BeaconId
from localizer.errors import SurveyError
from localizer.scans import Advertisement
from localizer.survey.derivation import WINDOW_S, delete_fingerprints, derive
from localizer.survey.file import SurveyFile
from localizer.survey.recording_rows import (
    find_recording,
    read_adverts,
    read_heard,
    read_recordings,
    read_waypoints,
)
from localizer.survey.records import HeardStats, Recording, RecordingStatus, Waypoint


class Recordings:
    """The recordings of a survey, in the order in which they were begun.

    New ones are made by a `localizer.survey.Recorder`.
    """

    def __init__(self, file: SurveyFile) -> None:
        self._file = file

    def all(self, *, session: str | None = None) -> list[Recording]:
        """Return all recordings, or those of one session."""
        where, parameters = ("", ()) if session is None else ("WHERE session = ?", (session,))
        return [one for _, one in read_recordings(self._file, where, parameters)]

    def get(self, recording_id: str) -> Recording:
        """Return one recording.

        Raises:
            SurveyError: there is none of that id.
        """
        return find_recording(self._file, recording_id)[1]

    def waypoints(self, recording_id: str) -> list[Waypoint]:
        """Return the waypoints of a walk, in the order of their taps; none for others."""
        return read_waypoints(self._file, self._number(recording_id))

    def adverts(self, recording_id: str) -> Iterator[Advertisement]:
        """Read every packet that was heard, in the order in which they came."""
        return read_adverts(self._file, self._number(recording_id))

    def heard(self, recording_id: str) -> dict[BeaconId, HeardStats]:
        """Return how every beacon was heard, under the ids that they had then."""
        return read_heard(self._file, self._number(recording_id))

    def complete(self, recording_id: str, *, window_s: float = WINDOW_S) -> int:
        """Keep what was cut off or discarded: cut it into fingerprints and return how many.

        Raises:
            SurveyError: there is no such recording, or it is open.
        """
        number = self._ended(recording_id)
        with self._file.transaction():
            self._set_status(number, "complete")
            return derive(self._file, recording_id, window_s=window_s)

    def discard(self, recording_id: str) -> None:
        """Keep it out of training and coverage; `complete` takes it in again.

        Raises:
            SurveyError: there is no such recording, or it is open.
        """
        number = self._ended(recording_id)
        with self._file.transaction():
            self._set_status(number, "discarded")
            delete_fingerprints(self._file, number)

    def delete(self, recording_id: str) -> None:
        """Delete a recording with all that was heard in it.

        Raises:
            SurveyError: there is no such recording, or it is open.
        """
        number = self._ended(recording_id)
        delete_recordings(self._file, [number])

    def derive_all(self, *, window_s: float = WINDOW_S) -> int:
        """Cut all complete recordings into fingerprints anew, all or nothing; return how many."""
        chosen = [one.id for one in self.all() if one.status == "complete"]
        with self._file.transaction():
            return sum(derive(self._file, one, window_s=window_s) for one in chosen)

    def _number(self, recording_id: str) -> int:
        return find_recording(self._file, recording_id)[0]

    def _ended(self, recording_id: str) -> int:
        number, recording = find_recording(self._file, recording_id)
        if recording.status == "open":
            raise SurveyError(
                f"a recording must have ended, but {recording_id!r} is open; finish it first",
                path=self._file.path,
            )
        return number

    def _set_status(self, number: int, status: RecordingStatus) -> None:
        self._file.connection.execute(
            "UPDATE recordings SET status = ? WHERE number = ?", (status, number)
        )


def delete_recordings(file: SurveyFile, numbers: list[int]) -> None:
    """Delete the recordings of these rows with all that was heard in them."""
    with file.transaction() as connection:
        for number in numbers:
            connection.execute("DELETE FROM fingerprints WHERE recording = ?", (number,))
            for table in ("adverts", "heard", "waypoints"):
                connection.execute(f"DELETE FROM {table} WHERE recording = ?", (number,))
            connection.execute("DELETE FROM recordings WHERE number = ?", (number,))
