from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localizer.beacons import BeaconId
from localizer.errors import SiteError
from localizer.site import Beacon, Floor, Position, Site, load_site, site_from_toml, site_to_toml
from localizer.sites import BUILT_IN, built_in_site

SQUARE = ((0.0, 0.0), (10.0, 0.0), (10.0, 8.0), (0.0, 8.0))
SITE = Site(
    id="t",
    name="Test",
    floors=(Floor("0", "Ground", SQUARE, (SQUARE,), (((0.0, 1.0), (2.0, 1.0)),)),),
    beacons=(
        Beacon(BeaconId("name:t:a"), Position(1.0, 2.0)),
        Beacon(BeaconId("name:t:b"), None),
    ),
    source="a test",
)

coordinates = st.floats(allow_nan=False, allow_infinity=False)


@given(coordinates, coordinates, st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_toml_keeps_every_value(x: float, y: float, name: str) -> None:
    beacon = Beacon(BeaconId("name:t:a"), Position(x, y))
    site = replace(SITE, name=name, beacons=(beacon,), cell_m=3.048)
    assert site_from_toml(site_to_toml(site)) == site


def test_a_beacon_without_a_place_and_walls_survive_toml() -> None:
    assert site_from_toml(site_to_toml(SITE)) == SITE


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_sites_load_with_their_beacons_inside_the_outline(name: str) -> None:
    site = built_in_site(name)
    x_min, y_min, x_max, y_max = site.bounds_m(site.floors[0].id)
    corners = site.floors[0].outline
    assert (x_min, y_min) == (min(c[0] for c in corners), min(c[1] for c in corners))
    assert (x_max, y_max) == (max(c[0] for c in corners), max(c[1] for c in corners))


def test_the_uci_site_has_the_published_beacons_in_cells() -> None:
    site = built_in_site("uci")
    cells = {
        beacon.id: (round(beacon.position.x_m / 3.048, 6), round(beacon.position.y_m / 3.048, 6))
        for beacon in site.beacons
        if beacon.position
    }
    assert len(cells) == 13
    assert cells[BeaconId("name:uci:b3001")] == (5, 9)
    assert cells[BeaconId("name:uci:b3013")] == (22, 3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("schema_version = 1", "schema_version = 99"), "schema_version must be 1, but got 99"),
        (('name = "Test"', 'name = "Test"\ncolour = "red"'), "colour"),
        (("x_m = 1.0", "x_m = nan"), "x_m"),
        (("x_m = 1.0, ", ""), "all of x_m, y_m and floor"),
        (('id = "name:t:b"', 'id = "name:t:a"'), "stand twice"),
        (('floor = "0"', 'floor = "7"'), "'7'"),
        (("schema_version = 1", "schema_version = "), "must be TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_the_field(change: tuple[str, str], words: str) -> None:
    text = site_to_toml(SITE)
    assert change[0] in text
    with pytest.raises(SiteError, match=words):
        site_from_toml(text.replace(*change), origin="t.toml")


def test_a_missing_file_names_its_path(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"nowhere\.toml"):
        load_site(tmp_path / "nowhere.toml")
