"""Stands, walks, sessions and beacons that change, on a phone in a real browser."""

from pathlib import Path

from playwright.sync_api import Browser

from tests.surveyor import SurveyApp, Surveyor, phone, picture, surveying_here

STEADY = "simulate:demo?speed=5&rician_k_db=12"
"""With a direct path to every beacon, so that chance alone makes no level vary."""


def record(one: Surveyor, app: SurveyApp) -> None:
    """Begin a session, and a recording at the suggested point."""
    one.begin_session()
    one.click("#start")
    one.wait("() => app.status.recording?.kind === 'point'")
    assert app.get()["recordings"][-1]["status"] == "open"


def give_points(app: SurveyApp, *places: tuple[float, float]) -> None:
    for x_m, y_m in places:
        app.post("/points", {"floor": "0", "x_m": x_m, "y_m": y_m})


def test_a_stand_is_suggested_judged_and_kept(browser: Browser, tmp_path: Path) -> None:
    # Slower than elsewhere: what is found in the first 10 s must be there long enough to be read.
    with (
        surveying_here("demo", tmp_path / "x.survey", source=STEADY) as app,
        phone(browser, app, "#record") as one,
    ):
        give_points(app, (3, 3), (6, 3))
        picture(one, "begin", tmp_path)
        one.begin_session()
        one.wait("() => document.querySelector('#target')?.textContent === 'Next: Point 1'")
        picture(one, "next", tmp_path)
        one.click("#start")
        one.wait("() => document.querySelector('#verdict .findings')")
        assert "15 s are the least" in one.watched.text("#verdict")
        assert one.watched.text("#finish") == "Finish anyway"
        one.wait("() => app.status.recording?.elapsed_s > 15")
        one.wait("() => document.querySelector('#verdict .good')")
        assert one.watched.text("#finish") == "Finish"
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
        for place in ((6, 7), (12, 7.5), (18, 7)):
            one.walk_to(*place)
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
