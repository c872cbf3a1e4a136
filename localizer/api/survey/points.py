"""Reference points: free ones, grids, imports, and the next one to walk to."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request

from localizer.api.problems import ApiProblemError
from localizer.api.survey.messages import Done, Grid, Made, NewPoint, NextAnswer
from localizer.api.survey.site import REFUSED, edited
from localizer.api.survey.state import point_message
from localizer.site import Position
from localizer.survey import Survey
from localizer.survey_app import SurveyService, editing
from localizer.survey_app.undoing import Undoable
from localizer.surveying.route import NextPoint


def points_router(service: SurveyService) -> APIRouter:
    """Return the routes of points."""
    router = APIRouter(prefix="/points", tags=["survey: points"], responses=REFUSED)

    @router.post("", summary="Add a free point", status_code=201)
    async def add(body: NewPoint) -> Made:
        made: list[str] = []

        def work(survey: Survey) -> Undoable:
            position = Position(body.x_m, body.y_m, body.floor)
            point, undoable = editing.add_point(survey, position, body.name)
            made.append(point.id)
            return undoable

        await service.shared.edit(work)
        return Made(id=made[0])

    @router.post("/grid", summary="Lay a grid, in place of the one nobody stood at yet")
    async def grid(body: Grid) -> Done:
        return await edited(
            service, lambda survey: editing.lay_grid(survey, body.floor, body.step_m)
        )

    @router.post("/import", summary="Import points from CSV (x_m, y_m, floor, name)")
    async def import_csv(request: Request) -> Done:
        data = await request.body()
        return await edited(service, lambda survey: editing.import_points(survey, data))

    @router.get("/next", summary="The nearest point that lacks data")
    async def next_point(
        floor: str | None = None,
        x_m: Annotated[float | None, Query(allow_inf_nan=False)] = None,
        y_m: Annotated[float | None, Query(allow_inf_nan=False)] = None,
    ) -> NextAnswer:
        here = _here(floor, x_m, y_m)

        def look(survey: Survey) -> NextAnswer:
            found = service.guide.next_point(survey, here)
            return _next(found, has_points=bool(survey.points.all()))

        return await service.shared.read(look)

    @router.delete("/{point:path}", summary="Remove a point nobody stood at")
    async def remove(point: str) -> Done:
        return await edited(service, lambda survey: editing.remove_points(survey, [point]))

    return router


def _next(found: NextPoint, *, has_points: bool) -> NextAnswer:
    return NextAnswer(
        point=None if found.point is None else point_message(found.point),
        distance_m=found.distance_m,
        way_m=list(found.way_m),
        reason=None if found.point else _why_none(found, has_points=has_points),
        unreachable=[point.id for point in found.unreachable],
    )


def _why_none(
    found: NextPoint, *, has_points: bool
) -> Literal["all_done", "unreachable", "no_points"]:
    if found.unreachable:
        return "unreachable"
    return "all_done" if has_points else "no_points"


def _here(floor: str | None, x_m: float | None, y_m: float | None) -> Position | None:
    if floor is None and x_m is None and y_m is None:
        return None
    if floor is None or x_m is None or y_m is None:
        raise ApiProblemError(
            422,
            "invalid-field",
            "a place must have floor, x_m and y_m, but one is missing; give all or none",
            field="floor, x_m, y_m",
            got=(floor, x_m, y_m),
        )
    return Position(x_m, y_m, floor)
