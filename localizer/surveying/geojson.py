"""Floors from GeoJSON: outline, blocked areas, walls and beacons, in metres.

A feature says what it is by its property ``kind``: ``outline``, ``blocked``, ``wall`` or
``beacon``. Its numbers are longitude and latitude, as RFC 7946 has it, unless the document says
``"units": "metres"``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from localizer.beacons import parse_beacon_id
from localizer.errors import PlanError, SiteError
from localizer.site import Beacon, Floor, Polygon, Position, Wall
from localizer.surveying.geojson_model import (
    Feature,
    FeatureCollection,
    LineGeometry,
    MultiPolygonGeometry,
    PointGeometry,
    PolygonGeometry,
    parse_geojson,
    polygons_of,
)
from localizer.surveying.outline import checked_polygon, signed_area_m2
from localizer.surveying.tangent_plane import Georeference, TangentPlane
from localizer.walkable import inside

GEOJSON: Final = "application/geo+json"

Units = Literal["metres", "degrees"]
"""What the numbers of a GeoJSON are."""

KINDS: Final = ("outline", "blocked", "wall", "beacon")

MAX_EXTENT_M: Final = 5_000.0
"""Of one floor, metres. The longest buildings have 1 km; metres that are taken for degrees make a
floor of thousands of kilometres."""

_METRES: Final = frozenset({"m", "metre", "metres", "meter", "meters"})
_DEGREES: Final = frozenset({"deg", "degree", "degrees"})
_DEGREE_CRS: Final = ("CRS84", "4326")

_Convert = Callable[[Sequence[Sequence[float]]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class FloorGeometry:
    """One floor as a GeoJSON has it, in metres."""

    outline: Polygon
    blocked: tuple[Polygon, ...]
    walls: tuple[Wall, ...]
    beacons: tuple[Beacon, ...]
    units: Units
    """What its numbers were taken for."""
    georeference: Georeference | None
    """Where (0, 0) lies on the globe; None for numbers that were metres, unless one was given."""

    def floor(self, floor_id: str, name: str) -> Floor:
        """Return it as a floor of a site."""
        return Floor(floor_id, name, self.outline, self.blocked, self.walls)


def read_geojson(
    data: bytes,
    *,
    georeference: Georeference | None = None,
    units: Units | None = None,
    floor: str = "0",
) -> FloorGeometry:
    """Read one floor.

    Without ``kind``, the polygon around all others is the outline and those are blocked, as its
    holes always are; lines are walls, and points are beacons whose id is the property ``id``.

    Args:
        data: the whole file.
        georeference: where the frame's origin lies and how it is turned, for degrees; None puts
            the origin at the south-western corner of the floor's box, +x to the east.
        units: what the numbers are; None goes by the document.
        floor: which floor to read, where features have a property ``floor``; beacons hang on it.

    Raises:
        PlanError: it cannot be used; `reason` is one of ``bad_geojson``, ``too_large``,
            ``no_outline``, ``ambiguous_outline``, ``bad_feature``, ``bad_crs``, ``not_degrees``,
            ``too_wide``, or one of `checked_polygon`.
        SiteError: a beacon has an id of no known form, or two have the same one.
    """
    document = parse_geojson(data)
    features = [feature for feature in document.features if _on_floor(feature, floor)]
    taken = units or _units_of(document)
    if taken == "degrees":
        georeference = georeference or _south_west(features)
    convert = _to_metres(georeference) if taken == "degrees" else _as_they_are
    outline, blocked = _areas(features, convert)
    _refuse_wide(outline, taken)
    return FloorGeometry(
        outline=outline,
        blocked=blocked,
        walls=_walls(features, convert),
        beacons=_beacons(features, convert, floor),
        units=taken,
        georeference=georeference,
    )


def _on_floor(feature: Feature, floor: str) -> bool:
    return str((feature.properties or {}).get("floor", floor)) == floor


def _units_of(document: FeatureCollection) -> Units:
    said = (document.units or "").strip().lower()
    if said in _METRES:
        return "metres"
    if said and said not in _DEGREES:
        raise PlanError(
            f'"units" of a GeoJSON must be "metres" or "degrees", but got {document.units!r}; '
            "convert it",
            reason="bad_crs",
        )
    if not said and document.crs is not None:
        crs = json.dumps(document.crs)
        if not any(name in crs for name in _DEGREE_CRS):
            raise PlanError(
                "a GeoJSON must be longitude and latitude (WGS 84), or say "
                f'"units": "metres", but got the reference system {crs[:120]}; convert it, or add '
                "the units where it is one of metres",
                reason="bad_crs",
            )
    return "degrees"


def _as_they_are(coordinates: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    return np.array([one[:2] for one in coordinates], dtype=np.float64)


def _to_metres(georeference: Georeference | None) -> _Convert:
    plane = TangentPlane(georeference or Georeference(0.0, 0.0))

    def convert(coordinates: Sequence[Sequence[float]]) -> NDArray[np.float64]:
        degrees = _as_they_are(coordinates)
        if (np.abs(degrees) > (180.0, 90.0)).any():
            worst = degrees[np.argmax(np.abs(degrees).max(axis=1))]
            raise PlanError(
                "longitude must lie within 180 degrees and latitude within 90, but got "
                f'({worst[0]:g}, {worst[1]:g}); if these are metres, add "units": "metres" to the '
                "document",
                reason="not_degrees",
            )
        return plane.to_metres(degrees)

    return convert


def _south_west(features: Sequence[Feature]) -> Georeference | None:
    corners = [
        point
        for feature in features
        if isinstance(feature.geometry, PolygonGeometry | MultiPolygonGeometry)
        for rings in polygons_of(feature.geometry)
        for point in rings[0]
    ]
    if not corners:
        return None
    longitude, latitude = _as_they_are(corners).min(axis=0)
    if abs(longitude) > 180 or abs(latitude) > 89:
        return None  # convert says what is wrong with them
    return Georeference(float(latitude), float(longitude))


def _areas(features: Sequence[Feature], convert: _Convert) -> tuple[Polygon, tuple[Polygon, ...]]:
    named: dict[str, list[Polygon]] = {"outline": [], "blocked": [], "": []}
    holes: list[Polygon] = []
    for feature in features:
        if not isinstance(feature.geometry, PolygonGeometry | MultiPolygonGeometry):
            continue
        kind = _kind(feature, ("outline", "blocked"))
        for outer, *inner in polygons_of(feature.geometry):
            named[kind].append(_polygon(outer, convert, kind or "a polygon"))
            if kind != "blocked":  # a courtyard in a blocked block is blocked all the same
                holes += [_polygon(hole, convert, "a hole") for hole in inner]
    outlines = named["outline"] or named[""]
    if not outlines:
        raise PlanError(
            "a floor must have an outline, but no polygon of this GeoJSON is one; draw a polygon "
            'around the floor, with the property "kind": "outline"',
            reason="no_outline",
        )
    outline = max(outlines, key=signed_area_m2)
    rest = [polygon for polygon in outlines if polygon is not outline]
    _refuse_ambiguous(outline, rest, bool(named["outline"]))
    unnamed = named[""] if named["outline"] else rest
    return outline, (*named["blocked"], *unnamed, *holes)


def _refuse_ambiguous(outline: Polygon, rest: Sequence[Polygon], named: bool) -> None:
    apart = [p for p in rest if not inside(np.array(p).mean(axis=0)[None], outline)[0]]
    if (named and rest) or apart:
        raise PlanError(
            f"a floor must have one outline, but {len(rest) + 1} polygons could be it; give one "
            'the property "kind": "outline" and the others "kind": "blocked"',
            reason="ambiguous_outline",
        )


def _polygon(ring: Sequence[Sequence[float]], convert: _Convert, what: str) -> Polygon:
    return checked_polygon([(float(x), float(y)) for x, y in convert(ring)], what)


def _refuse_wide(outline: Polygon, units: Units) -> None:
    corners = np.array(outline)
    width, depth = corners.max(axis=0) - corners.min(axis=0)
    if max(width, depth) > MAX_EXTENT_M:
        advice = 'if its numbers are metres, add "units": "metres"'
        raise PlanError(
            f"a floor must be at most {MAX_EXTENT_M:g} m wide, but this one, taken as {units}, is "
            f"{width:,.0f} m x {depth:,.0f} m; "
            f"{advice if units == 'degrees' else 'convert it to metres'}",
            reason="too_wide",
        )


def _walls(features: Sequence[Feature], convert: _Convert) -> tuple[Wall, ...]:
    walls: list[Wall] = []
    for feature in features:
        if isinstance(feature.geometry, LineGeometry):
            _kind(feature, ("wall",))
            ends = [(float(x), float(y)) for x, y in convert(feature.geometry.coordinates)]
            walls += pairwise(ends)
    return tuple(walls)


def _beacons(features: Sequence[Feature], convert: _Convert, floor: str) -> tuple[Beacon, ...]:
    beacons: dict[str, Beacon] = {}
    for feature in features:
        if not isinstance(feature.geometry, PointGeometry):
            continue
        _kind(feature, ("beacon",))
        said = (feature.properties or {}).get("id", feature.id)
        beacon_id = parse_beacon_id(str(said))
        if beacon_id in beacons:
            raise SiteError(
                f"each beacon id must stand once, but {beacon_id} stands twice; correct one"
            )
        x, y = convert([feature.geometry.coordinates])[0]
        beacons[beacon_id] = Beacon(beacon_id, Position(float(x), float(y), floor))
    return tuple(beacons.values())


def _kind(feature: Feature, allowed: tuple[str, ...]) -> str:
    """Return what a feature says it is, "" where it says nothing."""
    kind = str((feature.properties or {}).get("kind") or "")
    if kind and kind not in allowed:
        geometry = feature.geometry.type if feature.geometry else "nothing"
        raise PlanError(
            f'"kind" of a {geometry} must be one of {allowed}, but got {kind!r}; the kinds are '
            f"{KINDS}: polygons for outline and blocked, lines for walls, points for beacons",
            reason="bad_feature",
        )
    return kind
