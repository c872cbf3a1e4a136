"""Floors to GeoJSON: outline, blocked areas, walls and beacons, in metres or degrees."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from localizer.site import Beacon, Floor, Polygon
from localizer.surveying.tangent_plane import Georeference, TangentPlane


def write_geojson(
    floor: Floor, beacons: Sequence[Beacon] = (), *, georeference: Georeference | None = None
) -> bytes:
    """Return a floor with its beacons as GeoJSON, which `read_geojson` reads back.

    Args:
        floor: what to write.
        beacons: those of other floors, and those without a place, are left out.
        georeference: where the frame lies on the globe, for longitude and latitude; None writes
            metres, and says so.
    """
    plane = TangentPlane(georeference) if georeference is not None else None

    def numbers(points: Sequence[tuple[float, float]]) -> list[list[float]]:
        written = plane.to_degrees(points) if plane else np.asarray(points, np.float64)
        return [[float(x), float(y)] for x, y in written]

    def ring(polygon: Polygon) -> dict[str, Any]:
        closed = numbers(polygon)
        return {"type": "Polygon", "coordinates": [[*closed, closed[0]]]}

    entries = [("outline", ring(floor.outline), {"name": floor.name})]
    entries += [("blocked", ring(polygon), {}) for polygon in floor.blocked]
    entries += [
        ("wall", {"type": "LineString", "coordinates": numbers(wall)}, {}) for wall in floor.walls
    ]
    for beacon in beacons:
        if (at := beacon.position) is not None and at.floor == floor.id:
            point = {"type": "Point", "coordinates": numbers([(at.x_m, at.y_m)])[0]}
            entries.append(("beacon", point, {"id": str(beacon.id)}))
    features = [
        {
            "type": "Feature",
            "geometry": geometry,
            "properties": {"kind": kind, "floor": floor.id, **more},
        }
        for kind, geometry, more in entries
    ]
    units = "degrees" if plane else "metres"
    document = {"type": "FeatureCollection", "units": units, "features": features}
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8")
