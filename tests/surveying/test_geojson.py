from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localizer.errors import PlanError, SiteError
from localizer.sites import built_in_site
from localizer.surveying.geojson import Units, read_geojson
from localizer.surveying.geojson_writer import write_geojson
from localizer.surveying.tangent_plane import Georeference
from tests.surveying.test_tangent_plane import georeferences

HALL = [[0, 0], [20, 0], [20, 10], [0, 10], [0, 0]]
TABLE = [[5, 5], [6, 5], [6, 6], [5, 6], [5, 5]]
TABLE_M = ((5.0, 5.0), (6.0, 5.0), (6.0, 6.0), (5.0, 6.0))


def feature(kind: str | None, shape: str, coordinates: Any, **more: Any) -> dict[str, Any]:
    properties = more | ({"kind": kind} if kind else {})
    geometry = {"type": shape, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def collection(*features: dict[str, Any], units: str | None = "metres", **more: Any) -> bytes:
    said = {"units": units} if units else {}
    return json.dumps({"type": "FeatureCollection", "features": features, **said, **more}).encode()


def reason(data: bytes, **more: Any) -> str:
    with pytest.raises(PlanError) as caught:
        read_geojson(data, **more)
    return caught.value.reason


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"rooms": []}', "but nothing says in a member 'type' what it is, got {'rooms': []};"),
        (b'{"type": "Foo"}', "but its 'type' is none of GeoJSON's, got"),
        (b'{"type": "FeatureCollection"}', "at 'FeatureCollection.features': Field required"),
    ],
)
def test_what_is_no_geojson_is_said_in_words(data: bytes, words: str) -> None:
    with pytest.raises(PlanError) as caught:
        read_geojson(data)
    assert words in str(caught.value)
    assert caught.value.reason == "bad_geojson"


def test_kinds_become_a_floor() -> None:
    geometry = read_geojson(
        collection(
            feature("outline", "Polygon", [HALL]),
            feature("blocked", "Polygon", [TABLE]),
            feature("wall", "LineString", [[0, 5], [3, 5], [3, 8]]),
            feature("beacon", "Point", [1, 2, 2.5], id="NAME:hall:B1"),
        ),
        floor="2",
    )
    assert geometry.outline == ((0.0, 0.0), (20.0, 0.0), (20.0, 10.0), (0.0, 10.0))
    assert geometry.blocked == (TABLE_M,)
    assert geometry.walls == (((0.0, 5.0), (3.0, 5.0)), ((3.0, 5.0), (3.0, 8.0)))
    (beacon,) = geometry.beacons
    assert (beacon.id, beacon.position) == ("name:hall:b1", beacon.position)
    assert beacon.position is not None
    assert (beacon.position.x_m, beacon.position.y_m, beacon.position.floor) == (1, 2, "2")
    assert (geometry.units, geometry.georeference) == ("metres", None)
    assert geometry.floor("2", "Second").name == "Second"


@pytest.mark.parametrize(
    "document",
    [
        {"type": "Polygon", "coordinates": [HALL, TABLE], "units": "m"},
        feature(None, "Polygon", [HALL, TABLE]) | {"units": "m"},
        json.loads(collection(feature(None, "MultiPolygon", [[HALL, TABLE]]))),
        json.loads(collection(feature(None, "Polygon", [TABLE]), feature(None, "Polygon", [HALL]))),
    ],
)
def test_without_kinds_the_outer_polygon_is_the_outline(document: dict[str, Any]) -> None:
    geometry = read_geojson(json.dumps(document).encode())
    assert len(geometry.outline) == 4
    assert geometry.outline[2] == (20.0, 10.0)
    assert geometry.blocked == (TABLE_M,)


def test_a_floor_is_picked_by_its_property() -> None:
    data = collection(
        feature("outline", "Polygon", [HALL], floor="0"),
        feature("outline", "Polygon", [TABLE], floor=1),
    )
    assert read_geojson(data, floor="1").outline[0] == (5, 5)
    assert reason(data, floor="2") == "no_outline"


