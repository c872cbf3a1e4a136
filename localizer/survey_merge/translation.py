"""Under which names the contents of one survey go into the merged one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from localizer.scans import Fingerprint
from localizer.survey import Recording, Survey
from localizer.survey.dump import CutFingerprint, Record, RecordedAdverts, RecordedWaypoint


@dataclass(slots=True)
class Translation:
    """What of a survey's recordings and fingerprints is taken, and as what.

    What is not named keeps its name.
    """

    sessions: dict[str, str] = field(default_factory=dict)
    """New ids of sessions."""
    scans: dict[str, str | None] = field(default_factory=dict)
    """Where the fingerprints of a session go that were cut from no recording, by its old id; None:
    the other survey has them."""
    recordings: dict[str, str | None] = field(default_factory=dict)
    """New ids of recordings; None: the other survey's copy is taken."""
    discarded: set[str] = field(default_factory=set)
    """Recordings, by their old ids, that are kept but read by nobody."""
    points: dict[str, str] = field(default_factory=dict)
    """New ids of points."""

    @property
    def changes_nothing(self) -> bool:
        """Whether all is taken under the name that it has."""
        return not (self.sessions or self.scans or self.recordings or self.discarded or self.points)

    def recording(self, one: Recording) -> Recording | None:
        """Return a recording as it goes in; None if it does not."""
        new_id = self.recordings.get(one.id, one.id)
        if new_id is None:
            return None
        resumed = None if one.resumes is None else self.recordings.get(one.resumes)
        return replace(
            one,
            id=new_id,
            session=self.sessions.get(one.session, one.session),
            point=None if one.point is None else self.points.get(one.point, one.point),
            resumes=resumed or one.resumes,
            status="discarded" if one.id in self.discarded else one.status,
            window_s=None if one.id in self.discarded else one.window_s,
        )

    def records(self, survey: Survey) -> Iterator[Record]:
        """Yield the recordings of a survey with all that they hold, and its fingerprints."""
        for record in survey.dump():
            match record:
                case Recording():
                    taken = self.recording(record)
                    if taken is not None:
                        yield taken
                case RecordedWaypoint() | RecordedAdverts():
                    new_id = self.recordings.get(record.recording, record.recording)
                    if new_id is not None:
                        yield replace(record, recording=new_id)
                case CutFingerprint():
                    yield from self._cut(record)
                case Fingerprint():
                    yield from self._scan(record)
                case _:
                    pass

    def _cut(self, record: CutFingerprint) -> Iterator[Record]:
        new_id = self.recordings.get(record.recording, record.recording)
        if new_id is None or record.recording in self.discarded:
            return
        one = record.fingerprint
        session = self.sessions.get(one.session, one.session)
        visit = new_id if one.visit == record.recording else one.visit
        yield CutFingerprint(replace(one, session=session, visit=visit), new_id)

    def _scan(self, one: Fingerprint) -> Iterator[Record]:
        session = self.scans.get(one.session, self.sessions.get(one.session, one.session))
        if session is None:
            return
        if session == one.session:
            yield one
            return
        # A visit is one in the whole survey, so that it has a new name where its session has one.
        yield replace(one, session=session, visit=f"{session}/{one.visit}")
