"""The check walk on a phone: stand at known places, read the errors."""

from pathlib import Path

from playwright.sync_api import Browser

from tests.edge_bundle import demo_bundle
from tests.surveyor import phone, picture, surveying_here


def test_a_check_walk_reports_its_errors(browser: Browser, tmp_path: Path) -> None:
    with (
        surveying_here("demo", tmp_path / "x.survey", bundle=demo_bundle()) as app,
        phone(browser, app, "#check") as one,
    ):
        one.click("#check-begin")
        one.wait("() => app.screen && app.more !== null")
        for fixes, place in ((10, (5, 7)), (12, (17, 7))):
            one.tap(*place)
            one.click("#check-stand")
            one.wait(
                "n => Number(document.querySelector('[data-figure=n]')?.textContent) >= n", fixes
            )
        figures = one.page.eval_on_selector_all(
            "[data-figure]", "all => all.map((one) => [one.dataset.figure, one.textContent])"
        )
        assert [name for name, _ in figures] == ["n", "mean", "median", "p75", "p95"]
        # The places are 12 m apart: the simulated receiver stood where the surveyor said.
        assert 0 < float(dict(figures)["mean"].removesuffix(" m")) < 4
        one.page.reload()
        one.ready()
        one.wait("() => document.querySelector('[data-figure=n]')")
        one.wait("() => document.querySelectorAll('.check-truth').length === 2")
        picture(one, "check", tmp_path)
        assert one.watched.errors == []


def test_without_a_bundle_it_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    with surveying_here("demo", tmp_path / "x.survey") as app, phone(browser, app, "#check") as one:
        assert "python -m training fit" in one.watched.text("#panel")
