"""GET /v1/survey/coverage: which points are done, who is heard where, and how long it takes yet."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import numpy as np
from fastapi import APIRouter, BackgroundTasks, Query
from pydantic import BaseModel, ConfigDict, Field

from localizer.api.problems import described
from localizer.survey import PointCoverage, Survey
from localizer.survey_app import SurveyService
from localizer.survey_app.editing import find_floor
from localizer.surveying.cells import HeardCells
from localizer.surveying.progress import PointProgress, measure_progress

State = Literal["todo", "thin", "one_visit", "agrees", "contradicts"]

_SEEN: Final[dict[str, State]] = {
    "one_visit": "one_visit",
    "agree": "agrees",
    "contradict": "contradicts",
}


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class CoveredPoint(_Out):
    """How far one point is."""

    id: str
    state: Annotated[
        State,
        Field(
            description="todo: nothing kept. thin: too few scans. one_visit, agrees, contradicts: "
            "enough, and what its visits say of each other."
        ),
    ]
    visits: int
    scans: int
    adverts: int
    beacons: int
    changed: Annotated[list[str], Field(description="Beacons in which its visits contradict.")]


class Cell(_Out):
    """Who was heard in a square of the floor; x and y are its centre."""

    x_m: float
    y_m: float
    beacons: int


class CoverageMessage(_Out):
    """How far a floor is."""

    points: list[CoveredPoint]
    cells: Annotated[list[Cell], Field(description="Those in which something was recorded.")]
    cell_m: float
    done: int
    total: int
    walks_unread: Annotated[
        int, Field(description="Not in the cells yet; the version moves when they are.")
    ]
    minutes_left: Annotated[
        float | None, Field(description="At the pace of the last points, for all floors.")
    ]


def coverage_router(service: SurveyService) -> APIRouter:
    """Return the route of the coverage."""
    router = APIRouter(tags=["survey"])

    @router.get(
        "/coverage",
        summary="How far the survey of a floor is",
        responses=described(s404="There is no such floor.", s422="The cells are too small."),
    )
    async def coverage(
        floor: str,
        afterwards: BackgroundTasks,
        cell_m: Annotated[float, Query(ge=0.25, le=50)] = 2.0,
    ) -> CoverageMessage:
        message = await service.shared.read(lambda survey: _message(service, survey, floor, cell_m))
        if message.walks_unread:
            afterwards.add_task(service.read_walks_on)
        return message

    return router


def _message(service: SurveyService, survey: Survey, floor: str, cell_m: float) -> CoverageMessage:
    drawn = find_floor(survey.site, floor)
    coverage = survey.coverage()
    progress = measure_progress(coverage)
    pairs = zip(coverage.points, progress.points, strict=True)
    points = [_point(*pair) for pair in pairs if pair[0].point.position.floor == floor]
    left = progress.minutes_left
    cells = _cells(service.guide.cells(survey, coverage, drawn, cell_m=cell_m))
    return CoverageMessage(
        points=points,
        cells=cells,
        walks_unread=len(service.guide.unread),
        cell_m=cell_m,
        done=sum(one.state not in ("todo", "thin") for one in points),
        total=len(points),
        minutes_left=None if left is None else round(left, 1),
    )


def _point(covered: PointCoverage, progress: PointProgress) -> CoveredPoint:
    kept = [visit for visit in covered.visits if visit.recording.status == "complete"]
    return CoveredPoint(
        id=covered.point.id,
        state=_SEEN.get(progress.state, "thin" if progress.scans else "todo"),
        visits=len(kept),
        scans=progress.scans,
        adverts=sum(visit.adverts for visit in kept),
        beacons=len({beacon for visit in kept for beacon in visit.heard}),
        changed=[*map(str, progress.consistency.changed)],
    )


def _cells(cells: HeardCells) -> list[Cell]:
    rows, columns = np.nonzero(cells.recordings)
    return [
        Cell(
            x_m=round(cells.x0_m + (column + 0.5) * cells.cell_m, 3),
            y_m=round(cells.y0_m + (row + 0.5) * cells.cell_m, 3),
            beacons=int(cells.beacons[row, column]),
        )
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
    ]
