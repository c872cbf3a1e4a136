"""A real Chromium, and pages in it that note everything that goes wrong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from tests.conftest import lacking

WAIT_MS: Final = 40_000
"""Longest that a page may take to show something; the machine may be busy."""

PHONE: Final = {"width": 390, "height": 844}
DESKTOP: Final = {"width": 1440, "height": 900}

_ARGUMENTS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]


@dataclass
class Watched:
    """A page with its console and its requests."""

    page: Page
    errors: list[str] = field(default_factory=list)
    """Errors and warnings of the console, and exceptions that nobody caught."""
    hosts: set[str] = field(default_factory=set)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def wait_for_text(self, selector: str, text: str) -> None:
        self.wait_for(
            "([s, t]) => document.querySelector(s).textContent.includes(t)", [selector, text]
        )

    def wait_for(self, script: str, argument: Any = None) -> None:
        self.page.wait_for_function(script, arg=argument, timeout=WAIT_MS)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield Debian's Chromium."""
    path = shutil.which("chromium")
    if path is None:
        lacking("Debian's package chromium must be installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, url: str, **options: Any) -> Iterator[Watched]:
    """Yield a page at an address; options are those of a browser context."""
    context = browser.new_context(**{"viewport": DESKTOP, **options})
    page = context.new_page()
    watched = Watched(page)

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            watched.errors.append(message.text)

    def on_request(request: Request) -> None:
        watched.hosts.add(urlsplit(request.url).netloc)

    page.on("console", on_console)
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    page.on("request", on_request)
    page.on("dialog", lambda dialog: watched.errors.append(f"dialog {dialog.message}"))
    page.goto(url, timeout=WAIT_MS)
    try:
        yield watched
    finally:
        context.close()


def contrast(a: str, b: str) -> float:
    """Return the contrast of two colours as #rrggbb, by WCAG 2.2: 1 to 21."""
    light, dark = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    digits = colour.strip().removeprefix("#")
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
