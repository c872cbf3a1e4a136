"""What the page says while the survey file cannot be written."""

from pathlib import Path

from playwright.sync_api import Browser

from tests.api.survey.test_events import limit_pages
from tests.surveyor import phone, picture, surveying_here


def test_a_full_disk_is_said_and_nothing_is_lost(browser: Browser, tmp_path: Path) -> None:
    with (
        surveying_here("demo", tmp_path / "x.survey") as app,
        phone(browser, app, "#unlabelled") as one,
    ):
        one.begin_session()
        one.click("#start")
        one.wait("() => app.status.recording?.adverts > 0")
        recorder = app.service.session.recorder
        assert recorder is not None
        limit_pages(recorder, 1)
        one.wait("() => document.querySelector('#banner-storage')")
        said = one.watched.text("#banner-storage")
        assert "cannot be written; what is heard is held meanwhile" in said
        assert "make room" in said
        picture(one, "storage-full", tmp_path)
        one.click("#finish")
        one.wait("() => document.querySelector('.toast.bad')")
        assert "make room" in one.watched.text(".toast.bad")
        assert one.page.evaluate("() => app.status.recording.lost") == 0
        limit_pages(recorder, None)
        one.wait("() => !document.querySelector('#banner-storage')")
        heard = one.page.evaluate("() => app.status.recording.adverts")
        one.click("#finish")
        one.wait("() => app.state.recordings.at(-1)?.status === 'complete'")
        assert one.state()["recordings"][0]["adverts"] >= heard
