"""Beacons from a CSV: ``id``, ``x_m``, ``y_m`` and ``floor``."""

from __future__ import annotations

from typing import Final

from localizer.beacons import BeaconId, parse_beacon_id
from localizer.errors import SiteError, TableError
from localizer.site import Beacon, Position, Site
from localizer.surveying.csv_rows import Row, read_rows, refuse_degrees

BEACON_COLUMNS: Final = ("id", "x_m", "y_m", "floor")


def read_beacons_csv(data: bytes, site: Site) -> tuple[Beacon, ...]:
    """Return the beacons of a CSV, all of them or none.

    A beacon may hang outside the outline and in what is blocked: on a wall, over a shelf. One whose
    ``x_m`` and ``y_m`` are empty has no known place.

    Args:
        data: the whole file.
        site: whose floors they hang on. Its own beacons are not looked at: a caller that adds
            these to them decides what one id in both means.

    Raises:
        TableError: the file or a line is wrong, or two lines have one id; the message names the
            lines. `reason` is one of ``degrees``, ``bad_columns``, ``bad_number``, ``bad_id``,
            ``unknown_floor``, ``id_twice``, ``empty``, ``too_large`` or ``no_csv``.
    """
    rows = read_rows(data, BEACON_COLUMNS)
    placed = [row for row in rows if row.values["x_m"] or row.values["y_m"]]
    places = [(row.number("x_m"), row.number("y_m")) for row in placed]
    if places:
        refuse_degrees(places, placed)
    lines: dict[BeaconId, int] = {}
    beacons: list[Beacon] = []
    for row in rows:
        beacon = Beacon(_beacon_id(row), _position(row, site))
        if beacon.id in lines:
            raise TableError(
                f"line {row.line}: each beacon must stand once, but {beacon.id} stands in line "
                f"{lines[beacon.id]} too; delete one, or correct its id",
                reason="id_twice",
                line=row.line,
            )
        lines[beacon.id] = row.line
        beacons.append(beacon)
    return tuple(beacons)


def _beacon_id(row: Row) -> BeaconId:
    try:
        return parse_beacon_id(row.values["id"])
    except SiteError as error:
        raise TableError(f"line {row.line}: {error}", reason="bad_id", line=row.line) from error


def _position(row: Row, site: Site) -> Position | None:
    if not (row.values["x_m"] or row.values["y_m"]):
        return None
    floors = [floor.id for floor in site.floors]
    if row.values["floor"] not in floors:
        raise TableError(
            f"line {row.line}: a beacon must hang on a floor of the site ({floors}), but got "
            f"{row.values['floor']!r}; add the floor, or correct it",
            reason="unknown_floor",
            line=row.line,
        )
    return Position(row.number("x_m"), row.number("y_m"), row.values["floor"])
