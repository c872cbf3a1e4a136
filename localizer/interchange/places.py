"""Beacons and reference points as CSV: out of a survey file, and into one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from localizer.errors import SurveyError, TableError
from localizer.interchange.text_tables import guarded, number_to_text, write_table
from localizer.site import Beacon
from localizer.survey import Survey
from localizer.surveying.beacons_csv import BEACON_COLUMNS, read_beacons_csv
from localizer.surveying.csv_rows import MAX_CSV_BYTES
from localizer.surveying.points_csv import POINT_COLUMNS, read_points_csv

_POINT_HEADER: Final = ("id", *POINT_COLUMNS)


def write_beacons(survey: Survey, path: Path) -> int:
    """Write the site's beacons, and return how many; places that nobody measured stay empty.

    Raises:
        OSError: the file cannot be written.
    """
    rows = []
    for beacon in sorted(survey.site.beacons, key=lambda one: one.id):
        at = beacon.position
        place = ("", "", "")
        if at is not None:
            place = (number_to_text(at.x_m), number_to_text(at.y_m), guarded(at.floor))
        rows.append((beacon.id, *place))
    write_table(path, BEACON_COLUMNS, rows)
    return len(rows)


def write_points(survey: Survey, path: Path) -> int:
    """Write the reference points, and return how many.

    Raises:
        OSError: the file cannot be written.
    """
    rows = []
    for point in survey.points.all():
        at = point.position
        place = (number_to_text(at.x_m), number_to_text(at.y_m), guarded(at.floor))
        rows.append((guarded(point.id), *place, guarded(point.name)))
    write_table(path, _POINT_HEADER, rows)
    return len(rows)


def add_beacons(survey: Survey, path: Path) -> int:
    """Take the beacons of a CSV into the site, all or none, and return how many are new.

    Raises:
        TableError: the file or a line is wrong, or two lines have one id.
        SurveyError: the file cannot be read, or a beacon is in the site at another place.
    """
    given = read_beacons_csv(_read(path), survey.site)
    known = {beacon.id: beacon for beacon in survey.site.beacons}
    elsewhere = [one.id for one in given if one.id in known and not _agrees(one, known[one.id])]
    if elsewhere:
        raise SurveyError(
            f"a beacon that is in the site must hang where the site has it, but {elsewhere} in "
            f"{path} hang elsewhere; if they were moved, say so in the survey app, so that their "
            "older readings expire",
            path=path,
        )
    new = [one for one in given if one.id not in known]
    placed = {one.id: one for one in given if one.id in known and known[one.id].position is None}
    if new or placed:
        kept = tuple(placed.get(one.id, one) for one in survey.site.beacons)
        site = replace(survey.site, beacons=(*kept, *new))
        survey.save_site(site, what=f"{len(new)} beacons from {path.name}")
    return len(new)


def _agrees(given: Beacon, known: Beacon) -> bool:
    return None in (given.position, known.position) or given.position == known.position


def add_points(survey: Survey, path: Path) -> int:
    """Take the points of a CSV into the survey, all or none, and return how many.

    Raises:
        TableError: the file or a line is wrong, or a point's id is taken.
        SurveyError: the file cannot be read, or the survey cannot be written.
    """
    taken = [point.id for point in survey.points.all()]
    return survey.points.put(read_points_csv(_read(path), survey.site, taken=taken))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CSV_BYTES + 1)
    except OSError as error:
        raise SurveyError(
            f"a table must be a readable file, but {path}: {error.strerror}; check the path",
            path=path,
        ) from error
    if b"\0" in data:
        raise TableError(
            f"a table must be UTF-8 text, but {path} is UTF-16 or no text at all; save it as CSV "
            "(UTF-8)",
            reason="no_csv",
        )
    return data
