"""The live map in a real browser. LOCALIZER_SCREENSHOTS keeps the pictures in a folder."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from localizer.sites import built_in_site
from tests.browser import DESKTOP, PHONE, Watched, chromium, contrast, opened
from tests.edge_bundle import spread_bundle, write_bundle
from tests.edge_service import Service, serving

QUICK = ("--step", "0.5", "--window", "1.5")
DOT = "() => document.querySelector('#dot')?.dataset.x"
MOVED = "before => Math.abs(document.querySelector('#dot').dataset.x - before) > 0.3"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with serving(*QUICK) as started:
        yield started


def picture(watched: Watched, name: str, folder: Path, *, whole: bool = False) -> None:
    kept = Path(os.environ.get("LOCALIZER_SCREENSHOTS", folder))
    path = kept / f"{name}.png"
    watched.page.screenshot(path=path, full_page=whole)
    assert path.stat().st_size > 20_000


def recording(path: Path, heard_s: list[float]) -> str:
    lines = [
        json.dumps({"beacon": f"name:demo:b{b:02d}", "rssi_dbm": -60 - b, "time_ns": int(t * 1e9)})
        for t in heard_s
        for b in (1, 2, 5)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return f"replay:{path}?speed=4&max_gap=1000"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("phone", {"viewport": PHONE, "device_scale_factor": 2, "has_touch": True}),
        ("desktop", {"viewport": DESKTOP}),
        ("phone-dark", {"viewport": PHONE, "color_scheme": "dark"}),
        ("desktop-dark", {"viewport": DESKTOP, "color_scheme": "dark"}),
    ],
)
def test_the_map_is_alive(
    name: str, options: dict[str, Any], browser: Browser, service: Service, tmp_path: Path
) -> None:
    with opened(browser, service.url, **options) as watched:
        watched.wait_for_text("#status-label", "Live")
        watched.wait_for(DOT)
        before = float(watched.page.evaluate(DOT))
        watched.wait_for(MOVED, before)
        watched.wait_for("() => document.querySelectorAll('.layer-trail polyline').length >= 3")
        assert watched.page.locator("#floor .beacon").count() == 12
        assert watched.page.locator("#floor .heard-now").count() >= 3
        assert watched.text("#site") == "Simulated office"
        picture(watched, name, tmp_path, whole=name.startswith("phone"))
        wide = watched.page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
        assert watched.errors == []
        assert watched.hosts == {urlsplit(service.url).netloc}


def test_the_beacons_heard_are_listed_loudest_first(browser: Browser, service: Service) -> None:
    with opened(browser, service.url) as watched:
        watched.wait_for("() => document.querySelectorAll('#heard li').length >= 3")
        # At one moment: the list changes several times a second.
        levels = watched.page.evaluate(
            "() => [...document.querySelectorAll('#heard .level')].map(level => level.textContent)"
        )
        values = [float(text.replace("−", "-").removesuffix(" dBm")) for text in levels]
        assert values == sorted(values, reverse=True)
        assert all(-127 < value < 0 for value in values)
        assert "of 12" in watched.text("#heard-count")


def test_the_error_against_the_truth_is_shown(browser: Browser, service: Service) -> None:
    with opened(browser, service.url) as watched:
        watched.wait_for("() => Number(document.querySelector('#error-count').textContent) >= 3")
        assert 0 < float(watched.text("#error-mean").removesuffix(" m")) < 15
        assert watched.page.locator("#floor .truth").get_attribute("visibility") == "visible"
        assert watched.page.locator("#floor .error-line").is_visible()


def test_a_locator_that_knows_its_spread_shows_it_as_a_circle(browser: Browser) -> None:
    with (
        serving(*QUICK, "--bundle", str(spread_bundle())) as started,
        opened(browser, started.url) as watched,
    ):
        watched.wait_for("() => document.querySelector('#spread')?.dataset.r > 0")
        assert watched.page.locator("#spread").is_visible()
        assert watched.page.locator("#legend-spread").is_visible()
        near, far = (float(watched.text(one).removesuffix(" m")) for one in ("#r68", "#r95"))
        assert 0 < near < far
        assert watched.errors == []


def test_a_locator_without_a_spread_draws_no_circle(browser: Browser, service: Service) -> None:
    with opened(browser, service.url) as watched:
        watched.wait_for(DOT)
        assert watched.page.locator("#spread").get_attribute("visibility") == "hidden"
        assert watched.page.locator("#legend-spread").is_hidden()


def test_the_bundle_says_plainly_that_it_is_a_baseline(browser: Browser, service: Service) -> None:
    with opened(browser, service.url) as watched:
        watched.wait_for_text("#method", "Baseline: weighted centroid")
        assert watched.page.locator("#baseline").is_visible()
        assert "2.53 m" in watched.text("#metrics")
        assert "sessions" in watched.text("#metrics")


def test_y_grows_upwards(browser: Browser, service: Service) -> None:
    with opened(browser, service.url) as watched:
        watched.wait_for(DOT)
        heights = [
            watched.page.locator(f"[data-beacon='name:demo:{name}'] .b-core").get_attribute("cy")
            for name in ("b01", "b09")
        ]
        low, high = (float(height or "nan") for height in heights)
        assert high < low


@pytest.mark.parametrize("width", [320, 768, 2560])
def test_no_width_makes_it_scroll_sideways(width: int, browser: Browser, service: Service) -> None:
    with opened(browser, service.url, viewport={"width": width, "height": 800}) as watched:
        watched.wait_for(DOT)
        wide = watched.page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0


def test_silence_and_staleness_are_shown_with_their_cause(browser: Browser, tmp_path: Path) -> None:
    source = recording(tmp_path / "gap.jsonl", [0.1 * i for i in range(40)] + [100.0])
    with (
        serving("--stale-after", "18", source=source) as started,
        opened(browser, started.url) as watched,
    ):
        watched.wait_for_text("#status-label", "Live")
        watched.wait_for_text("#status-label", "No signal")
        assert watched.text("#status-cause") == "Nothing heard"
        assert watched.text("#x") == "–"
        assert watched.page.locator("#floor .layer-dot.lost").count() == 1
        assert watched.page.locator("#heard li").count() == 0
        picture(watched, "no-signal", tmp_path)
        watched.wait_for_text("#status-label", "Stale")
        assert "nothing has come" in watched.text("#status-cause").lower()
        assert watched.errors == []


def test_the_end_of_the_source_is_shown(browser: Browser, tmp_path: Path) -> None:
    source = recording(tmp_path / "short.jsonl", [0.1 * i for i in range(50)])
    with (
        serving(source=source.replace("max_gap=1000", "max_gap=1")) as started,
        opened(browser, started.url) as watched,
    ):
        watched.wait_for_text("#status-label", "Source ended")
        picture(watched, "ended", tmp_path)
        assert watched.page.locator("#status").get_attribute("aria-live") == "polite"
        watched.wait_for_text("#x", "–")
        assert watched.page.locator("#floor .layer-dot.lost").count() == 1


def test_it_says_when_the_service_has_gone_and_recovers(browser: Browser, tmp_path: Path) -> None:
    with serving(*QUICK) as first, opened(browser, first.url) as watched:
        port = first.port
        watched.wait_for_text("#status-label", "Live")
        first.stop(signal.SIGKILL)
        watched.wait_for_text("#status-label", "Reconnecting")
        watched.wait_for_text("#x", "–")
        picture(watched, "reconnecting", tmp_path)
        with serving(*QUICK, port=port):
            watched.wait_for_text("#status-label", "Live")
            watched.wait_for_text("#x", ".")
            before = float(watched.page.evaluate(DOT))
            watched.wait_for(MOVED, before)


def test_without_a_source_it_says_so(browser: Browser) -> None:
    with serving(source=None) as started, opened(browser, started.url) as watched:
        watched.wait_for_text("#status-label", "No live source")
        assert watched.page.locator("#floor .beacon").count() == 12


def test_markup_in_names_is_text(browser: Browser, tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    site = built_in_site("demo")
    site = replace(site, name=evil, floors=(replace(site.floors[0], name=evil),))
    bundle = write_bundle(tmp_path / "evil", site, method="<b>bold</b>", metrics_note=evil)
    with serving("--bundle", str(bundle)) as started, opened(browser, started.url) as watched:
        watched.wait_for_text("#site", "<img src=x")
        watched.wait_for_text("#method", "<b>bold</b>")
        assert watched.page.locator("img").count() == 1
        assert watched.errors == []
        assert watched.hosts == {urlsplit(started.url).netloc}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_their_ground(scheme: str, browser: Browser, service: Service) -> None:
    """4.5 to 1 is what WCAG 2.2 asks of text (success criterion 1.4.3, level AA)."""
    names = ("--ink", "--muted", "--good", "--warn", "--bad", "--truth", "--idle", "--accent")
    script = (
        "names => names.map(n => getComputedStyle(document.documentElement).getPropertyValue(n))"
    )
    with opened(browser, service.url, color_scheme=scheme) as watched:
        grounds = watched.page.evaluate(script, ["--card", "--ground"])
        for name, colour in zip(names, watched.page.evaluate(script, list(names)), strict=True):
            for ground in grounds:
                assert contrast(colour, ground) >= 4.5, (name, colour, ground)
