"""Edits of the plans; each returns its way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from localizer.errors import SurveyAppError
from localizer.site import Beacon, Floor, Site
from localizer.survey import FloorPlan, Survey
from localizer.survey_app.editing import find_floor
from localizer.survey_app.undoing import Undoable
from localizer.surveying.geojson import GEOJSON, FloorGeometry, read_geojson
from localizer.surveying.plans import Plan


def put_plan(survey: Survey, floor_id: str, plan: Plan) -> Undoable:
    """Save a plan in place of the one before. A GeoJSON is the floor's geometry at once.

    Raises:
        SurveyAppError: there is no such floor.
        PlanError: a GeoJSON has no floor that can be walked.
        SiteError: a GeoJSON has a beacon of no known id.
        SurveyError: the file cannot be written.
    """
    floor = find_floor(survey.site, floor_id)
    geometry = None
    if plan.media_type == GEOJSON:
        geometry = read_geojson(plan.data, floor=floor_id)
    saved = FloorPlan(floor_id, plan.media_type, plan.size_px, plan.data)
    undo_plan = _put(survey, floor_id, saved, f"plan of floor {floor_id} uploaded")
    if geometry is None:
        return undo_plan
    try:
        survey.save_site(_drawn(survey.site, floor, geometry), what=undo_plan.what)
    except BaseException:
        undo_plan.undo(survey)
        raise

    def undo(later: Survey) -> None:
        later.undo_site()
        undo_plan.undo(later)

    return undo_plan._replace(undo=undo)


def change_plan(
    survey: Survey, floor_id: str, change: Callable[[FloorPlan], FloorPlan]
) -> Undoable:
    """Save what `change` makes of a floor's plan.

    Raises:
        SurveyAppError: the floor has no plan.
        SurveyError: the file cannot be written.
    """
    changed = change(find_plan(survey, floor_id))
    return _put(survey, floor_id, changed, f"scale of floor {floor_id} measured")


def remove_plan(survey: Survey, floor_id: str) -> Undoable:
    """Remove a floor's plan.

    Raises:
        SurveyAppError: the floor has none.
        SurveyError: the file cannot be written.
    """
    old = find_plan(survey, floor_id)
    survey.plans.remove(floor_id)
    return Undoable(
        f"plan of floor {floor_id} removed", lambda later: later.plans.put(old), len(old.data)
    )


def find_plan(survey: Survey, floor_id: str) -> FloorPlan:
    """Return a floor's plan.

    Raises:
        SurveyAppError: it has none.
    """
    plan = survey.plans.get(floor_id)
    if plan is None:
        raise SurveyAppError(
            f"a floor must have a plan for that, but {floor_id!r} has none; upload one",
            reason="not_found",
        )
    return plan


def _put(survey: Survey, floor_id: str, plan: FloorPlan, what: str) -> Undoable:
    old = survey.plans.get(floor_id)
    survey.plans.put(plan)
    if old is None:
        return Undoable(what, lambda later: later.plans.remove(floor_id))
    return Undoable(what, lambda later: later.plans.put(old), len(old.data))


def _drawn(site: Site, floor: Floor, geometry: FloorGeometry) -> Site:
    floors = tuple(
        geometry.floor(floor.id, floor.name) if one.id == floor.id else one for one in site.floors
    )
    placed = {beacon.id: beacon for beacon in geometry.beacons}
    known = {beacon.id for beacon in site.beacons}
    beacons: list[Beacon] = [placed.get(beacon.id, beacon) for beacon in site.beacons]
    beacons += [beacon for beacon in geometry.beacons if beacon.id not in known]
    return replace(site, floors=floors, beacons=tuple(beacons))
