"""The reference points of a survey."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from localizer.errors import SurveyError
from localizer.site import Position
from localizer.survey.checks import check_position, check_text
from localizer.survey.derivation import derive
from localizer.survey.file import SurveyFile
from localizer.survey.records import Point
from localizer.survey.site_journal import SiteJournal

_UPSERT: Final = (
    "INSERT INTO points (id, name, x_m, y_m, floor, source) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET name = excluded.name, x_m = excluded.x_m, "
    "y_m = excluded.y_m, floor = excluded.floor, source = excluded.source"
)


class Points:
    """The points of a survey, in the order in which they were added."""

    def __init__(self, file: SurveyFile, journal: SiteJournal) -> None:
        self._file = file
        self._journal = journal

    def all(self) -> list[Point]:
        """Return all points."""
        rows = self._file.rows(
            "SELECT id, x_m, y_m, floor, name, source FROM points ORDER BY number"
        )
        return [Point(row[0], Position(*row[1:4]), *row[4:]) for row in rows]

    def put(self, points: Iterable[Point], *, correct: bool = False) -> int:
        """Add points, or replace those of the same ids, all or nothing; return how many.

        Args:
            points: what to save.
            correct: say that a point's place was noted wrongly, so that what was recorded there
                was recorded at the new place; its fingerprints are labelled anew.

        Raises:
            SurveyError: a point is on no floor of the site, has an id, place or source that is
                none, or was moved although it has recordings and `correct` is not set.
        """
        count = 0
        with self._file.transaction() as connection:
            for count, point in enumerate(points, start=1):  # noqa: B007
                self.check(point)
                moved = self._moves(point)
                connection.execute(_UPSERT, _row(point))
                if moved:
                    self._label_anew(point, correct=correct)
        return count

    def remove(self, ids: Iterable[str]) -> None:
        """Remove points nobody stood at; ids that are not there are left alone.

        Raises:
            SurveyError: a point has recordings.
        """
        chosen = list(ids)
        used = sorted(self._with_recordings().intersection(chosen))
        if used:
            raise SurveyError(
                f"a point must have no recordings to be removed, but {used} have; delete those "
                "first",
                path=self._file.path,
            )
        with self._file.transaction() as connection:
            connection.executemany("DELETE FROM points WHERE id = ?", [(one,) for one in chosen])

    def _with_recordings(self) -> set[str]:
        rows = self._file.rows("SELECT DISTINCT point FROM recordings WHERE point IS NOT NULL")
        return {point for (point,) in rows}

    def _moves(self, point: Point) -> bool:
        """Return whether a point with recordings would be elsewhere."""
        rows = self._file.rows(
            "SELECT x_m, y_m, floor FROM points WHERE id = ?1 "
            "AND EXISTS (SELECT 1 FROM recordings WHERE point = ?1)",
            (point.id,),
        )
        return any(Position(*row) != point.position for row in rows)

    def _label_anew(self, point: Point, *, correct: bool) -> None:
        if not correct:
            raise SurveyError(
                f"a point with recordings must stay where they were made, but {point.id!r} would "
                "move; add another point, or say that its place was noted wrongly",
                path=self._file.path,
            )
        recordings = self._file.rows(
            "SELECT id, window_s FROM recordings WHERE point = ? AND window_s IS NOT NULL",
            (point.id,),
        )
        for recording, window_s in recordings:
            derive(self._file, recording, window_s=window_s)

    def check(self, point: Point) -> None:
        """Refuse a point that is on no floor of the site, or that is none.

        Raises:
            SurveyError: naming the field, the value and what must hold.
        """
        check_text("a point's id", point.id)
        check_text("a point's name", point.name, empty=True)
        check_position(point.position)
        if point.source not in ("grid", "free", "imported"):
            raise SurveyError(f"a point's source must be a known one, but got {point.source!r}")
        floors = [floor.id for floor in self._journal.site.floors]
        if point.position.floor not in floors:
            raise SurveyError(
                f"a point must be on a floor of the site ({floors}), but {point.id!r} is on "
                f"{point.position.floor!r}",
                path=self._file.path,
            )


def _row(point: Point) -> tuple[Any, ...]:
    at = point.position
    return point.id, point.name, float(at.x_m), float(at.y_m), at.floor, point.source
