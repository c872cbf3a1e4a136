"""The image of a floor: which pixel is where, and how beacons are spread over pixels.

Pixel [row j, column i] has its centre at (x0 + (i + 1/2) cell, y0 + (j + 1/2) cell); rows grow
with y, so nothing but drawing ever flips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from localizer.errors import FeatureError
from localizer.site import Polygon, Site

MARGIN_PIXELS: Final = 2
"""Empty pixels kept on every side, so that a kernel centred on an edge beacon sees its surround."""

PAPER_SIZE: Final = 25
"""Pixels a side in the 2020 paper (arXiv:2006.08925), and the default."""

SIZES: Final = (25, 33, 49)
"""Sizes tried in turn until a pixel is fine enough; each survives two rounds of pooling."""

COARSE_CELL_M: Final = 2.0
"""A pixel wider than this, metres, is coarser than what fingerprints can tell apart."""

CROWDED_SHARE: Final = 0.1
"""More than this share of beacons in shared pixels hides what they say apart."""


@dataclass(frozen=True, slots=True)
class ImageGeometry:
    """Where the pixels of a square image lie on the floor."""

    size: int
    """Pixels a side."""
    cell_m: float
    """Side of a pixel, metres, equal on both axes."""
    x0_m: float
    """Left edge of column 0, metres."""
    y0_m: float
    """Lower edge of row 0, metres."""

    def centres_m(self) -> NDArray[np.float64]:
        """Return the pixel centres as float64 [size, size, 2], metres, (x, y) last."""
        steps = (np.arange(self.size) + 0.5) * self.cell_m
        x, y = np.meshgrid(self.x0_m + steps, self.y0_m + steps)
        return np.stack([x, y], axis=-1)


def fit_geometry(bounds_m: tuple[float, float, float, float], size: int) -> ImageGeometry:
    """Return the geometry that centres a box in an image with `MARGIN_PIXELS` around it.

    Args:
        bounds_m: x_min, y_min, x_max, y_max, metres.
        size: pixels a side.

    Raises:
        FeatureError: the box has no extent, or the image has no room inside its margin.
    """
    x_min, y_min, x_max, y_max = bounds_m
    side = max(x_max - x_min, y_max - y_min)
    inner = size - 2 * MARGIN_PIXELS
    if side <= 0 or inner < 1:
        raise FeatureError(
            f"a floor image needs a floor with extent and more than {2 * MARGIN_PIXELS} pixels, "
            f"but got a side of {side} m and {size} pixels; check the outline in the site file"
        )
    cell = side / inner
    half = size * cell / 2
    return ImageGeometry(size, cell, (x_min + x_max) / 2 - half, (y_min + y_max) / 2 - half)


def choose_geometry(site: Site, floor_id: str) -> tuple[ImageGeometry, tuple[str, ...]]:
    """Return the smallest image of `SIZES` that is fine enough, and what was said on the way.

    A size is too coarse if a pixel is wider than `COARSE_CELL_M` or more than `CROWDED_SHARE` of
    the beacons share a pixel. The largest size is taken even if it still is.
    """
    places = [
        (beacon.position.x_m, beacon.position.y_m)
        for beacon in site.beacons
        if beacon.position is not None and beacon.position.floor == floor_id
    ]
    notes: list[str] = []
    for size in SIZES:
        geometry = fit_geometry(site.bounds_m(floor_id), size)
        shared = _share_in_shared_pixels(places, geometry)
        if geometry.cell_m <= COARSE_CELL_M and shared <= CROWDED_SHARE:
            break
        notes.append(
            f"{size} x {size} pixels of {geometry.cell_m:.2f} m are too coarse for {site.id!r} "
            f"(wanted at most {COARSE_CELL_M} m, and {100 * CROWDED_SHARE:.0f} % of beacons in a "
            f"shared pixel; {100 * shared:.0f} % are)"
        )
    return geometry, tuple(notes)


def _share_in_shared_pixels(
    places: Sequence[tuple[float, float]], geometry: ImageGeometry
) -> float:
    if not places:
        return 0.0
    columns, rows = _pixel_of(np.asarray(places), geometry)
    pixels, counts = np.unique(rows * geometry.size + columns, return_counts=True)
    return float(counts[counts > 1].sum() / counts.sum()) if pixels.size else 0.0


def _pixel_of(
    places_m: NDArray[np.float64], geometry: ImageGeometry
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    columns = np.floor((places_m[:, 0] - geometry.x0_m) / geometry.cell_m).astype(np.int64)
    rows = np.floor((places_m[:, 1] - geometry.y0_m) / geometry.cell_m).astype(np.int64)
    if columns.size and not _inside(columns, rows, geometry.size).all():
        raise FeatureError(
            "every beacon must lie inside the floor image, but one is outside its "
            f"{geometry.size} x {geometry.size} pixels of {geometry.cell_m} m; "
            "fit the geometry to the bounds of the site"
        )
    return columns, rows


def _inside(columns: NDArray[np.int64], rows: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (columns >= 0) & (columns < size) & (rows >= 0) & (rows < size)
    return inside


def splat_bilinear(
    places_m: Sequence[tuple[float, float] | None], geometry: ImageGeometry
) -> NDArray[np.float32]:
    """Return how each beacon spreads over the pixels, float32 [beacons, size * size].

    A row holds the bilinear weights of the 4 pixels nearest to the beacon, which sum to 1, or
    nothing but 0 for a beacon without a place.
    """
    weights = np.zeros((len(places_m), geometry.size, geometry.size), np.float32)
    for row, place in zip(weights, places_m, strict=True):
        if place is None:
            continue
        _pixel_of(np.asarray([place]), geometry)
        u = (place[0] - geometry.x0_m) / geometry.cell_m - 0.5
        v = (place[1] - geometry.y0_m) / geometry.cell_m - 0.5
        for i, along_x in _neighbours(u, geometry.size):
            for j, along_y in _neighbours(v, geometry.size):
                row[j, i] += along_x * along_y
    return weights.reshape(len(places_m), -1)


def _neighbours(at: float, size: int) -> tuple[tuple[int, float], tuple[int, float]]:
    low = int(np.floor(at))
    share = at - low
    # Half a pixel from the border the outer neighbour is outside: its weight moves to the edge.
    return (max(low, 0), 1 - share), (min(low + 1, size - 1), share)


def splat_nearest(
    places_m: Sequence[tuple[float, float] | None], geometry: ImageGeometry
) -> NDArray[np.float32]:
    """Return the paper's placement, float32 [beacons, size * size]: one pixel a beacon.

    The published code sets ``image[beacon_x, beacon_y]``: the first axis is x here, and here only.
    """
    weights = np.zeros((len(places_m), geometry.size, geometry.size), np.float32)
    for row, place in zip(weights, places_m, strict=True):
        if place is not None:
            columns, rows = _pixel_of(np.asarray([place]), geometry)
            row[columns[0], rows[0]] = 1.0
    return weights.reshape(len(places_m), -1)


def rasterise(
    outline: Polygon, blocked: Sequence[Polygon], geometry: ImageGeometry
) -> NDArray[np.float32]:
    """Return 1 where a pixel's centre can be walked, else 0, float32 [size * size]."""
    centres = geometry.centres_m().reshape(-1, 2)
    walkable = inside_polygon(centres, outline)
    for polygon in blocked:
        walkable &= ~inside_polygon(centres, polygon)
    return walkable.astype(np.float32)


def inside_polygon(points_m: NDArray[np.float64], polygon: Polygon) -> NDArray[np.bool_]:
    """Return which points lie inside a polygon, bool [n], by the even-odd rule.

    Args:
        points_m: float64 [n, 2], metres.
        polygon: corners in order, metres.
    """
    x, y = points_m[:, 0], points_m[:, 1]
    inside = np.zeros(len(points_m), bool)
    for (x1, y1), (x2, y2) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        if y1 == y2:
            continue
        crosses = (y1 > y) != (y2 > y)
        inside ^= crosses & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return inside
