"""Edits of the site and of the points; each returns its way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from localizer.beacons import BeaconId
from localizer.errors import SurveyAppError, SurveyError
from localizer.site import Beacon, Floor, Position, Site
from localizer.survey import Point, Survey
from localizer.survey_app.undoing import Undoable
from localizer.surveying.beacons_csv import read_beacons_csv
from localizer.surveying.outline import checked_polygon
from localizer.surveying.points_csv import read_points_csv
from localizer.surveying.reference_points import check_point, free_id, grid_of_points


def put_floor(survey: Survey, floor: Floor) -> Undoable:
    """Save a floor, in place of the one of its id.

    Raises:
        PlanError: a polygon has no area, crosses itself or is not finite.
        SurveyError: the file cannot be written.
    """
    checked = replace(
        floor,
        outline=checked_polygon(floor.outline),
        blocked=tuple(checked_polygon(one, "a blocked area") for one in floor.blocked),
    )
    site = survey.site
    others = [one.id for one in site.floors]
    if floor.id in others:
        floors = tuple(checked if one.id == floor.id else one for one in site.floors)
        return _save(survey, replace(site, floors=floors), f"floor {floor.id} changed")
    return _save(survey, replace(site, floors=(*site.floors, checked)), f"floor {floor.id} added")


def remove_floor(survey: Survey, floor_id: str) -> Undoable:
    """Remove a floor on which nothing is.

    Raises:
        SurveyAppError: there is none of that id, it is the last, or beacons hang on it.
        SurveyError: it has points or a plan.
    """
    find_floor(survey.site, floor_id)
    left = tuple(one for one in survey.site.floors if one.id != floor_id)
    if not left:
        raise SurveyAppError(
            f"a site must have a floor, but {floor_id!r} is its last; add another one first",
            reason="last_floor",
        )
    here = [
        one.id for one in survey.site.beacons if one.position and one.position.floor == floor_id
    ]
    if here:
        raise SurveyAppError(
            f"a floor must have no beacons to be removed, but {len(here)} hang on {floor_id!r}; "
            "remove or move them first",
            reason="floor_in_use",
        )
    return _save(survey, replace(survey.site, floors=left), f"floor {floor_id} removed")


def put_beacon(survey: Survey, beacon: Beacon) -> Undoable:
    """Save where a beacon hangs, as if it had always hung there.

    Raises:
        SiteError: the site has no such floor.
        SurveyError: the file cannot be written.
    """
    site = survey.site
    if any(one.id == beacon.id for one in site.beacons):
        beacons = tuple(beacon if one.id == beacon.id else one for one in site.beacons)
        return _save(survey, replace(site, beacons=beacons), f"place of {beacon.id} corrected")
    return _save(
        survey, replace(site, beacons=(*site.beacons, beacon)), f"beacon {beacon.id} added"
    )


def remove_beacon(survey: Survey, beacon_id: BeaconId) -> Undoable:
    """Take a beacon out of the site; what was heard of it stays in the survey.

    Raises:
        SurveyAppError: the site has none of that id.
        SurveyError: the file cannot be written.
    """
    find_beacon(survey.site, beacon_id)
    left = tuple(one for one in survey.site.beacons if one.id != beacon_id)
    return _save(survey, replace(survey.site, beacons=left), f"beacon {beacon_id} removed")


def import_beacons(survey: Survey, data: bytes) -> Undoable:
    """Save the beacons of a CSV; those of known ids get the place that it says.

    Raises:
        TableError: the file or a line is wrong.
        SurveyError: the file cannot be written.
    """
    site = survey.site
    read = {beacon.id: beacon for beacon in read_beacons_csv(data, site)}
    known = {beacon.id for beacon in site.beacons}
    beacons = [read.get(beacon.id, beacon) for beacon in site.beacons]
    beacons += [beacon for beacon in read.values() if beacon.id not in known]
    return _save(survey, replace(site, beacons=tuple(beacons)), f"{len(read)} beacons imported")


def replace_beacon(
    survey: Survey, old: BeaconId, new: BeaconId, *, since_utc: datetime
) -> Undoable:
    """Note that since then another beacon hangs where this one hung.

    Raises:
        SurveyAppError: the site has no such beacon.
        SurveyError: the new one is in the site already, or the file cannot be written.
    """
    find_beacon(survey.site, old)
    survey.beacon_changes.replace(old, new, since_utc=since_utc)
    return _last_edit(survey)


def move_beacon(
    survey: Survey, beacon_id: BeaconId, to: Position | None, *, since_utc: datetime
) -> Undoable:
    """Note that a beacon hangs elsewhere since then.

    Raises:
        SurveyAppError: the site has no such beacon.
        SiteError: the site has no such floor.
        SurveyError: the file cannot be written.
    """
    find_beacon(survey.site, beacon_id)
    survey.beacon_changes.move(beacon_id, to, since_utc=since_utc)
    return _last_edit(survey)


def rename_site(survey: Survey, name: str) -> Undoable:
    """Give the site another name.

    Raises:
        SurveyError: the file cannot be written.
    """
    return _save(survey, replace(survey.site, name=name), f"site named {name}")


def add_point(survey: Survey, position: Position, name: str) -> tuple[Point, Undoable]:
    """Add a free point.

    Raises:
        PlanError: nobody can stand there.
        SurveyError: the file cannot be written.
    """
    check_point(survey.site, position)
    taken = [point.id for point in survey.points.all()]
    point = Point(free_id(taken, position.floor), position, name, "free")
    return point, _add(survey, [point], f"point {point.id} added")


def import_points(survey: Survey, data: bytes) -> Undoable:
    """Add the points of a CSV.

    Raises:
        TableError: the file or a line is wrong.
        SurveyError: the file cannot be written.
    """
    taken = [point.id for point in survey.points.all()]
    points = read_points_csv(data, survey.site, taken=taken)
    return _add(survey, points, f"{len(points)} points imported")


def lay_grid(survey: Survey, floor_id: str, step_m: float) -> Undoable:
    """Lay a grid of points over a floor, in place of the points of a grid nobody stood at yet.

    Where a point is that stays, the grid has none within half a step.

    Raises:
        SurveyAppError: there is no such floor.
        PlanError: the step is out of range, or there would be too many points or none.
        SurveyError: the file cannot be written.
    """
    floor = find_floor(survey.site, floor_id)
    used = {one.point for one in survey.recordings.all() if one.point is not None}
    points = survey.points.all()
    gone = [
        one
        for one in points
        if one.position.floor == floor_id and one.source == "grid" and one.id not in used
    ]
    stay = [one for one in points if one not in gone]
    first = int(free_id([one.id for one in stay], floor_id).rpartition("-")[2])
    grid = grid_of_points(floor, step_m, first=first)
    new = _apart(grid, [one for one in stay if one.position.floor == floor_id], step_m / 2)
    survey.points.remove(one.id for one in gone)
    try:
        survey.points.put(new)
    except SurveyError:
        survey.points.put(gone)
        raise

    def undo(later: Survey) -> None:
        later.points.remove(one.id for one in new)
        later.points.put(gone)

    return Undoable(f"grid of {len(new)} points", undo)


def remove_points(survey: Survey, ids: Sequence[str]) -> Undoable:
    """Remove points nobody stood at.

    Raises:
        SurveyAppError: there is no such point.
        SurveyError: a point has recordings, or the file cannot be written.
    """
    known = {point.id: point for point in survey.points.all()}
    missing = sorted(set(ids) - set(known))
    if missing:
        raise SurveyAppError(
            f"a point must be in the survey to be removed, but {missing} are not",
            reason="not_found",
        )
    gone = [known[one] for one in ids]
    survey.points.remove(ids)
    what = f"point {ids[0]} removed" if len(ids) == 1 else f"{len(ids)} points removed"
    return Undoable(what, lambda later: later.points.put(gone))


def find_floor(site: Site, floor_id: str) -> Floor:
    """Return a floor of a site.

    Raises:
        SurveyAppError: there is none of that id.
    """
    for floor in site.floors:
        if floor.id == floor_id:
            return floor
    raise SurveyAppError(
        f"a floor must be in the site, but {floor_id!r} is not; add it first", reason="not_found"
    )


def find_beacon(site: Site, beacon_id: BeaconId) -> Beacon:
    """Return a beacon of a site.

    Raises:
        SurveyAppError: there is none of that id.
    """
    for beacon in site.beacons:
        if beacon.id == beacon_id:
            return beacon
    raise SurveyAppError(
        f"a beacon must be in the site, but {beacon_id} is not; place it first", reason="not_found"
    )


def _save(survey: Survey, site: Site, what: str) -> Undoable:
    survey.save_site(site, what=what)
    return _last_edit(survey)


def _last_edit(survey: Survey) -> Undoable:
    return Undoable(survey.site_edits()[-1].what, Survey.undo_site)


def _add(survey: Survey, points: Sequence[Point], what: str) -> Undoable:
    survey.points.put(points)
    return Undoable(what, lambda later: later.points.remove(point.id for point in points))


def _apart(grid: Sequence[Point], others: Sequence[Point], least_m: float) -> list[Point]:
    if not others:
        return list(grid)
    here = np.array([[one.position.x_m, one.position.y_m] for one in grid])
    there = np.array([[one.position.x_m, one.position.y_m] for one in others])
    nearest = np.hypot(*np.moveaxis(here[:, None] - there[None], -1, 0)).min(axis=1)
    return [point for point, away_m in zip(grid, nearest, strict=True) if away_m >= least_m]
