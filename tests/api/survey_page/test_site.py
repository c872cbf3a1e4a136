"""Plan, scale, outline, beacons and points, on a phone in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.surveying.test_geojson import HALL, TABLE, collection, feature
from tests.surveyor import SurveyApp, Surveyor, phone, picture, plan_png

REFUSED = "Failed to load resource: the server responded with a status of 422"


def test_a_site_comes_from_a_plan(browser: Browser, blank: SurveyApp, tmp_path: Path) -> None:
    plan = tmp_path / "plan.png"
    plan.write_bytes(plan_png())
    with phone(browser, blank) as one:
        assert one.page.evaluate("() => app.name") == "site"
        one.page.set_input_files("#plan-file", plan)
        one.wait("() => app.name === 'scale'")
        for x, y in ((70, 700), (1030, 700), (70, 640), (70, 60)):
            one.tap(x, y)
        one.page.fill("[name=length1]", "24")
        one.page.fill("[name=length2]", "10")
        one.click("#scale-form button[type=submit]")
        one.wait("() => document.querySelector('#scale-refused')")
        assert "must agree within 10%" in one.watched.text("#scale-refused")
        picture(one, "scale-refused", tmp_path)
        one.drag((70, 640), (70, 700))
        one.page.fill("[name=length2]", "16")
        one.tap(70, 700)
        one.tap(1030, 700)
        picture(one, "scale", tmp_path)
        one.click("#scale-form button[type=submit]")
        one.wait("() => app.name === 'area'")
        saved = one.state()["plans"]["0"]
        assert saved["m_per_px"] == pytest.approx(1 / 40, rel=0.02)
        assert saved["origin_px"] == pytest.approx([70, 700], abs=3)
        assert saved["rotation_deg"] == pytest.approx(0, abs=0.5)
        assert [text for text in one.watched.errors if REFUSED not in text] == []


def test_a_geojson_brings_outline_walls_and_beacons(
    browser: Browser, blank: SurveyApp, tmp_path: Path
) -> None:
    data = collection(
        feature("outline", "Polygon", [HALL]),
        feature("blocked", "Polygon", [TABLE]),
        feature("wall", "LineString", [[0, 5], [3, 5]]),
        feature("beacon", "Point", [1, 2], id="name:hall:b1"),
    )
    with phone(browser, blank) as one:
        give_plan(one, "hall.geojson", data)
        one.wait("() => app.state.site.beacons.length === 1")
        assert one.page.evaluate("() => app.name") == "site", "its scale is in it"
        assert one.page.locator("#to-scale").count() == 0
        assert "GeoJSON" in one.watched.text(".steps li >> nth=0")
        assert "20.0 × 10.0 m, 1 blocked area" in one.watched.text(".steps")
        assert "1 beacon on this floor" in one.watched.text(".steps")
        picture(one, "geojson", tmp_path)
        give_plan(one, "notes.json", b'{"rooms": []}')
        one.wait("() => document.querySelector('.toast.bad')")
        assert "nothing says in a member 'type' what it is" in one.watched.text(".toast.bad")
        one.click("#undo")
        one.wait("() => app.state.site.beacons.length === 0")
        assert one.state()["plans"] == {}


def give_plan(one: Surveyor, name: str, data: bytes) -> None:
    file = {"name": name, "mimeType": "application/geo+json", "buffer": data}
    one.page.set_input_files("#plan-file", file)  # type: ignore[arg-type]


def test_a_second_floor_has_an_outline_and_points_of_its_own(
    browser: Browser, blank: SurveyApp, tmp_path: Path
) -> None:
    with phone(browser, blank) as one:
        one.click("#add-floor")
        one.page.fill("#floor-form [name=name]", "Attic")
        one.page.fill("#floor-form [name=width_m]", "0")
        one.click("#floor-form button[type=submit]")
        one.wait("() => document.querySelector('dialog .refused')")
        assert "above 0 m" in one.watched.text("dialog .refused")
        one.page.fill("#floor-form [name=width_m]", "10")
        one.page.fill("#floor-form [name=depth_m]", "6")
        one.click("#floor-form button[type=submit]")
        one.wait("() => app.floor.id === '1' && app.name === 'site'")
        assert one.page.input_value("#floor") == "1"
        assert "10.0 × 6.0 m" in one.watched.text(".steps")
        one.click("[data-tab=points]")
        one.wait("() => app.name === 'points'")
        one.tap(5, 3)
        one.wait("() => app.state.points.length === 1")
        assert one.state()["points"][0]["floor"] == "1"
        one.page.reload()
        one.ready()
        assert one.page.input_value("#floor") == "1"
        picture(one, "second-floor", tmp_path)
        assert one.watched.text("#panel h2") == "1 point on this floor"
        one.page.select_option("#floor", "0")
        one.wait("() => app.floor.id === '0'")
        assert one.watched.text("#panel h2") == "No points yet"
        one.show("record")
        one.begin_session()
        one.click("text=Next: Attic")
        one.wait("() => document.querySelector('#target')?.textContent === 'Next: Point 1'")
        assert one.page.input_value("#floor") == "1"
        assert one.watched.errors == []


def test_outline_and_blocked_areas_are_drawn(
    browser: Browser, blank: SurveyApp, tmp_path: Path
) -> None:
    with phone(browser, blank, "#area") as one:
        one.drag((20, 12), (18, 11))
        one.wait("() => app.state.site.floors[0].outline.some(([x]) => Math.abs(x - 18) < 0.4)")
        one.click("#new-blocked")
        for x, y in ((5, 3), (10, 3), (10, 8), (5, 8)):
            one.tap(x, y)
        picture(one, "outline", tmp_path)
        one.click("#area-close")
        one.wait("() => app.state.site.floors[0].blocked.length === 1")
        assert one.state()["site"]["floors"][0]["blocked"][0][2] == pytest.approx([10, 8], abs=0.1)
        one.click("#undo")
        one.wait("() => app.state.site.floors[0].blocked.length === 0")
        one.click("#undo")
        one.wait("() => app.state.site.floors[0].outline.some(([x]) => x === 20)")
        assert one.watched.errors == []


def test_an_outline_that_crosses_itself_is_refused_and_drawn_as_it_was(
    browser: Browser, blank: SurveyApp
) -> None:
    with phone(browser, blank, "#area") as one:
        one.drag((20, 12), (-4, 6))
        one.wait("() => document.querySelector('.toast.bad')")
        assert len(one.state()["site"]["floors"][0]["outline"]) == 4
        assert [20.0, 12.0] in one.page.evaluate(
            "() => app.screen.corners?.() ?? app.floor.outline"
        )


def test_a_beacon_is_placed_by_tapping_and_chosen_from_the_loudest(
    browser: Browser, blank: SurveyApp, tmp_path: Path
) -> None:
    with phone(browser, blank, "#beacons") as one:
        one.wait("() => app.status.heard.length >= 5")
        one.tap(4, 6)
        one.wait("() => document.querySelector('dialog[open] .list-button')")
        picture(one, "beacon-choice", tmp_path)
        levels = one.page.eval_on_selector_all(
            "dialog .list-button span", "all => all.map(one => parseInt(one.textContent.slice(1)))"
        )
        assert levels == sorted(levels)
        chosen = one.page.get_attribute("dialog .list-button >> nth=0", "data-value")
        one.click("dialog .list-button >> nth=0")
        one.wait("() => app.state.site.beacons.length === 1")
        placed = one.state()["site"]["beacons"][0]
        assert (placed["id"], placed["floor"]) == (chosen, "0")
        assert [placed["x_m"], placed["y_m"]] == pytest.approx([4, 6], abs=0.1)
        one.tap(8, 8)
        one.page.fill("dialog [name=typed]", "no such id")
        one.click("dialog button[type=submit]")
        one.wait("() => document.querySelector('dialog .refused')")
        assert "no such id" in one.watched.text("dialog .refused")


def test_points_come_from_a_grid_a_tap_and_a_csv(
    browser: Browser, office: SurveyApp, tmp_path: Path
) -> None:
    with phone(browser, office, "#points") as one:
        one.page.fill("[name=step_m]", "4")
        one.click("#grid-form button")
        one.wait("() => app.state.points.length > 10")
        many = len(one.state()["points"])
        one.tap(12.0, 5.0)
        one.wait("many => app.state.points.length === many + 1", many)
        picture(one, "points", tmp_path)
        one.tap(12.0, 5.0)
        one.click("#point-remove")
        one.wait("many => app.state.points.length === many", many)
        good = b"x_m,y_m,floor,name\n3.0,3.0,0,<b>door</b>\n"
        give_csv(one, good)
        one.wait("many => app.state.points.length === many + 1", many)
        give_csv(one, b"x_m,y_m,floor,name\n3.0,30.0,0,door\n")
        one.wait("() => document.querySelector('.toast.bad')")
        assert "line 2: a point must lie inside" in one.watched.text(".toast.bad")
        assert len(one.state()["points"]) == many + 1
        assert one.page.locator("#map b, #panel b").count() == 0


def give_csv(one: Surveyor, data: bytes) -> None:
    file = {"name": "points.csv", "mimeType": "text/csv", "buffer": data}
    one.page.set_input_files("#points-csv", file)  # type: ignore[arg-type]


def test_a_finger_pans_and_two_zoom(browser: Browser, office: SurveyApp) -> None:
    with phone(browser, office, "#coverage") as one:
        before = one.page.evaluate("() => ({...app.map.view})")
        one.drag((12, 8), (6, 8))
        panned = one.page.evaluate("() => ({...app.map.view})")
        assert panned["x"] - before["x"] == pytest.approx(6, abs=1.5)
        assert panned["scale"] == before["scale"]
        one.fingers("touchStart", (150, 250))
        one.fingers("touchStart", (150, 250), (200, 250))
        one.fingers("touchMove", (125, 250), (225, 250))
        one.fingers("touchEnd")
        zoomed = one.page.evaluate("() => ({...app.map.view})")
        assert zoomed["scale"] == pytest.approx(2 * before["scale"], rel=0.1)
        assert len(one.state()["points"]) == 0
