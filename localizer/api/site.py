"""GET /v1/site: the floor, for whoever draws it."""

from __future__ import annotations

from fastapi import APIRouter

from localizer.api.messages import BeaconMessage, FloorMessage, SiteMessage
from localizer.bundle import Bundle
from localizer.site import Beacon, Floor, Site


def site_router(bundle: Bundle) -> APIRouter:
    """Return the route that tells the bundle's site; it never changes while the service runs."""
    router = APIRouter(tags=["site"])
    message = site_message(bundle)

    @router.get("/site", summary="Floors, walls and beacons")
    async def site() -> SiteMessage:
        return message

    return router


def site_message(bundle: Bundle) -> SiteMessage:
    """Return the site of a bundle as it is sent."""
    site, used = bundle.site, set(bundle.spec.beacons)
    return SiteMessage(
        id=site.id,
        name=site.name,
        source=site.source,
        cell_m=site.cell_m,
        floor=bundle.manifest.floor,
        floors=[_floor(site, floor) for floor in site.floors],
        beacons=[_beacon(beacon, used=beacon.id in used) for beacon in site.beacons],
    )


def _floor(site: Site, floor: Floor) -> FloorMessage:
    return FloorMessage(
        id=floor.id,
        name=floor.name,
        outline=list(floor.outline),
        blocked=[list(polygon) for polygon in floor.blocked],
        walls=list(floor.walls),
        bounds=site.bounds_m(floor.id),
    )


def _beacon(beacon: Beacon, *, used: bool) -> BeaconMessage:
    at = beacon.position
    if at is None:
        return BeaconMessage(id=beacon.id, floor=None, x_m=None, y_m=None, used=used)
    return BeaconMessage(id=beacon.id, floor=at.floor, x_m=at.x_m, y_m=at.y_m, used=used)
