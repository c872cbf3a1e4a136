"""Reference points from a CSV: ``x_m``, ``y_m``, ``floor``, ``name`` and, if it has it, ``id``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from localizer.errors import PlanError, TableError
from localizer.site import Position, Site
from localizer.survey.records import Point
from localizer.surveying.csv_rows import Row, read_rows, refuse_degrees
from localizer.surveying.reference_points import check_point, free_id

POINT_COLUMNS: Final = ("x_m", "y_m", "floor", "name")


def read_points_csv(data: bytes, site: Site, *, taken: Collection[str] = ()) -> tuple[Point, ...]:
    """Return the points of a CSV, all of them or none.

    Args:
        data: the whole file.
        site: where they must be walkable.
        taken: ids of points that are there already. A point without an ``id`` gets the next free
            one of its floor.

    Raises:
        TableError: the file or a line is wrong; the message names the line. `reason` is one of
            ``degrees``, ``bad_columns``, ``bad_number``, ``not_walkable``, ``unknown_floor``,
            ``id_twice``, ``empty``, ``too_large`` or ``no_csv``.
    """
    rows = read_rows(data, POINT_COLUMNS)
    refuse_degrees([(row.number("x_m"), row.number("y_m")) for row in rows], rows)
    ids = list(taken)
    points: list[Point] = []
    for row in rows:
        point = _point(row, site, ids)
        ids.append(point.id)
        points.append(point)
    return tuple(points)


def _point(row: Row, site: Site, ids: Sequence[str]) -> Point:
    position = Position(row.number("x_m"), row.number("y_m"), row.values["floor"])
    try:
        check_point(site, position)
    except PlanError as error:
        raise TableError(f"line {row.line}: {error}", reason=error.reason, line=row.line) from error
    point_id = row.values.get("id") or free_id(ids, position.floor)
    if point_id in ids:
        raise TableError(
            f"line {row.line}: each point must have an id of its own, but {point_id!r} is there "
            "already; change it, or leave the column out",
            reason="id_twice",
            line=row.line,
        )
    return Point(point_id, position, row.values["name"], "imported")
