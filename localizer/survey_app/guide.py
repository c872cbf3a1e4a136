"""How far the survey is, who is heard where, and where to go next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from localizer.beacons import BeaconId
from localizer.clock import s_to_ns
from localizer.site import Floor, Position
from localizer.survey import WINDOW_S, Coverage, Recording, Survey, Visit
from localizer.survey.walked_path import WalkedPath
from localizer.surveying.cells import HeardCells, heard_cells
from localizer.surveying.progress import measure_progress
from localizer.surveying.route import NextPoint, Routes

_WINDOW_NS: Final = s_to_ns(WINDOW_S)

READ_AT_ONCE: Final = 300_000
"""Packets of walks that are read before an answer is given: about a second. What is left is read
afterwards, piece by piece, and who looks at the coverage is told."""

HeardAt = tuple[Position, frozenset[BeaconId]]
"""A place, and who was heard there."""


class Guide:
    """Knows the ways of the site and what was heard on walks; belongs to the survey's thread."""

    def __init__(self) -> None:
        self._floors: tuple[Floor, ...] = ()
        self._routes: Routes | None = None
        self._walks: dict[str, tuple[HeardAt, ...]] = {}
        self.unread: list[Recording] = []
        """Walks that the last answer of `cells` left out."""

    def next_point(self, survey: Survey, here: Position | None) -> NextPoint:
        """Return the nearest point that lacks data.

        Raises:
            SiteError: the surveyor is on a floor that the site lacks.
        """
        if self._routes is None or self._floors != survey.site.floors:
            self._floors, self._routes = survey.site.floors, Routes(survey.site)
        lacking = measure_progress(survey.coverage()).lacking
        return self._routes.next_point(here, lacking)

    def cells(
        self, survey: Survey, coverage: Coverage, floor: Floor, *, cell_m: float
    ) -> HeardCells:
        """Return who is heard in the cells of a floor, at its points and on walks.

        Raises:
            PlanError: the cells are too small.
        """
        stood = [
            (one.point.position, visit.heard.keys())
            for one in coverage.points
            for visit in one.visits
            if visit.recording.status == "complete"
        ]
        walks = [
            visit
            for visit in coverage.elsewhere
            if visit.recording.kind == "walk" and visit.recording.status == "complete"
        ]
        self.read_walks(survey, walks)
        walked = [place for visit in walks for place in self._walks.get(visit.recording.id, ())]
        return heard_cells(floor, [*stood, *walked], cell_m=cell_m)

    def read_walks(self, survey: Survey, walks: Iterable[Visit]) -> None:
        """Read walks that were not read yet, until enough was read at once.

        A walk that has ended stays as it is, and one at least is read each time.
        """
        self.unread, packets = [], 0
        for visit in walks:
            walk = visit.recording
            if walk.id in self._walks:
                continue
            if packets >= READ_AT_ONCE:
                self.unread.append(walk)
                continue
            packets += visit.adverts
            self._walks[walk.id] = tuple(_heard_along(survey, walk))

    def read_on(self, survey: Survey) -> bool:
        """Read some of what `cells` left out, and return whether there is more."""
        left = {walk.id for walk in self.unread}
        walks = [one for one in survey.coverage().elsewhere if one.recording.id in left]
        self.read_walks(survey, walks)
        return bool(self.unread)


def _heard_along(survey: Survey, walk: Recording) -> Iterator[HeardAt]:
    path = WalkedPath(survey.recordings.waypoints(walk.id))
    heard: dict[int, set[BeaconId]] = {}
    for advert in survey.recordings.adverts(walk.id):
        window = (advert.time_ns - walk.started_ns) // _WINDOW_NS
        heard.setdefault(window, set()).add(advert.beacon)
    for window, beacons in sorted(heard.items()):
        middle_ns = walk.started_ns + window * _WINDOW_NS + _WINDOW_NS // 2
        place = path.at(middle_ns, window_s=WINDOW_S)
        if place is not None:
            yield place.position, frozenset(beacons)
