"""Between degrees on the globe and metres on a floor, by the plane that touches the globe there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from localizer.errors import PlanError

SEMI_MAJOR_M: Final = 6_378_137.0
"""Equatorial radius of WGS 84, metres."""

FLATTENING: Final = 1 / 298.257223563
"""Of WGS 84."""

_E2: Final = FLATTENING * (2 - FLATTENING)

MAX_LATITUDE_DEG: Final = 89.0
"""Beyond, east and north change within a building."""

_ROUNDS: Final = 6
"""Of the way back. Each shortens the error a thousandfold within 10 km, tenfold at a latitude of 85
degrees."""


@dataclass(frozen=True, slots=True)
class Georeference:
    """Where a floor's frame lies on the globe.

    Raises:
        PlanError: a value is not finite or out of range.
    """

    latitude_deg: float
    """Of the frame's origin, WGS 84."""
    longitude_deg: float
    rotation_deg: float = 0.0
    """Direction of the frame's +x axis, degrees counter-clockwise from east."""

    def __post_init__(self) -> None:
        """Refuse an origin that is nowhere or too near to a pole."""
        finite = all(map(math.isfinite, (self.longitude_deg, self.rotation_deg)))
        if not (finite and abs(self.latitude_deg) <= MAX_LATITUDE_DEG) or (
            abs(self.longitude_deg) > 180
        ):
            raise PlanError(
                f"a georeference must lie within {MAX_LATITUDE_DEG:g} degrees of latitude and 180 "
                f"of longitude, but got {self}; are latitude and longitude exchanged?",
                reason="bad_georeference",
            )


class TangentPlane:
    """Converts between longitude and latitude (WGS 84) and metres east and north of an origin.

    Heights are taken as 0: the points lie on the ellipsoid, and their metres are those of the plane
    that touches it at the origin (local east, north, up). 1 km from the origin a distance is short
    by 4 thousandths of a millimetre.
    """

    def __init__(self, georeference: Georeference) -> None:
        longitude, latitude = np.radians([georeference.longitude_deg, georeference.latitude_deg])
        turn = math.radians(georeference.rotation_deg)
        self._origin_deg = np.array([georeference.longitude_deg, georeference.latitude_deg])
        self._origin_ecef = _to_ecef(self._origin_deg[None])[0]
        east = np.array([-np.sin(longitude), np.cos(longitude), 0.0])
        north = np.array(
            [
                -np.sin(latitude) * np.cos(longitude),
                -np.sin(latitude) * np.sin(longitude),
                np.cos(latitude),
            ]
        )
        cos, sin = math.cos(turn), math.sin(turn)
        self._axes = np.stack([cos * east + sin * north, -sin * east + cos * north])
        # Metres in a degree at the origin, by radii of curvature, along east and north.
        bend = 1 - _E2 * np.sin(latitude) ** 2
        east_m = SEMI_MAJOR_M / math.sqrt(bend) * np.cos(latitude)
        north_m = SEMI_MAJOR_M * (1 - _E2) / bend**1.5
        self._degrees_in_m = np.degrees(1 / np.array([east_m, north_m]))
        self._back = np.array([[cos, sin], [-sin, cos]])

    def to_metres(self, lon_lat_deg: ArrayLike) -> NDArray[np.float64]:
        """Return metres, x and y float64 [n, 2], of longitude and latitude, [n, 2] in degrees."""
        degrees = np.asarray(lon_lat_deg, np.float64).reshape(-1, 2)
        result: NDArray[np.float64] = (_to_ecef(degrees) - self._origin_ecef) @ self._axes.T
        return result

    def to_degrees(self, xy_m: ArrayLike) -> NDArray[np.float64]:
        """Return longitude and latitude, float64 [n, 2], of x and y, [n, 2] in metres.

        The inverse of `to_metres` by Newton's steps with the slope at the origin.
        """
        metres = np.asarray(xy_m, np.float64).reshape(-1, 2)
        degrees = np.broadcast_to(self._origin_deg, metres.shape)
        for _ in range(_ROUNDS):
            left_m = metres - self.to_metres(degrees)
            degrees = degrees + left_m @ self._back * self._degrees_in_m
        over = np.abs(degrees) > 180  # only longitudes get there
        return np.where(over, degrees - np.copysign(360.0, degrees), degrees)


def _to_ecef(lon_lat_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return earth-centred coordinates, [n, 3] in metres, of points on the ellipsoid."""
    longitude, latitude = np.radians(lon_lat_deg).T
    radius = SEMI_MAJOR_M / np.sqrt(1 - _E2 * np.sin(latitude) ** 2)
    return np.stack(
        [
            radius * np.cos(latitude) * np.cos(longitude),
            radius * np.cos(latitude) * np.sin(longitude),
            radius * (1 - _E2) * np.sin(latitude),
        ],
        axis=1,
    )
