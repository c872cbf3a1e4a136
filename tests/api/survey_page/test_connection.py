"""What the page says while the service is away, and what went on meanwhile."""

from pathlib import Path

from playwright.sync_api import Browser

from tests.surveyor import phone, picture, surveying


def test_a_killed_service_is_said_and_its_recording_gone_on_with(
    browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "office.survey"
    with surveying("demo", file) as first, phone(browser, first, "#record") as one:
        first.post("/points", {"floor": "0", "x_m": 3, "y_m": 3})
        one.begin_session()
        one.click("#start")
        one.wait("() => app.status.recording?.committed > 20")
        first.kill()
        one.wait("() => document.querySelector('#banner-away')")
        assert "Trying again every second" in one.watched.text("#banner-away")
        assert one.watched.text("#source-words") == "No connection"
        one.click("#finish")
        one.wait("() => document.querySelector('.toast.bad')")
        assert "nothing was changed" in one.watched.text(".toast.bad")
        picture(one, "away", tmp_path)
        with surveying("demo", file, port=first.port):
            one.wait("() => document.querySelector('#banner-news')")
            assert "recording cut off" in one.watched.text("#banner-news")
            assert one.watched.text(".cut-off h3") == "1 recording cut off"
            picture(one, "back", tmp_path)
            one.click("#banner-news button")
            one.click(".cut-off >> text=Go on")
            one.wait("() => app.status.recording?.kind === 'point'")
            one.click("#finish")
            one.wait("() => app.status.recording === null")
            kept, rest = one.state()["recordings"]
            assert (kept["status"], rest["status"]) == ("complete", "complete")
            assert rest["resumes"] == kept["id"]
            assert kept["adverts"] > 20


def test_a_phone_that_slept_says_that_the_recording_went_on(
    browser: Browser, tmp_path: Path
) -> None:
    with surveying("demo", tmp_path / "x.survey") as app, phone(browser, app) as one:
        one.show("unlabelled")
        one.begin_session()
        one.click("#start")
        one.wait("() => app.status.recording?.adverts > 0")
        one.page.context.set_offline(True)
        one.page.evaluate("() => app.store.events.close()")  # what is open outlives the emulation
        one.wait("() => document.querySelector('#banner-away')")
        assert "The recording goes on there" in one.watched.text("#banner-away")
        one.page.context.set_offline(False)
        one.wait("() => document.querySelector('#banner-news')")
        assert "The recording went on" in one.watched.text("#banner-news")
