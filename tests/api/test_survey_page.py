"""The survey app's page in a real browser, as a phone shows it.

LOCALIZER_SCREENSHOTS keeps the pictures in a folder.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium
from tests.surveyor import SurveyApp, Surveyor, phone, plan_png, surveying_here

REFUSED = "Failed to load resource: the server responded with a status of 422"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def office(tmp_path: Path) -> Iterator[SurveyApp]:
    """The demo site, with its beacons placed."""
    with surveying_here("demo", tmp_path / "office.survey") as app:
        yield app


@pytest.fixture
def blank(tmp_path: Path) -> Iterator[SurveyApp]:
    """A new site of which nothing is known; the demo's beacons are in the air."""
    with surveying_here("warehouse", tmp_path / "blank.survey") as app:
        yield app


def picture(surveyor: Surveyor, name: str, folder: Path) -> None:
    kept = Path(os.environ.get("LOCALIZER_SCREENSHOTS", folder))
    surveyor.page.screenshot(path=kept / f"{name}.png")


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


def record(one: Surveyor, app: SurveyApp) -> None:
    """Begin a session, and a recording at the suggested point."""
    one.begin_session()
    one.click("#start")
    one.wait("() => app.status.recording?.kind === 'point'")
    assert app.get()["recordings"][-1]["status"] == "open"


def give_points(app: SurveyApp, *places: tuple[float, float]) -> None:
    for x_m, y_m in places:
        app.post("/points", {"floor": "0", "x_m": x_m, "y_m": y_m})


def test_a_stand_is_suggested_judged_and_kept(
    browser: Browser, office: SurveyApp, tmp_path: Path
) -> None:
    give_points(office, (3, 3), (6, 3))
    with phone(browser, office, "#record") as one:
        picture(one, "begin", tmp_path)
        one.begin_session()
        one.wait("() => document.querySelector('#target')?.textContent === 'Next: Point 1'")
        picture(one, "next", tmp_path)
        one.click("#start")
        one.wait("() => document.querySelector('#verdict .findings')")
        assert "10 s are the least" in one.watched.text("#verdict")
        assert one.watched.text("#finish") == "Finish anyway"
        one.wait("() => app.status.recording?.elapsed_s > 15")
        picture(one, "recording", tmp_path)
        one.click("#finish")
        one.wait("() => document.querySelector('#target')?.textContent === 'Next: Point 2'")
        assert "3.0 m to walk" in one.watched.text(".target")
        kept = one.state()["recordings"][0]
        assert (kept["status"], kept["point"]) == ("complete", "0-001")
        assert kept["scans"] >= 5
        one.click("#start")
        one.click("#discard")
        one.wait("() => app.state.recordings.at(-1)?.status === 'discarded'")
        one.wait("() => document.querySelector('[data-point=\"0-001\"]').dataset.state !== 'todo'")
        assert one.watched.errors == []


def test_four_headings_are_recorded_one_by_one(browser: Browser, office: SurveyApp) -> None:
    give_points(office, (3, 3))
    with phone(browser, office, "#record") as one:
        one.begin_session()
        one.click("details.more-row summary")
        one.click("[data-heading='90']")
        one.click("#start")
        one.wait("() => app.status.recording?.heading_deg === 90")
        one.click("#finish")
        one.wait("() => app.state.recordings.at(-1).status === 'complete'")
        one.wait("() => document.querySelector(\"[data-heading='90']\")?.textContent.includes('✓')")


def test_a_reload_and_a_second_phone_show_the_same(browser: Browser, office: SurveyApp) -> None:
    give_points(office, (3, 3))
    with phone(browser, office, "#record") as one:
        record(one, office)
        words = one.watched.text("h2.standing")
        one.page.reload()
        one.ready()
        one.wait("() => document.querySelector('#finish')")
        assert one.watched.text("h2.standing") == words
        with phone(browser, office) as other:
            assert other.page.evaluate("() => app.name") == "record"
            assert other.watched.text("h2.standing") == words
            other.show("coverage")
            assert "Recording at point goes on" in other.watched.text("#banner-recording")
            other.show("record")
            other.click("#finish")
            one.wait("() => app.status.recording === null && document.querySelector('#target')")


def test_a_walk_is_tapped_and_the_last_tap_taken_back(
    browser: Browser, office: SurveyApp, tmp_path: Path
) -> None:
    with phone(browser, office, "#walk") as one:
        one.begin_session()
        one.tap(2, 7)
        one.click("#start")
        one.wait("() => app.status.recording?.kind === 'walk'")
        for number, place in enumerate(((6, 7), (12, 7.5), (18, 7)), 2):
            seconds = 5 * (number - 1)
            one.wait("s => app.status.recording?.elapsed_s > s", seconds)
            one.tap(*place)
            one.wait("n => app.status.recording?.waypoints.length === n", number)
        picture(one, "walk", tmp_path)
        one.click("#undo-tap")
        one.wait("() => app.status.recording?.waypoints.length === 3")
        assert one.watched.text("#taps") == "3 waypoints"
        one.click("#finish")
        one.wait("() => app.state.recordings.at(-1)?.status === 'complete'")
        assert one.state()["recordings"][0]["scans"] >= 2
        assert one.watched.errors == []


def test_one_button_records_without_positions(
    browser: Browser, office: SurveyApp, tmp_path: Path
) -> None:
    with phone(browser, office, "#unlabelled") as one:
        one.begin_session()
        one.click("#start")
        one.wait("() => app.status.recording?.elapsed_s > 7")
        picture(one, "unlabelled", tmp_path)
        one.click("#finish")
        one.wait("() => app.state.recordings.at(-1)?.status === 'complete'")
        kept = one.state()["recordings"][0]
        assert (kept["kind"], kept["point"]) == ("unlabelled", None)


def test_sessions_are_described_ended_and_deleted(
    browser: Browser, office: SurveyApp, tmp_path: Path
) -> None:
    with phone(browser, office, "#sessions") as one:
        one.begin_session("Pi <b>4</b>")
        one.click(".card.current >> text=Describe")
        one.page.fill("#describe-form [name=person]", "Ada")
        one.page.fill("#describe-form [name=expires_on]", "2099-01-31")
        one.click("#describe-form button[type=submit]")
        one.wait("() => app.state.sessions[0].person === 'Ada'")
        picture(one, "sessions", tmp_path)
        assert one.state()["sessions"][0]["expires_on"] == "2099-01-31"
        assert one.page.locator(".card b").count() == 0
        one.click(".card.current >> text=End")
        one.wait("() => app.state.session === null")
        one.click(".card >> text=Delete")
        one.click("#yes")
        one.wait("() => app.state.sessions.length === 0")


def test_a_beacon_is_replaced_and_another_moved(browser: Browser, office: SurveyApp) -> None:
    with phone(browser, office, "#upkeep") as one:
        one.click("[data-value='name:demo:b05']")
        one.click("#replace")
        one.page.fill("dialog [name=typed]", "name:demo:new")
        one.click("dialog button[type=submit]")
        one.wait("() => app.state.site.beacons.some((one) => one.id === 'name:demo:new')")
        one.show("upkeep")
        one.click("[data-value='name:demo:b06']")
        one.click("#move")
        one.tap(14, 7)
        one.click("#yes")
        one.wait("() => app.state.site.beacons.some((one) => Math.abs(one.x_m - 14) < 0.2)")
        ids = [beacon["id"] for beacon in one.state()["site"]["beacons"]]
        assert "name:demo:b05" not in ids
