"""What is drawn and not saved yet outlives a reload, another screen and a refusal."""

from pathlib import Path

from playwright.sync_api import Browser

from tests.surveyor import SurveyApp, phone, picture, plan_png

TABLE = ((5, 3), (10, 3), (10, 8), (5, 8))


def test_an_outline_outlives_a_reload_and_another_screen(
    browser: Browser, blank: SurveyApp, tmp_path: Path
) -> None:
    with phone(browser, blank, "#area") as one:
        one.click("#new-blocked")
        for corner in TABLE[:2]:
            one.tap(*corner)
        one.page.reload()
        one.ready()
        assert "Draw a blocked area" in one.watched.text("#panel h2")
        one.tap(*TABLE[2])
        one.show("site")
        one.show("area")
        picture(one, "draft", tmp_path)
        one.tap(*TABLE[3])
        one.click("#area-close")
        one.wait("() => app.state.site.floors[0].blocked.length === 1")
        assert len(one.state()["site"]["floors"][0]["blocked"][0]) == 4
        one.page.reload()
        one.ready()
        assert one.page.locator("#new-blocked").count() == 1, "what is saved is no draft"
        one.click("#new-outline")
        one.tap(1, 1)
        one.click("#area-cancel")
        one.page.reload()
        one.ready()
        assert one.page.locator("#new-outline").count() == 1, "what is dropped is no draft"
        assert one.watched.errors == []


def test_what_is_refused_or_did_not_arrive_is_drawn_on(browser: Browser, blank: SurveyApp) -> None:
    with phone(browser, blank, "#area") as one:
        one.click("#new-blocked")
        for corner in ((5, 3), (10, 8), (10, 3), (5, 8)):
            one.tap(*corner)
        one.click("#area-close")
        one.wait("() => document.querySelector('.toast.bad')")
        one.click("#area-back")
        one.click("#area-back")
        one.tap(5, 8)
        one.page.context.set_offline(True)
        one.click("#area-close")
        one.wait("() => document.querySelector('.toast.bad')?.textContent.includes('not answer')")
        one.page.context.set_offline(False)
        one.wait("() => app.store.awaySince === null")
        one.click("#area-close")
        one.wait("() => app.state.site.floors[0].blocked.length === 1")
        assert len(one.state()["site"]["floors"][0]["blocked"][0]) == 3


def test_the_marks_of_a_scale_outlive_a_reload(
    browser: Browser, blank: SurveyApp, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.png"
    plan.write_bytes(plan_png())
    with phone(browser, blank) as one:
        one.page.set_input_files("#plan-file", plan)
        one.wait("() => app.name === 'scale'")
        for place in ((70, 700), (1030, 700), (70, 640), (70, 60)):
            one.tap(*place)
        one.page.fill("[name=length1]", "24")
        one.page.reload()
        one.ready()
        assert one.page.input_value("[name=length1]") == "24"
        one.page.fill("[name=length2]", "14.5")
        one.click("#scale-form button[type=submit]")
        one.wait("() => app.name === 'area'")
        assert one.state()["plans"]["0"]["m_per_px"] is not None
        assert one.page.evaluate("() => localStorage.length") == 0
