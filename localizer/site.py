"""Where things are: positions, beacons, floors and the site that holds them, to and from TOML."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from localizer.beacons import BeaconId, parse_beacon_id
from localizer.errors import SiteError

SITE_SCHEMA: Final = 1
"""Version of the site file; raised when a field changes its meaning."""

Polygon = tuple[tuple[float, float], ...]
"""Corners (x_m, y_m) in order, metres, without the first one repeated at the end."""

Wall = tuple[tuple[float, float], tuple[float, float]]
"""Two ends (x_m, y_m) of a wall that dampens the radio, metres."""

MIN_CORNERS: Final = 3


@dataclass(frozen=True, slots=True)
class Position:
    """A point of a floor, in the site's right-handed frame."""

    x_m: float
    y_m: float
    floor: str = "0"


@dataclass(frozen=True, slots=True)
class Beacon:
    """A fixed transmitter (or a fixed receiver, where tags move)."""

    id: BeaconId
    position: Position | None
    """Where it hangs; None if nobody measured it."""


@dataclass(frozen=True, slots=True)
class Floor:
    """One storey: the outline that can be walked, less what is blocked."""

    id: str
    name: str
    outline: Polygon
    blocked: tuple[Polygon, ...] = ()
    walls: tuple[Wall, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """A building as the locator knows it. The order of the beacons means nothing."""

    id: str
    name: str
    floors: tuple[Floor, ...]
    beacons: tuple[Beacon, ...]
    source: str
    """Where the geometry comes from: a citation, a survey, a person's measurement."""
    cell_m: float | None = None
    """Side of the survey's grid cell, metres, where places lie on a grid."""

    def __post_init__(self) -> None:
        """Refuse two beacons or two floors of one id, and a beacon on a floor that is not there."""
        _refuse_twice("beacon", [str(beacon.id) for beacon in self.beacons])
        _refuse_twice("floor", [floor.id for floor in self.floors])
        floors = {floor.id for floor in self.floors}
        for beacon in self.beacons:
            if beacon.position is not None and beacon.position.floor not in floors:
                raise SiteError(
                    f"a beacon must hang on a floor of its site ({sorted(floors)}), but "
                    f"{beacon.id} is on {beacon.position.floor!r}; add the floor or correct it"
                )

    def floor(self, floor_id: str) -> Floor:
        """Return the floor of that id.

        Raises:
            SiteError: there is none.
        """
        for floor in self.floors:
            if floor.id == floor_id:
                return floor
        raise SiteError(f"site {self.id!r} has no floor {floor_id!r}")

    def bounds_m(self, floor_id: str) -> tuple[float, float, float, float]:
        """Return x_min, y_min, x_max, y_max of the floor's outline and its beacons, metres."""
        points = list(self.floor(floor_id).outline)
        points += [
            (beacon.position.x_m, beacon.position.y_m)
            for beacon in self.beacons
            if beacon.position is not None and beacon.position.floor == floor_id
        ]
        xs, ys = zip(*points, strict=True)
        return min(xs), min(ys), max(xs), max(ys)


def _refuse_twice(what: str, ids: list[str]) -> None:
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise SiteError(f"each {what} id must stand once in a site, but {twice} stand twice")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _PointModel(_Strict):
    x_m: FiniteFloat
    y_m: FiniteFloat


_Corners = Annotated[list[tuple[FiniteFloat, FiniteFloat]], Field(min_length=MIN_CORNERS)]


class _FloorModel(_Strict):
    id: str
    name: str
    outline: _Corners
    blocked: list[_Corners] = []
    walls: list[tuple[tuple[FiniteFloat, FiniteFloat], tuple[FiniteFloat, FiniteFloat]]] = []


class _BeaconModel(_Strict):
    id: str
    floor: str | None = None
    x_m: FiniteFloat | None = None
    y_m: FiniteFloat | None = None


class _SiteModel(_Strict):
    schema_version: int
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    name: str
    source: str
    cell_m: Annotated[FiniteFloat, Field(gt=0)] | None = None
    floors: Annotated[list[_FloorModel], Field(min_length=1)]
    beacons: list[_BeaconModel]


def site_from_toml(text: str, *, origin: str = "site file") -> Site:
    """Read a site from its TOML text.

    Args:
        text: the file's text.
        origin: what to call the file in an error.

    Raises:
        SiteError: the text is no TOML, a field is missing, unknown or out of range, or the schema
            is newer than this version reads.
    """
    try:
        model = _SiteModel.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SiteError(f"{origin} must be TOML, but {error}") from error
    except ValidationError as error:
        raise SiteError(f"{origin}: {_first_problem(error)}") from error
    if model.schema_version != SITE_SCHEMA:
        raise SiteError(
            f"{origin}: schema_version must be {SITE_SCHEMA}, but got {model.schema_version}; "
            "a newer file needs a newer Localizer"
        )
    return _site_from_model(model, origin)


def _site_from_model(model: _SiteModel, origin: str) -> Site:
    floors = tuple(
        Floor(f.id, f.name, tuple(f.outline), tuple(map(tuple, f.blocked)), tuple(f.walls))
        for f in model.floors
    )
    beacons = tuple(
        Beacon(parse_beacon_id(b.id), _beacon_position(b, origin)) for b in model.beacons
    )
    return Site(model.id, model.name, floors, beacons, model.source, model.cell_m)


def _beacon_position(beacon: _BeaconModel, origin: str) -> Position | None:
    given = (beacon.x_m, beacon.y_m, beacon.floor)
    if all(value is None for value in given):
        return None
    if beacon.x_m is None or beacon.y_m is None or beacon.floor is None:
        raise SiteError(
            f"{origin}: beacon {beacon.id} must have all of x_m, y_m and floor, or none of them, "
            f"but got {given}"
        )
    return Position(beacon.x_m, beacon.y_m, beacon.floor)


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"field {where!r}: {problem['msg']}, but got {problem['input']!r}"


def site_to_toml(site: Site) -> str:
    """Write a site as TOML text that `site_from_toml` reads back unchanged."""
    document: dict[str, Any] = {"schema_version": SITE_SCHEMA, "id": site.id, "name": site.name}
    document["source"] = site.source
    if site.cell_m is not None:
        document["cell_m"] = site.cell_m
    document["floors"] = [_floor_to_dict(floor) for floor in site.floors]
    document["beacons"] = [_beacon_to_dict(beacon) for beacon in site.beacons]
    return tomli_w.dumps(document)


def _floor_to_dict(floor: Floor) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": floor.id, "name": floor.name}
    entry["outline"] = [list(corner) for corner in floor.outline]
    if floor.blocked:
        entry["blocked"] = [[list(corner) for corner in polygon] for polygon in floor.blocked]
    if floor.walls:
        entry["walls"] = [[list(end) for end in wall] for wall in floor.walls]
    return entry


def _beacon_to_dict(beacon: Beacon) -> dict[str, Any]:
    if beacon.position is None:
        return {"id": str(beacon.id)}
    at = beacon.position
    return {"id": str(beacon.id), "floor": at.floor, "x_m": at.x_m, "y_m": at.y_m}


def load_site(path: Path) -> Site:
    """Read a site file.

    Raises:
        SiteError: the file is missing or does not hold a site.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SiteError(f"a site file must be readable UTF-8 text, but {path}: {error}") from error
    return site_from_toml(text, origin=str(path))


def distance_m(a: Position, b: Position) -> float:
    """Return the distance of two positions in the plane, metres, whatever their floors."""
    return math.hypot(a.x_m - b.x_m, a.y_m - b.y_m)
