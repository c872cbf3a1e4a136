"""The one way in: scan to vector to features, the same on the edge as in training.

Nothing else in the product encodes an RSSI. A beacon that was not heard stays a missing key, a
False in a mask and a NaN until `features`, which alone gives it a number.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict

from localizer.beacons import BeaconId
from localizer.errors import FeatureError
from localizer.floor_image import ImageGeometry, rasterise, splat_bilinear, splat_nearest
from localizer.scans import Scan
from localizer.site import Polygon

FEATURE_VERSION: Final = 1
"""Raised when the same spec would give other numbers."""

Aggregation = Literal["mean", "median", "max"]
Kind = Literal["vector", "image"]
Convention = Literal["aligned", "paper"]
Features = dict[str, NDArray[np.float32]]
"""Model inputs by name: `vector` [n, width], `image` [n, size, size, channels], or both."""

VECTOR_CHANNELS: Final = ("level", "heard")
IMAGE_CHANNELS: Final = ("level", "heard", "installed", "walkable")

_EPSILON: Final = 1e-6
"""Keeps the mean level of a pixel in which nothing is heard at 0 instead of 0 / 0."""


class ScanVector(NamedTuple):
    """One value and one mask bit a beacon, in the order of a spec."""

    rssi_dbm: NDArray[np.float32]
    """float32 [n_beacons], dBm, NaN where not heard."""
    mask: NDArray[np.bool_]
    """bool [n_beacons], True where heard."""


@dataclass(frozen=True, slots=True)
class LevelScale:
    """How dBm become a level: (rssi - offset) / span, louder larger, with a value for silence."""

    offset_dbm: float
    span_db: float
    clip: bool
    """Whether levels are cut to 0..1."""
    absent: float
    """The level of a beacon that was not heard."""

    def __post_init__(self) -> None:
        """Refuse a scale that makes no number of a reading."""
        numbers = (self.offset_dbm, self.span_db, self.absent)
        if self.span_db == 0 or not all(map(math.isfinite, numbers)):
            raise FeatureError(
                "a scale must have finite numbers and a span other than 0 dB, but got "
                f"offset {self.offset_dbm}, span {self.span_db} and absent {self.absent}"
            )


ALIGNED_SCALE: Final = LevelScale(offset_dbm=-105.0, span_db=65.0, clip=True, absent=0.0)
"""-105 dBm, below what phones report, is 0 like silence; -40 dBm, under a beacon, is 1."""

PAPER_VECTOR_SCALE: Final = LevelScale(offset_dbm=0.0, span_db=1.0, clip=False, absent=-200.0)
"""The published code feeds raw dBm to its DNN, -200 for what was not heard."""

PAPER_IMAGE_SCALE: Final = LevelScale(offset_dbm=0.0, span_db=-200.0, clip=False, absent=1.0)
"""The published pixel RSSI / -200: silence is the brightest value. For reproduction only."""


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """All that turns a scan into a model's input; a bundle carries it word for word."""

    # Holds for the scale and the geometry inside as well.
    __pydantic_config__ = ConfigDict(extra="forbid")

    beacons: tuple[BeaconId, ...]
    """The order of the vector; nothing else defines it."""
    kind: Kind
    convention: Convention
    aggregation: Aggregation
    """How several RSSIs of one beacon in one scan become one."""
    scale: LevelScale
    channels: tuple[str, ...]
    image: ImageGeometry | None = None
    """Pixels on the floor, for images."""
    places_m: tuple[tuple[float, float] | None, ...] = ()
    """Where each beacon hangs (x, y), metres, for images; None where nobody measured it."""
    outline: Polygon = ()
    blocked: tuple[Polygon, ...] = ()
    version: int = FEATURE_VERSION

    def __post_init__(self) -> None:
        """Refuse a spec that contradicts itself."""
        allowed = VECTOR_CHANNELS if self.kind == "vector" else IMAGE_CHANNELS
        if not self.beacons or len(set(self.beacons)) != len(self.beacons):
            raise FeatureError(f"a spec must name each beacon once, but got {self.beacons}")
        if not self.channels or not set(self.channels) <= set(allowed):
            raise FeatureError(
                f"channels of kind {self.kind!r} must be of {allowed}, but got {self.channels}"
            )
        if self.kind == "image" and (
            self.image is None or len(self.places_m) != len(self.beacons) or not self.outline
        ):
            raise FeatureError(
                "an image spec must have a geometry, an outline and one place (or None) a beacon, "
                f"but got {self.image}, {len(self.outline)} corners and {len(self.places_m)} "
                f"places for {len(self.beacons)} beacons"
            )

    @property
    def unplaced(self) -> tuple[int, ...]:
        """Indices of the beacons that an image cannot show and a vector branch carries."""
        if self.kind == "vector":
            return ()
        return tuple(i for i, place in enumerate(self.places_m) if place is None)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every model input, without the axis of scans."""
        if self.kind == "vector":
            return {"vector": (len(self.beacons) * len(self.channels),)}
        side = self.image.size if self.image is not None else 0
        shapes: dict[str, tuple[int, ...]] = {"image": (side, side, len(self.channels))}
        if self.unplaced:
            shapes["vector"] = (len(self.unplaced) * len(VECTOR_CHANNELS),)
        return shapes


def scan_to_vector(
    scan: Scan, beacons: Sequence[BeaconId], aggregation: Aggregation = "mean"
) -> ScanVector:
    """Return a scan as one value and one mask bit a beacon.

    Args:
        scan: what was heard; beacons that are not in `beacons` are left out.
        beacons: the order of the vector.
        aggregation: how several RSSIs of one beacon become one.
    """
    index = _index_of(tuple(beacons))
    rssi = np.full(len(index), np.nan, np.float32)
    for beacon, readings in scan.readings.items():
        at = index.get(beacon)
        if at is not None:
            rssi[at] = readings[0] if len(readings) == 1 else _AGGREGATE[aggregation](readings)
    return ScanVector(rssi, ~np.isnan(rssi))


_AGGREGATE: Final[dict[Aggregation, Callable[[Sequence[float]], float]]] = {
    "mean": statistics.fmean,
    "median": statistics.median,
    "max": max,
}


@lru_cache(maxsize=32)
def _index_of(beacons: tuple[BeaconId, ...]) -> dict[BeaconId, int]:
    return {beacon: i for i, beacon in enumerate(beacons)}


def features(rssi_dbm: NDArray[np.float32], mask: NDArray[np.bool_], spec: FeatureSpec) -> Features:
    """Return a model's inputs for scans given as arrays.

    Args:
        rssi_dbm: float32 [n_scans, n_beacons], dBm; whatever stands where `mask` is False is
            never read.
        mask: bool [n_scans, n_beacons].
        spec: what the model was trained with.

    Returns:
        float32 arrays by input name, with the shapes of `FeatureSpec.shapes` after the scans.

    Raises:
        FeatureError: the arrays do not have one column a beacon of the spec.
    """
    if rssi_dbm.shape != mask.shape or rssi_dbm.ndim != 2 or mask.shape[1] != len(spec.beacons):
        raise FeatureError(
            f"readings and mask must both be [n, {len(spec.beacons)}], but got "
            f"{rssi_dbm.shape} and {mask.shape}; order them by the spec's beacons"
        )
    level = _levels(rssi_dbm, mask, spec.scale)
    if spec.kind == "vector":
        parts = {"level": level, "heard": mask}
        if spec.channels == ("level",):
            return {"vector": level}
        chosen = [parts[channel] for channel in spec.channels]
        return {"vector": np.concatenate(chosen, axis=1, dtype=np.float32)}
    return _image_features(level, mask, spec)


def _levels(
    rssi_dbm: NDArray[np.float32], mask: NDArray[np.bool_], scale: LevelScale
) -> NDArray[np.float32]:
    level = (rssi_dbm - np.float32(scale.offset_dbm)) * np.float32(1.0 / scale.span_db)
    if scale.clip:
        level = np.minimum(np.maximum(level, np.float32(0)), np.float32(1))
    return np.where(mask, level, np.float32(scale.absent))


def _image_features(
    level: NDArray[np.float32], mask: NDArray[np.bool_], spec: FeatureSpec
) -> Features:
    plan = _image_plan(spec)
    if spec.convention == "paper":
        pixels = (level @ plan.splat)[..., np.newaxis]
    else:
        heard = mask.astype(np.float32)
        on_pixels = heard @ plan.splat
        pixels = np.empty((*on_pixels.shape, len(IMAGE_CHANNELS)), np.float32)
        pixels[..., 0] = (level * heard) @ plan.splat / np.maximum(on_pixels, _EPSILON)
        pixels[..., 1] = on_pixels
        pixels[..., 2:] = plan.constant
        pixels = pixels[..., plan.chosen]
    side = plan.size
    inputs = {"image": pixels.reshape(len(level), side, side, -1)}
    if spec.unplaced:
        rest = list(spec.unplaced)
        inputs["vector"] = np.concatenate([level[:, rest], mask[:, rest]], 1, dtype=np.float32)
    return inputs


class _ImagePlan(NamedTuple):
    """What an image spec always multiplies by."""

    splat: NDArray[np.float32]
    constant: NDArray[np.float32]
    chosen: list[int]
    size: int


@lru_cache(maxsize=8)
def _image_plan(spec: FeatureSpec) -> _ImagePlan:
    if spec.image is None:
        raise FeatureError("an image spec must have a geometry, but got None")
    splatter = splat_nearest if spec.convention == "paper" else splat_bilinear
    splat = splatter(spec.places_m, spec.image)
    walkable = rasterise(spec.outline, spec.blocked, spec.image)
    constant = np.stack([splat.sum(axis=0), walkable], axis=-1)
    chosen = [IMAGE_CHANNELS.index(channel) for channel in spec.channels]
    return _ImagePlan(splat, constant, chosen, spec.image.size)
