"""Which features a method of a site reads."""

from __future__ import annotations

from dataclasses import replace

from localizer.beacons import BeaconId
from localizer.features import (
    ALIGNED_SCALE,
    IMAGE_CHANNELS,
    PAPER_IMAGE_SCALE,
    PAPER_VECTOR_SCALE,
    VECTOR_CHANNELS,
    Aggregation,
    FeatureSpec,
)
from localizer.floor_image import PAPER_SIZE, ImageGeometry, choose_geometry, fit_geometry
from localizer.site import Beacon, Site
from training.config import NetworkConfig


def complete_site(site: Site, heard: tuple[BeaconId, ...]) -> Site:
    """Return the site with every heard beacon in it, those that it lacks without a place."""
    known = {beacon.id for beacon in site.beacons}
    new = tuple(Beacon(beacon, None) for beacon in sorted(set(heard) - known))
    return replace(site, beacons=site.beacons + new)


def beacon_order(site: Site) -> tuple[BeaconId, ...]:
    """Return the order of the site's beacons in every vector that is trained on it."""
    return tuple(beacon.id for beacon in site.beacons)


def beacon_places(site: Site, floor_id: str) -> tuple[tuple[float, float] | None, ...]:
    """Return (x_m, y_m) of each beacon on that floor, None for the others, in order."""
    return tuple(
        (beacon.position.x_m, beacon.position.y_m)
        if beacon.position is not None and beacon.position.floor == floor_id
        else None
        for beacon in site.beacons
    )


def baseline_spec(site: Site, aggregation: Aggregation) -> FeatureSpec:
    """Return what the simple methods read: a level and a heard bit a beacon."""
    order = beacon_order(site)
    return FeatureSpec(order, "vector", "aligned", aggregation, ALIGNED_SCALE, VECTOR_CHANNELS)


def network_spec(
    config: NetworkConfig, site: Site, floor_id: str
) -> tuple[FeatureSpec, tuple[str, ...]]:
    """Return what a network reads, and what is to be said about it (an image too coarse)."""
    order = beacon_order(site)
    paper = config.convention == "paper"
    if config.network == "dnn":
        scale = PAPER_VECTOR_SCALE if paper else ALIGNED_SCALE
        channels = ("level",) if paper else VECTOR_CHANNELS
        spec = FeatureSpec(order, "vector", config.convention, config.aggregation, scale, channels)
        return spec, ()
    geometry, notes = _geometry(config, site, floor_id)
    floor = site.floor(floor_id)
    spec = FeatureSpec(
        beacons=order,
        kind="image",
        convention=config.convention,
        aggregation=config.aggregation,
        scale=PAPER_IMAGE_SCALE if paper else ALIGNED_SCALE,
        channels=("level",) if paper else IMAGE_CHANNELS,
        image=geometry,
        places_m=beacon_places(site, floor_id),
        outline=floor.outline,
        blocked=floor.blocked,
    )
    return spec, notes


def _geometry(
    config: NetworkConfig, site: Site, floor_id: str
) -> tuple[ImageGeometry, tuple[str, ...]]:
    if config.convention == "paper" and site.cell_m is not None:
        # As published: pixel [x, y] is the cell with that number.
        half_a_cell = -site.cell_m / 2
        return ImageGeometry(PAPER_SIZE, site.cell_m, half_a_cell, half_a_cell), ()
    if config.image_size:
        return fit_geometry(site.bounds_m(floor_id), config.image_size), ()
    return choose_geometry(site, floor_id)
