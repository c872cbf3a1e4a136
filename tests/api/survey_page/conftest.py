"""What a surveyor's phone is tried on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium
from tests.surveyor import SurveyApp, surveying_here


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def office(tmp_path: Path) -> Iterator[SurveyApp]:
    """The demo site, with its beacons placed."""
    with surveying_here("demo", tmp_path / "office.survey") as app:
        yield app


@pytest.fixture
def blank(tmp_path: Path) -> Iterator[SurveyApp]:
    """A new site of which nothing is known; the demo's beacons are in the air."""
    with surveying_here("warehouse", tmp_path / "blank.survey") as app:
        yield app


@pytest.fixture(scope="module")
def surveyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SurveyApp]:
    """The demo site with points, of which two were recorded; nothing in it is changed."""
    file = tmp_path_factory.mktemp("surveyed") / "surveyed.survey"
    with surveying_here("demo", file) as app:
        app.post("/points/grid", {"floor": "0", "step_m": 4})
        app.post("/sessions", {"device": "Raspberry Pi 4", "note": "doors open"})
        yield app
