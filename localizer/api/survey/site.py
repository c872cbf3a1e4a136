"""Floors and beacons: drawn, placed by tapping, imported, replaced and moved."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request

from localizer.api.problems import ApiProblemError, described
from localizer.api.survey.messages import (
    Done,
    FloorMessage,
    Place,
    Replacement,
    SiteName,
)
from localizer.beacons import parse_beacon_id
from localizer.site import Beacon, Floor, Position
from localizer.survey import Survey
from localizer.survey_app import SurveyService, editing
from localizer.survey_app.undoing import Undoable

REFUSED = described(
    s404="There is no such floor, beacon or point.",
    s409="It would take away what something else needs.",
    s422="It cannot be used; the reason says why.",
    s507="The disk is full; nothing was changed.",
)


def site_router(service: SurveyService) -> APIRouter:
    """Return the routes that edit the site; each edit is saved at once and can be undone."""
    router = APIRouter(tags=["survey: site"], responses=REFUSED)
    floor_routes(router, service)
    beacon_routes(router, service)

    @router.put("/site", summary="Name the site")
    async def name_site(body: SiteName) -> Done:
        return await edited(service, lambda survey: editing.rename_site(survey, body.name))

    return router


async def edited(service: SurveyService, work: Callable[[Survey], Undoable]) -> Done:
    """Make an edit, and say what was done."""
    return Done(what=await service.shared.edit(work))


def floor_routes(router: APIRouter, service: SurveyService) -> None:
    """Add the routes of floors."""

    @router.post("/floors", summary="Add a floor", status_code=201)
    async def add_floor(body: FloorMessage) -> Done:
        def add(survey: Survey) -> Undoable:
            if any(one.id == body.id for one in survey.site.floors):
                raise ApiProblemError(
                    409,
                    "floor-exists",
                    f"a new floor must have an id of its own, but {body.id!r} is there; change it",
                    field="id",
                    got=body.id,
                )
            return editing.put_floor(survey, _floor(body))

        return await edited(service, add)

    @router.put("/floors/{floor}", summary="Change a floor")
    async def change_floor(floor: str, body: FloorMessage) -> Done:
        if body.id != floor:
            raise ApiProblemError(
                422,
                "invalid-field",
                f"a floor's id must stay {floor!r}, or its points would be lost; change its name",
                field="id",
                got=body.id,
            )

        def change(survey: Survey) -> Undoable:
            editing.find_floor(survey.site, floor)
            return editing.put_floor(survey, _floor(body))

        return await edited(service, change)

    @router.delete("/floors/{floor}", summary="Remove a floor on which nothing is")
    async def remove_floor(floor: str) -> Done:
        return await edited(service, lambda survey: editing.remove_floor(survey, floor))


def beacon_routes(router: APIRouter, service: SurveyService) -> None:
    """Add the routes of beacons."""

    @router.put("/beacons/{beacon}", summary="Say where a beacon hangs")
    async def put_beacon(beacon: str, body: Place) -> Done:
        placed = Beacon(parse_beacon_id(beacon), _position(body))
        return await edited(service, lambda survey: editing.put_beacon(survey, placed))

    @router.delete("/beacons/{beacon}", summary="Take a beacon out of the site")
    async def remove_beacon(beacon: str) -> Done:
        found = parse_beacon_id(beacon)
        return await edited(service, lambda survey: editing.remove_beacon(survey, found))

    @router.post("/beacons/import", summary="Import beacons from CSV (id, x_m, y_m, floor)")
    async def import_beacons(request: Request) -> Done:
        data = await request.body()
        return await edited(service, lambda survey: editing.import_beacons(survey, data))

    @router.post("/beacons/{beacon}/replace", summary="Another beacon hangs at its place from now")
    async def replace_beacon(beacon: str, body: Replacement) -> Done:
        old, new, since = parse_beacon_id(beacon), parse_beacon_id(body.replacement), now()
        return await edited(
            service, lambda survey: editing.replace_beacon(survey, old, new, since_utc=since)
        )

    @router.post("/beacons/{beacon}/move", summary="It hangs elsewhere from now on")
    async def move_beacon(beacon: str, body: Place) -> Done:
        found, since = parse_beacon_id(beacon), now()
        return await edited(
            service,
            lambda survey: editing.move_beacon(survey, found, _position(body), since_utc=since),
        )

    now = service.utc_now


def _floor(body: FloorMessage) -> Floor:
    return Floor(
        body.id,
        body.name,
        tuple(body.outline),
        tuple(tuple(polygon) for polygon in body.blocked),
        tuple(body.walls),
    )


def _position(body: Place) -> Position:
    return Position(body.x_m, body.y_m, body.floor)
