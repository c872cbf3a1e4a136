"""GeoJSON as RFC 7946 has it, checked once; what of it Localizer reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, FiniteFloat, TypeAdapter, ValidationError

from localizer.errors import PlanError

MAX_GEOJSON_BYTES: Final = 8_000_000
"""Of a GeoJSON. One floor is a few kilobytes; a whole city's export is a mistake."""

Coordinate = Annotated[list[FiniteFloat], Field(min_length=2, max_length=4)]
"""Two numbers; a height, and a measure after it, are read past."""

Ring = Annotated[list[Coordinate], Field(min_length=3)]


class PointGeometry(BaseModel):
    """One place."""

    type: Literal["Point"]
    coordinates: Coordinate


class LineGeometry(BaseModel):
    """Connected stretches of wall."""

    type: Literal["LineString"]
    coordinates: Annotated[list[Coordinate], Field(min_length=2)]


class PolygonGeometry(BaseModel):
    """An outer ring and its holes."""

    type: Literal["Polygon"]
    coordinates: Annotated[list[Ring], Field(min_length=1)]


class MultiPolygonGeometry(BaseModel):
    """Several polygons, as some programs write a single one."""

    type: Literal["MultiPolygon"]
    coordinates: Annotated[
        list[Annotated[list[Ring], Field(min_length=1)]], Field(min_length=1, max_length=1_000)
    ]


class OtherGeometry(BaseModel):
    """What is not read; named in an error, where it must be."""

    type: Literal["MultiPoint", "MultiLineString", "GeometryCollection"]


Geometry = Annotated[
    PointGeometry | LineGeometry | PolygonGeometry | MultiPolygonGeometry | OtherGeometry,
    Field(discriminator="type"),
]


class Feature(BaseModel):
    """A geometry with its properties."""

    type: Literal["Feature"]
    geometry: Geometry | None = None
    properties: dict[str, Any] | None = None
    id: str | float | None = None


class FeatureCollection(BaseModel):
    """A whole file, with the foreign members that say what its numbers are."""

    type: Literal["FeatureCollection"]
    features: Annotated[list[Feature], Field(min_length=1)]
    units: str | None = None
    crs: Any = None


class _Units(BaseModel):
    units: str | None = None
    crs: Any = None


_DOCUMENT: Final[TypeAdapter[FeatureCollection | Feature | Any]] = TypeAdapter(
    Annotated[
        FeatureCollection
        | Feature
        | PointGeometry
        | LineGeometry
        | PolygonGeometry
        | MultiPolygonGeometry
        | OtherGeometry,
        Field(discriminator="type"),
    ]
)


def parse_geojson(data: bytes) -> FeatureCollection:
    """Return a GeoJSON as a collection, whatever it was: a feature and a bare geometry become one.

    Raises:
        PlanError: it is too large, no JSON or no GeoJSON.
    """
    if len(data) > MAX_GEOJSON_BYTES:
        raise PlanError(
            f"a GeoJSON must have at most {MAX_GEOJSON_BYTES / 1e6:g} MB, but got "
            f"{len(data) / 1e6:.1f} MB; export one floor alone",
            reason="too_large",
        )
    try:
        document = _DOCUMENT.validate_json(data.removeprefix(b"\xef\xbb\xbf"))
        said = _Units.model_validate_json(data.removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as error:
        raise PlanError(
            f"a GeoJSON must follow RFC 7946, but {_first(error)}", reason="bad_geojson"
        ) from error
    if isinstance(document, FeatureCollection):
        return document
    if not isinstance(document, Feature):
        document = Feature(type="Feature", geometry=document)
    return FeatureCollection(
        type="FeatureCollection", features=[document], units=said.units, crs=said.crs
    )


def polygons_of(geometry: PolygonGeometry | MultiPolygonGeometry) -> Iterator[list[Ring]]:
    """Yield the polygons of a geometry, each as its rings."""
    if isinstance(geometry, PolygonGeometry):
        yield geometry.coordinates
    else:
        yield from geometry.coordinates


_WORDS: Final = {
    "union_tag_not_found": "nothing says in a member 'type' what it is",
    "union_tag_invalid": "its 'type' is none of GeoJSON's",
}
"""What pydantic says of its own workings, in the words of a file."""


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    words = _WORDS.get(problem["type"], problem["msg"])
    got = f", got {problem['input']!r}"
    place = f"at {where!r}: " if where else ""
    return f"{place}{words}{got if len(got) < 100 else ''}; export it again"