def test_degrees_become_metres_from_the_south_western_corner() -> None:
    shape = [[11.5, 48.1], [11.5004, 48.1], [11.5004, 48.1002], [11.5, 48.1002], [11.5, 48.1]]
    geometry = read_geojson(collection(feature("outline", "Polygon", [shape]), units=None))
    assert geometry.units == "degrees"
    assert geometry.georeference == Georeference(48.1, 11.5)
    corners = np.array(geometry.outline)
    np.testing.assert_allclose(corners.min(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(corners.max(axis=0), [29.79, 22.24], atol=0.01)


def test_metres_that_are_not_marked_are_not_taken_for_degrees() -> None:
    hall = feature("outline", "Polygon", [HALL])
    with pytest.raises(PlanError, match=r'taken as degrees.*"units": "metres"') as caught:
        read_geojson(collection(hall, units=None))
    assert caught.value.reason == "too_wide"
    far = [[x + 4_468_000, y + 5_333_000] for x, y in HALL]
    assert reason(collection(feature(None, "Polygon", [far]), units=None)) == "not_degrees"
    assert read_geojson(collection(hall, units=None), units="metres").units == "metres"


def test_other_reference_systems_are_refused_unless_they_are_metres() -> None:
    hall = feature("outline", "Polygon", [HALL])
    utm = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25832"}}
    with pytest.raises(PlanError, match="EPSG::25832"):
        read_geojson(collection(hall, units=None, crs=utm))
    assert read_geojson(collection(hall, crs=utm)).units == "metres"
    assert reason(collection(hall, units="feet")) == "bad_crs"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (collection(feature("wall", "LineString", [[0, 0], [1, 1]])), "no_outline"),
        (collection(*[feature("outline", "Polygon", [HALL])] * 2), "ambiguous_outline"),
        (
            collection(
                feature(None, "Polygon", [HALL]),
                feature(None, "Polygon", [[[x + 50, y] for x, y in TABLE]]),
            ),
            "ambiguous_outline",
        ),
        (collection(feature("outlin", "Polygon", [HALL])), "bad_feature"),
        (collection(feature("wall", "Polygon", [HALL])), "bad_feature"),
        (collection(feature("outline", "Polygon", [HALL[:3]])), None),
        (collection(feature("outline", "Polygon", [[[0, 0], [1, 1]]])), "bad_geojson"),
        (collection(feature("outline", "Polygon", [[[0, "a"], [1, 1], [2, 0]]])), "bad_geojson"),
        (b'{"type": "Polygon", "coordinates": [[[0, NaN], [1, 1], [2, 0]]]}', "bad_geojson"),
        (b"\xff\xfe", "bad_geojson"),
        (
            collection(feature("outline", "Polygon", [[[0, 0], [4, 4], [4, 0], [0, 4]]])),
            "crosses_itself",
        ),
    ],
)
def test_what_is_no_floor_is_refused_with_a_reason(data: bytes, expected: str | None) -> None:
    if expected is None:
        assert len(read_geojson(data).outline) == 3
    else:
        assert reason(data) == expected


@pytest.mark.parametrize("ids", [("name:hall:b1", "NAME:HALL:B1"), ("aa:bb:cc:dd:ee:ff",), (None,)])
def test_beacons_of_one_id_or_none_are_refused(ids: tuple[str | None, ...]) -> None:
    points = [feature("beacon", "Point", [1, 2], id=one) for one in ids]
    with pytest.raises(SiteError, match="beacon id"):
        read_geojson(collection(feature("outline", "Polygon", [HALL]), *points))


def test_the_demo_site_round_trips_in_metres() -> None:
    site = built_in_site("demo")
    floor = site.floors[0]
    geometry = read_geojson(write_geojson(floor, site.beacons))
    assert geometry.floor(floor.id, floor.name) == floor
    assert geometry.beacons == site.beacons


@given(georeferences, st.sampled_from(["metres", "degrees"]))
def test_a_floor_round_trips_over_the_globe(georeference: Georeference, units: Units) -> None:
    site = built_in_site("demo")
    floor = site.floors[0]
    written = write_geojson(
        floor, site.beacons, georeference=georeference if units == "degrees" else None
    )
    geometry = read_geojson(written, georeference=georeference, floor=floor.id)
    assert geometry.units == units
    np.testing.assert_allclose(geometry.outline, floor.outline, rtol=0, atol=1e-5)
    np.testing.assert_allclose(geometry.blocked[0], floor.blocked[0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(geometry.walls, floor.walls, rtol=0, atol=1e-5)
    places = [b.position for b in geometry.beacons]
    truth = [b.position for b in site.beacons]
    for got, true in zip(places, truth, strict=True):
        assert got is not None
        assert true is not None
        assert abs(got.x_m - true.x_m) + abs(got.y_m - true.y_m) < 1e-5
