"""How much a survey holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from localizer.scans import Session
from localizer.survey.file import SurveyFile


@dataclass(frozen=True, slots=True)
class SessionCounts:
    """How much one session holds."""

    session: Session
    fingerprints: int
    labelled: int
    """Fingerprints with a position."""
    synthetic: int
    """Fingerprints that are no measurements."""


@dataclass(frozen=True, slots=True)
class SurveyCounts:
    """How much a survey holds, sealed sessions included."""

    sessions: tuple[SessionCounts, ...]
    places: int
    """Distinct positions (x, y and floor) of the labelled fingerprints."""
    beacons: int
    """Distinct beacons heard."""

    @property
    def fingerprints(self) -> int:
        """All fingerprints."""
        return sum(one.fingerprints for one in self.sessions)

    @property
    def labelled(self) -> int:
        """All fingerprints with a position."""
        return sum(one.labelled for one in self.sessions)

    @property
    def synthetic(self) -> int:
        """All fingerprints that are no measurements."""
        return sum(one.synthetic for one in self.sessions)


def count(file: SurveyFile, sessions: Sequence[Session]) -> SurveyCounts:
    """Count what a survey of these sessions holds."""
    rows = file.rows(
        "SELECT session, count(*), count(x_m), count(synthetic) FROM fingerprints GROUP BY session"
    )
    ((places,),) = file.rows(
        "SELECT count(*) FROM (SELECT DISTINCT x_m, y_m, floor FROM fingerprints "
        "WHERE x_m IS NOT NULL)"
    )
    ((beacons,),) = file.rows("SELECT count(DISTINCT beacon) FROM readings")
    by_session = {session: tuple(numbers) for session, *numbers in rows}
    counts = (SessionCounts(one, *by_session.get(one.id, (0, 0, 0))) for one in sessions)
    return SurveyCounts(tuple(counts), places, beacons)
