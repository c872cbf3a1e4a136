"""A surveyor: the survey app as a process of its own, and a phone in front of it."""

from __future__ import annotations

import io
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any, Final

import httpx
import uvicorn
from playwright.sync_api import Browser, Page

from localizer.api.app import create_app
from localizer.serve import listen, server_config
from localizer.survey_app import SurveyService
from localizer.survey_app.choosing import choose_survey
from localizer.survey_app.opening import open_survey_service
from tests.browser import PHONE, WAIT_MS, Watched, opened
from tests.edge_service import END_S, LISTENING, command, environment

TOUCH: Final = {"viewport": PHONE, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
"""Options of a phone's page."""

LEG_S: Final = 7.0
"""Between two waypoints: seven metres at a walker's pace."""
WALKED: Final = """seconds => {
  const { elapsed_s, waypoints } = app.status.recording;
  return elapsed_s > waypoints.at(-1).elapsed_s + seconds;
}"""
ON_SCREEN: Final = """([x, y]) => {
  if (!app.map.view || app.map.frame !== null) return null;
  const [left, top] = app.map.toScreen([x, y]);
  const box = app.map.svg.getBoundingClientRect();
  return [left + box.left, top + box.top];
}"""
"""Where a place of the map's world is in the window, CSS pixels; null while the map is drawn."""


TARGET: Final = """() => app.status.recording === null
  && /Point|done/.test(document.querySelector('#target')?.textContent)"""
"""Nothing is recorded, and the page knows where to go next."""


@dataclass
class SurveyApp:
    """The survey app at work."""

    url: str

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def get(self, path: str = "") -> Any:
        answer = httpx.get(f"{self.url}/v1/survey{path}", timeout=END_S, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: object) -> Any:
        """Do what another phone would."""
        url = f"{self.url}/v1/survey{path}"
        answer = httpx.post(url, json=body, timeout=END_S, trust_env=False)
        answer.raise_for_status()
        return answer.json()


@dataclass
class SurveyHere(SurveyApp):
    """The survey app in a thread of this process, with what it is made of."""

    service: SurveyService


@dataclass
class SurveyProcess(SurveyApp):
    """`localizer survey` at work, as a user starts it."""

    process: subprocess.Popen[str]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(END_S)


@contextmanager
def surveying(
    site: str, file: Path, *, source: str = "simulate:demo?speed=20", port: int = 0
) -> Iterator[SurveyProcess]:
    """Start the app on a survey file, wait until it listens, and end it afterwards."""
    arguments = ["survey", site, "--survey", str(file), "--source", source, "--port", str(port)]
    process = subprocess.Popen(
        command(*arguments),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield SurveyProcess(_address(process), process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=END_S)


@contextmanager
def surveying_here(
    site: str,
    file: Path,
    *,
    source: str = "simulate:demo?speed=20",
    bundle: Path | None = None,
    token: str | None = None,
) -> Iterator[SurveyHere]:
    """Run the app in a thread of this process: it starts in a tenth of the time.

    With a token it is as it would be on a network, though it listens on loopback all the same.
    """
    path = choose_survey(site, file).path
    service, locator, engine = open_survey_service(path, source, bundle)
    server = uvicorn.Server(server_config(create_app(locator, engine, survey=service, token=token)))
    with listen("127.0.0.1", 0) as listener:
        thread = Thread(target=server.run, args=([listener],), name="survey app")
        thread.start()
        try:
            yield SurveyHere(f"http://127.0.0.1:{listener.getsockname()[1]}", service)
        finally:
            service.shared.close_streams()
            if engine is not None:
                engine.hub.close()
            server.should_exit = True
            thread.join(END_S)


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(LISTENING):
            return line.removeprefix(LISTENING).strip()
    assert process.stderr is not None
    raise AssertionError(f"the survey app must start, but said {process.stderr.read()}")


class Surveyor:
    """Somebody with a phone: what they tap, and what they wait to see."""

    def __init__(self, watched: Watched, app: SurveyApp) -> None:
        self.watched = watched
        self.app = app

    @property
    def page(self) -> Page:
        return self.watched.page

    def state(self) -> Any:
        return self.app.get()

    def ready(self) -> None:
        self.watched.wait_for("() => window.app?.screen && app.status && app.map.view")

    def show(self, screen: str) -> None:
        self.page.evaluate("name => app.go(name)", screen)
        self.watched.wait_for("name => app.name === name && app.map.view !== null", screen)

    def tap(self, x: float, y: float) -> None:
        """Tap a place of the map, in its own units, where it is after the screen has settled."""
        self.page.touchscreen.tap(*self.on_screen(x, y))

    def on_screen(self, x: float, y: float) -> tuple[float, float]:
        found = self.page.wait_for_function(ON_SCREEN, arg=[x, y], timeout=WAIT_MS).json_value()
        return found[0], found[1]

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag with one finger, from a place of the map to another."""
        (x1, y1), (x2, y2) = self.on_screen(*start), self.on_screen(*end)
        self.fingers("touchStart", (x1, y1))
        for share in (0.3, 0.7, 1.0):
            self.fingers("touchMove", (x1 + share * (x2 - x1), y1 + share * (y2 - y1)))
        self.fingers("touchEnd")

    def fingers(self, kind: str, *at: tuple[float, float]) -> None:
        """Send one touch event with these fingers down, window's CSS pixels."""
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(at)]
        session = self._touch_session()
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def _touch_session(self) -> Any:
        if not hasattr(self, "_session"):
            self._session = self.page.context.new_cdp_session(self.page)
        return self._session

    def click(self, selector: str) -> None:
        self.page.click(selector, timeout=WAIT_MS)

    def wait(self, script: str, argument: Any = None) -> None:
        self.watched.wait_for(script, argument)

    def wait_for_state(self, holds: Callable[[Any], bool]) -> Any:
        """Wait for a change that the page has read, and return the state of the service."""
        self.wait("() => app.store.reading === undefined || app.store.reading === null")
        state = self.state()
        assert holds(state), state
        return state

    def begin_session(self, device: str = "Raspberry Pi 4") -> None:
        self.page.fill("#session-form [name=device]", device)
        self.click("#session-form button[type=submit]")
        self.wait("() => app.state.session !== null")

    def stand(self, *, until_s: float = 15.5) -> None:
        """Stand at the suggested point until the ring is full, then finish."""
        self.click("#start")
        self.wait("() => app.status.recording?.kind === 'point'")
        self.wait("s => app.status.recording?.elapsed_s >= s", until_s)
        self.click("#finish")
        self.wait(TARGET)

    def walk_to(self, x: float, y: float) -> None:
        """Tap the next waypoint of a walk, late enough after the last: nobody flies."""
        taps = self.page.evaluate("() => app.status.recording.waypoints.length")
        self.wait(WALKED, LEG_S)
        self.tap(x, y)
        self.wait("n => app.status.recording?.waypoints.length === n", taps + 1)


@contextmanager
def phone(browser: Browser, app: SurveyApp, path: str = "", **more: Any) -> Iterator[Surveyor]:
    """Yield a surveyor whose phone shows the app."""
    with opened(browser, f"{app.url}/survey{path}", **{**TOUCH, **more}) as watched:
        surveyor = Surveyor(watched, app)
        surveyor.ready()
        yield surveyor


def picture(surveyor: Surveyor, name: str, folder: Path) -> None:
    """Take a picture; LOCALIZER_SCREENSHOTS keeps it in a folder of its own."""
    kept = Path(os.environ.get("LOCALIZER_SCREENSHOTS", folder))
    surveyor.page.screenshot(path=kept / f"{name}.png")


def plan_png() -> bytes:
    """Return a floor plan of 1100 x 760 pixels: 24 m x 16 m at 40 pixels a metre."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (1100, 760), "white")
    draw = ImageDraw.Draw(image)

    def px(x_m: float, y_m: float) -> tuple[float, float]:
        return 70 + 40 * x_m, 700 - 40 * y_m

    draw.rectangle([px(0, 16), px(24, 0)], outline="black", width=8)
    for x1, y1, x2, y2 in (
        (0, 9, 2.5, 9), (3.5, 9, 10.5, 9), (11.5, 9, 18.5, 9), (19.5, 9, 24, 9),
        (8, 9, 8, 16), (16, 9, 16, 16),
    ):  # fmt: skip
        draw.line([px(x1, y1), px(x2, y2)], fill="black", width=6)
    draw.rectangle([px(10, 4), px(13, 2)], fill="#dddddd", outline="gray", width=3)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
