"""Whether everybody can read and tap every screen of the survey app, and what they say."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import contrast
from tests.surveyor import SurveyApp, phone, picture, surveying_here

SCREENS = (
    "site", "area", "beacons", "points", "record", "walk", "unlabelled", "coverage", "more",
    "check", "sessions", "upkeep",
)  # fmt: skip

LAYOUT = """() => {
  const box = (one) => one.getBoundingClientRect();
  const shown = (one) => one.checkVisibility() && box(one).width > 1;
  const name = (one) => `${one.tagName} ${one.id} ${one.className} ${one.textContent.slice(0, 30)}`;
  const kinds = 'button, a, select, summary, input:not([type=file]), label.button';
  const hasText = (one) => [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  const all = [...document.querySelectorAll('body *:not(noscript)')].filter(shown);
  const inPanel = all.filter((one) => one.closest('#panel') && !one.closest('svg'));
  const spills = (one) => {
    const { display, overflowX } = getComputedStyle(one);
    if (box(one).right > innerWidth + 1) return true;
    if (display === 'inline' || overflowX !== 'visible' || one.clientWidth === 0) return false;
    return one.scrollWidth > one.clientWidth + 2;
  };
  const isSmall = (one) => box(one).width < 43.5 || box(one).height < 43.5;
  const fontPx = (one) => parseFloat(getComputedStyle(one).fontSize);
  return {
    small: [...document.querySelectorAll(kinds)].filter(shown).filter(isSmall).map(name),
    tiny: all.filter((one) => hasText(one) && fontPx(one) < 14).map(name),
    wide: inPanel.filter(spills).map(name),
    across: document.documentElement.scrollWidth - innerWidth,
    map: box(document.querySelector('#map')).height,
  };
}"""


@pytest.mark.parametrize(("width", "font_px"), [(360, 16), (390, 16), (360, 28)])
def test_every_screen_fits_a_phone_and_a_thumb(
    width: int, font_px: int, browser: Browser, surveyed: SurveyApp
) -> None:
    viewport = {"width": width, "height": 740}
    with phone(browser, surveyed, viewport=viewport) as one:
        one.page.evaluate("px => { document.documentElement.style.fontSize = `${px}px`; }", font_px)
        for screen in SCREENS:
            one.show(screen)
            one.wait("() => app.map.frame === null")
            found = one.page.evaluate(LAYOUT)
            assert found["across"] <= 0, screen
            assert (found["wide"], found["small"], found["tiny"]) == ([], [], []), screen
            assert found["map"] >= 150, screen
        assert one.watched.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_their_ground(
    scheme: str, browser: Browser, surveyed: SurveyApp
) -> None:
    """4.5 to 1 is what WCAG 2.2 asks of text (success criterion 1.4.3, level AA)."""
    pairs = {
        "--card": ("--ink", "--muted", "--good", "--bad", "--accent", "--beacon", "--warn"),
        "--ground": ("--ink", "--muted", "--good"),
        "--accent": ("--on-accent",),
        "--bad": ("--on-bad",),
        "--accent-soft": ("--ink",),
    }
    script = (
        "names => names.map(n => getComputedStyle(document.documentElement).getPropertyValue(n))"
    )
    with phone(browser, surveyed, color_scheme=scheme) as one:
        for ground, names in pairs.items():
            colour, *inks = one.page.evaluate(script, [ground, *names])
            for name, ink in zip(names, inks, strict=True):
                assert contrast(ink, colour) >= 4.5, (name, ground)


def test_nothing_moves_for_those_who_ask_for_it(browser: Browser, surveyed: SurveyApp) -> None:
    with phone(browser, surveyed, reduced_motion="reduce") as one:
        one.wait("() => document.querySelector('#source').dataset.state === 'running'")
        script = "() => getComputedStyle(document.querySelector('.lamp')).animationName"
        assert one.page.evaluate(script) == "none"


def test_the_token_does_not_stay_in_the_address(browser: Browser, surveyed: SurveyApp) -> None:
    with phone(browser, surveyed, "?token=aaaaaaaaaaaaaaaa#points") as one:
        assert one.page.evaluate("() => location.search + location.hash") == "#points"


def test_coverage_says_its_states_by_shape_and_word(
    browser: Browser, surveyed: SurveyApp, tmp_path: Path
) -> None:
    with phone(browser, surveyed, "#coverage") as one:
        one.wait("() => document.querySelector('#done')")
        total = len(one.state()["points"])
        assert one.watched.text("#done") == f"0 of {total}"
        words = one.watched.text(".legend")
        assert all(word in words for word in ("to do", "thin", "one visit", "agree", "contradict"))
        one.click("[data-view=cells]")
        assert "Nothing is recorded" in one.watched.text("#panel")
        picture(one, "coverage", tmp_path)


def test_a_source_that_ends_is_said_at_once(browser: Browser, tmp_path: Path) -> None:
    line = '{"beacon": "name:demo:b01", "rssi_dbm": -60, "time_ns": 1000000000}\n'
    recording = tmp_path / "air.jsonl"
    recording.write_text(line, encoding="utf-8")
    source = f"replay:{recording}?max_gap=0.01"
    with (
        surveying_here("demo", tmp_path / "x.survey", source=source) as app,
        phone(browser, app, "#points") as one,
    ):
        one.wait("() => document.querySelector('#banner-source')")
        assert "The source has ended" in one.watched.text("#banner-source")
        assert one.watched.text("#source-words") == "Radio ended"
