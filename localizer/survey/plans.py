"""The plans of a survey's floors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

from localizer.errors import SurveyError
from localizer.survey.checks import check_finite, check_int64, check_text
from localizer.survey.file import SurveyFile
from localizer.survey.records import MAX_PLAN_BYTES, FloorPlan
from localizer.survey.site_journal import SiteJournal
from localizer.surveying.scale import MeasuredDistance, PlanTransform


class Plans:
    """One plan a floor at most."""

    def __init__(self, file: SurveyFile, journal: SiteJournal) -> None:
        self._file = file
        self._journal = journal

    def floors(self) -> list[str]:
        """Return the floors that have a plan."""
        return [floor for (floor,) in self._file.rows("SELECT floor FROM plans ORDER BY floor")]

    def get(self, floor: str) -> FloorPlan | None:
        """Return a floor's plan; None if it has none."""
        rows = self._file.rows(
            "SELECT floor, media_type, width_px, height_px, data, transform, distances "
            "FROM plans WHERE floor = ?",
            (floor,),
        )
        return _from_row(rows[0]) if rows else None

    def put(self, plan: FloorPlan) -> None:
        """Save a floor's plan in place of the one before.

        Raises:
            SurveyError: the site has no such floor, the plan is empty or larger than
                `MAX_PLAN_BYTES`, or a length is no number above 0.
        """
        self.check(plan)
        size = plan.size_px or (None, None)
        transform = None if plan.transform is None else json.dumps(astuple(plan.transform))
        distances = json.dumps([astuple(one) for one in plan.distances])
        row = (plan.floor, plan.media_type, *size, plan.data, transform, distances)
        with self._file.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO plans VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def remove(self, floor: str) -> None:
        """Remove a floor's plan, if it has one."""
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM plans WHERE floor = ?", (floor,))

    def check(self, plan: FloorPlan) -> None:
        """Refuse a plan of no floor of the site, or that is none.

        Raises:
            SurveyError: naming the field, the value and what must hold.
        """
        check_text("a plan's media type", plan.media_type)
        floors = [floor.id for floor in self._journal.site.floors]
        if plan.floor not in floors:
            raise SurveyError(
                f"a plan must be of a floor of the site ({floors}), but got {plan.floor!r}",
                path=self._file.path,
            )
        if not 0 < len(plan.data) <= MAX_PLAN_BYTES:
            raise SurveyError(
                f"a plan must have 1 to {MAX_PLAN_BYTES} bytes, but got {len(plan.data)}; "
                "scale it down",
                path=self._file.path,
            )
        for size_px in plan.size_px or ():
            check_int64("a plan's size", size_px)
        for one in plan.distances:
            for value in (*one.from_px, *one.to_px, one.length_m):
                check_finite("a measured distance", value)


def _from_row(row: Sequence[Any]) -> FloorPlan:
    floor, media_type, width_px, height_px, data, transform, distances = row
    return FloorPlan(
        floor,
        media_type,
        None if width_px is None else (width_px, height_px),
        data,
        None if transform is None else _transform(*json.loads(transform)),
        tuple(_distance(*one) for one in json.loads(distances)),
    )


def _transform(m_per_px: float, origin_px: list[float], rotation_deg: float) -> PlanTransform:
    return PlanTransform(m_per_px, (origin_px[0], origin_px[1]), rotation_deg)


def _distance(from_px: list[float], to_px: list[float], length_m: float) -> MeasuredDistance:
    return MeasuredDistance((from_px[0], from_px[1]), (to_px[0], to_px[1]), length_m)
