"""The specification of the aligned image, point by point."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from localizer.beacons import BeaconId
from localizer.errors import FeatureError
from localizer.features import (
    ALIGNED_SCALE,
    IMAGE_CHANNELS,
    PAPER_IMAGE_SCALE,
    FeatureSpec,
    features,
)
from localizer.floor_image import (
    MARGIN_PIXELS,
    ImageGeometry,
    choose_geometry,
    fit_geometry,
    rasterise,
    splat_bilinear,
)
from localizer.site import Beacon, Floor, Polygon, Position, Site
from localizer.sites import built_in_site

Places = list[tuple[float, float]]


def rectangle(width: float, height: float) -> Polygon:
    return ((0.0, 0.0), (width, 0.0), (width, height), (0.0, height))


def site_of(places: Places, outline: Polygon) -> Site:
    beacons = tuple(
        Beacon(BeaconId(f"name:t:{i}"), Position(x, y)) for i, (x, y) in enumerate(places)
    )
    return Site("t", "Test", (Floor("0", "Ground", outline),), beacons, "a test")


def spec_of(site: Site, size: int = 25) -> FeatureSpec:
    places = tuple((b.position.x_m, b.position.y_m) if b.position else None for b in site.beacons)
    return FeatureSpec(
        beacons=tuple(b.id for b in site.beacons),
        kind="image",
        convention="aligned",
        aggregation="mean",
        scale=ALIGNED_SCALE,
        channels=IMAGE_CHANNELS,
        image=fit_geometry(site.bounds_m("0"), size),
        places_m=places,
        outline=site.floors[0].outline,
    )


def image_of(spec: FeatureSpec, rssi: list[float]) -> NDArray[np.float32]:
    row = np.asarray([rssi], np.float32)
    image: NDArray[np.float32] = features(row, ~np.isnan(row), spec)["image"][0]
    return image


def test_a_beacon_in_each_corner_lights_the_pixels_at_the_margin() -> None:
    corners = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]
    spec = spec_of(site_of(corners, rectangle(10, 10)))
    for beacon, (x, y) in enumerate(corners):
        rssi = [np.nan] * 4
        rssi[beacon] = -40.0
        heard = image_of(spec, rssi)[..., 1]
        rows, columns = np.nonzero(heard)
        expected = {0.0: {MARGIN_PIXELS - 1, MARGIN_PIXELS}, 10.0: {22, 23}}
        assert set(rows.tolist()) == expected[y]
        assert set(columns.tolist()) == expected[x]
        assert heard.sum() == pytest.approx(1.0)


def test_rows_grow_with_y_and_centres_are_where_the_specification_says() -> None:
    geometry = ImageGeometry(25, 0.5, -1.0, 2.0)
    centres = geometry.centres_m()
    assert centres[0, 0].tolist() == [-0.75, 2.25]
    assert centres[3, 7].tolist() == [-1.0 + 7.5 * 0.5, 2.0 + 3.5 * 0.5]


def test_a_mirrored_site_gives_the_mirrored_image() -> None:
    places = [(1.0, 2.0), (7.5, 3.3), (9.0, 7.7)]
    rssi = [-50.0, -70.0, np.nan]
    plain = image_of(spec_of(site_of(places, rectangle(10, 8))), rssi)
    mirrored_places = [(10.0 - x, y) for x, y in places]
    mirrored = image_of(spec_of(site_of(mirrored_places, rectangle(10, 8))), rssi)
    np.testing.assert_allclose(mirrored, plain[:, ::-1], atol=1e-5)


def test_a_site_turned_by_90_degrees_turns_the_image_and_the_answer() -> None:
    places = [(1.0, 2.0), (7.5, 3.3), (9.0, 7.7)]
    rssi = [-50.0, -70.0, -65.0]
    spec = spec_of(site_of(places, rectangle(10, 8)))
    turned_outline: Polygon = tuple((-y, x) for x, y in rectangle(10, 8))
    turned_spec = spec_of(site_of([(-y, x) for x, y in places], turned_outline))
    plain, turned = image_of(spec, rssi), image_of(turned_spec, rssi)
    # Rows grow upwards: counter-clockwise on the floor is clockwise in numpy's drawing order.
    np.testing.assert_allclose(turned, np.rot90(plain, -1), atol=1e-5)
    x, y = centre_of_level(plain, spec)
    assert centre_of_level(turned, turned_spec) == pytest.approx((-y, x), abs=1e-4)


def centre_of_level(image: NDArray[np.float32], spec: FeatureSpec) -> tuple[float, float]:
    assert spec.image is not None
    weight = image[..., 0] * image[..., 1]
    x, y = np.average(spec.image.centres_m().reshape(-1, 2), axis=0, weights=weight.ravel())
    return float(x), float(y)


def test_a_corridor_of_ten_to_one_is_centred_and_padded_with_square_pixels() -> None:
    geometry = fit_geometry((0.0, 0.0, 50.0, 5.0), 25)
    assert geometry.cell_m == pytest.approx(50.0 / 21)
    walkable = rasterise(rectangle(50, 5), (), geometry).reshape(25, 25)
    rows = np.flatnonzero(walkable.any(axis=1))
    assert rows.mean() == pytest.approx(12)
    assert walkable[:, :MARGIN_PIXELS].sum() == 0
    assert walkable[12].sum() == 21


def test_forty_beacons_in_one_pixel_keep_their_mean_level_and_their_number() -> None:
    geometry = fit_geometry((0.0, 0.0, 21.0, 21.0), 25)
    centre = tuple(geometry.centres_m()[10, 10].tolist())
    site = site_of([centre] * 40, rectangle(21, 21))
    rssi = [-72.5] * 20 + [np.nan] * 20
    pixel = image_of(spec_of(site), rssi)[10, 10]
    assert pixel[0] == pytest.approx((105 - 72.5) / 65)
    assert pixel[1] == pytest.approx(20)
    assert pixel[2] == pytest.approx(40)
    assert pixel[3] == 1


def test_silence_is_0_in_level_and_heard_and_present_in_installed() -> None:
    spec = spec_of(site_of([(2.0, 2.0), (8.0, 8.0)], rectangle(10, 10)))
    image = image_of(spec, [np.nan, np.nan])
    assert not image[..., :2].any()
    assert image[..., 2].sum() == pytest.approx(2)


def test_louder_is_larger() -> None:
    spec = spec_of(site_of([(5.0, 5.0)], rectangle(10, 10)))
    loud, quiet = image_of(spec, [-50.0]), image_of(spec, [-90.0])
    assert loud[..., 0].max() > quiet[..., 0].max() > 0


def test_a_beacon_without_a_place_stays_out_of_the_image_and_enters_by_a_vector() -> None:
    spec = spec_of(site_of([(2.0, 2.0), (8.0, 8.0)], rectangle(10, 10)))
    spec = replace(spec, places_m=(spec.places_m[0], None))
    row = np.asarray([[np.nan, -72.5]], np.float32)
    inputs = features(row, ~np.isnan(row), spec)
    assert not inputs["image"][..., :2].any()
    assert inputs["vector"].tolist() == [[0.5, 1.0]]
    assert spec.shapes() == {"image": (25, 25, 4), "vector": (2,)}


def test_blocked_areas_cannot_be_walked() -> None:
    geometry = fit_geometry((0.0, 0.0, 21.0, 21.0), 25)
    blocked: Polygon = ((5.0, 5.0), (16.0, 5.0), (16.0, 16.0), (5.0, 16.0))
    walkable = rasterise(rectangle(21, 21), (blocked,), geometry).reshape(25, 25)
    assert walkable[12, 12] == 0
    assert walkable.sum() == 21 * 21 - 11 * 11


def test_a_coarse_image_is_raised_and_said() -> None:
    large = site_of([(1.0, 1.0), (50.0, 40.0)], rectangle(50, 40))
    geometry, notes = choose_geometry(large, "0")
    assert geometry.size == 33
    assert len(notes) == 1
    assert "25 x 25" in notes[0]


def test_a_fine_image_is_left_at_25() -> None:
    geometry, notes = choose_geometry(built_in_site("demo"), "0")
    assert (geometry.size, notes) == (25, ())


def test_crowded_pixels_raise_the_image_as_well() -> None:
    close = [(5.0 + 0.3 * i, 5.0) for i in range(4)] + [(20.0, 20.0)]
    geometry, notes = choose_geometry(site_of(close, rectangle(21, 21)), "0")
    assert geometry.size > 25
    assert "shared" in notes[0]


def test_the_paper_sets_x_first_and_silence_brightest() -> None:
    site = site_of([(3.0, 7.0), (9.0, 1.0)], rectangle(20, 20))
    spec = replace(
        spec_of(site),
        convention="paper",
        scale=PAPER_IMAGE_SCALE,
        channels=("level",),
        image=ImageGeometry(25, 1.0, -0.5, -0.5),
    )
    image = image_of(spec, [-60.0, np.nan])[..., 0]
    assert image[3, 7] == pytest.approx(60 / 200)
    assert image[9, 1] == 1.0
    assert np.count_nonzero(image) == 2


def test_a_beacon_outside_the_image_and_a_floor_without_extent_are_refused() -> None:
    with pytest.raises(FeatureError, match="inside the floor image"):
        splat_bilinear([(99.0, 0.0)], ImageGeometry(25, 1.0, 0.0, 0.0))
    with pytest.raises(FeatureError, match="extent"):
        fit_geometry((1.0, 1.0, 1.0, 1.0), 25)
