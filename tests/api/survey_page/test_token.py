"""A phone on the network: with the token that the app printed, and without."""

from pathlib import Path

from playwright.sync_api import Browser

from tests.browser import opened
from tests.surveyor import TOUCH, phone, picture, surveying_here

TOKEN = "a-long-secret-of-the-hall"


def test_the_token_is_needed_once_and_asked_for_in_words(browser: Browser, tmp_path: Path) -> None:
    with surveying_here("demo", tmp_path / "x.survey", token=TOKEN) as app:
        for path in ("/survey", "/", "/survey?token=somebody-elses-guess"):
            with opened(browser, f"{app.url}{path}", **TOUCH) as stranger:
                assert stranger.text("h1") == "Unauthorized"
                assert "open the address that `localizer survey` printed" in stranger.text("p")
        with phone(browser, app, f"?token={TOKEN}#points") as one:
            assert TOKEN not in one.page.url, "somebody would read it off the screen"
            assert one.page.url.endswith("/survey#points")
            one.page.reload()
            one.ready()
            one.click("#grid-form button")
            one.wait("() => app.state.points.length > 0")
            one.page.context.clear_cookies()
            one.page.evaluate("() => app.store.connect()")
            one.wait("() => document.querySelector('#banner-away')?.textContent.includes('token')")
            picture(one, "no-token", tmp_path)
