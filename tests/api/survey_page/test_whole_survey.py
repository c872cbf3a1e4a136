"""A whole survey by phone, interrupted twice, and the model that training makes of its file."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser

from localizer.bundle import load_bundle
from localizer.sites import built_in_site
from localizer.survey import Survey
from tests.surveyor import TARGET, Surveyor, phone, picture, plan_png, surveying
from tests.training.simulated import quick
from training.cli import main
from training.config import config_to_toml

WALL = ((0, 0), (24, 0), (24, 16), (0, 16))
FREE = ((2.5, 6.0), (21.0, 6.0), (12.0, 14.0))
DESK = ((10, 2), (13, 2), (13, 4), (10, 4))


class Size(NamedTuple):
    """How much is surveyed."""

    step_m: float
    """Of the grid; the points that it lacks are tapped."""
    points: int
    walks: int


def measure_plan(one: Surveyor, plan: Path) -> None:
    plan.write_bytes(plan_png())
    one.page.set_input_files("#plan-file", plan)
    one.wait("() => app.name === 'scale'")
    for x, y in ((70, 700), (1030, 700), (70, 640), (70, 60), (70, 700), (1030, 700)):
        one.tap(x, y)
    one.page.fill("[name=length1]", "24")
    one.page.fill("[name=length2]", "14.5")
    one.click("#scale-form button[type=submit]")
    one.wait("() => app.name === 'area'")


def draw(one: Surveyor, button: str, corners: tuple[tuple[float, float], ...], zoom: int) -> None:
    """Draw an area corner by corner, as large on the screen as `zoom` taps of + make it."""
    before = one.state()["version"]
    one.click(button)
    look_at(one, corners, zoom)
    for corner in corners:
        one.tap(*corner)
    one.click("#area-close")
    one.wait("before => app.state.version > before && !app.screen.draft", before)
    one.click("#zoom-fit")


def look_at(one: Surveyor, corners: tuple[tuple[float, float], ...], zoom: int) -> None:
    x, y = (sum(values) / len(corners) for values in zip(*corners, strict=True))
    one.page.evaluate(
        "([x, y]) => { Object.assign(app.map.view, {x, y}); app.map.touched = true; }", [x, y]
    )
    for _ in range(zoom):
        one.click("#zoom-in")


def place_beacons(one: Surveyor) -> None:
    one.show("beacons")
    for number, beacon in enumerate(built_in_site("demo").beacons, 1):
        assert beacon.position is not None
        one.tap(beacon.position.x_m, beacon.position.y_m)
        one.page.fill("dialog [name=typed]", str(beacon.id))
        one.click("dialog button[type=submit]")
        one.wait("n => app.state.site.beacons.length === n && !app.dialog.open", number)


def lay_points(one: Surveyor, step_m: float, total: int) -> None:
    """Lay a grid, then tap the free points that are missing."""
    one.show("points")
    one.page.fill("[name=step_m]", str(step_m))
    one.click("#grid-form button")
    one.wait("() => app.state.points.length > 0")
    laid = len(one.state()["points"])
    assert 0 <= total - laid <= len(FREE)
    for number, place in enumerate(FREE[: total - laid], laid + 1):
        look_at(one, (place,), 3)
        one.tap(*place)
        one.wait("n => app.state.points.length === n", number)
        one.click("#zoom-fit")


def take_walk(one: Surveyor) -> None:
    one.show("walk")
    one.tap(2, 7)
    one.click("#start")
    one.wait("() => app.status.recording?.kind === 'walk'")
    for place in ((9, 7.5), (16, 7), (22, 7.5)):
        one.walk_to(*place)
    one.click("#finish")
    one.wait("() => app.status.recording === null && app.state.recordings.at(-1).kind === 'walk'")


def record_unlabelled(one: Surveyor) -> None:
    one.show("unlabelled")
    one.click("#start")
    one.wait("() => app.status.recording?.elapsed_s > 30")
    one.click("#finish")
    one.wait("() => app.state.recordings.at(-1)?.status === 'complete'")


def survey_building(browser: Browser, folder: Path, size: Size) -> Path:
    """Make the whole survey, with a reload and a killed service in between."""
    file = folder / "hall.survey"
    with ExitStack() as stack:
        service = stack.enter_context(surveying("hall", file))
        one = stack.enter_context(phone(browser, service))
        measure_plan(one, folder / "plan.png")
        draw(one, "#new-outline", WALL, 0)
        draw(one, "#new-blocked", DESK, 3)
        place_beacons(one)
        lay_points(one, size.step_m, size.points)
        one.show("record")
        one.begin_session()
        one.click("#start")
        one.wait("() => app.status.recording?.adverts > 0")
        one.page.reload()
        one.ready()
        one.wait("() => app.status.recording?.elapsed_s > 15.5")
        one.click("#finish")
        one.wait(TARGET)
        for _ in range((size.points - 2) // 2):
            one.stand()
        one.click("#start")
        one.wait("() => app.status.recording?.committed > 20")
        service.kill()
        one.wait("() => document.querySelector('#banner-away')")
        service = stack.enter_context(surveying("hall", file, port=service.port))
        one.app = service
        one.wait("() => document.querySelector('#banner-news')")
        one.click("#banner-news button")
        one.click(".cut-off >> text=Go on")
        one.wait("() => app.status.recording?.elapsed_s > 15.5")
        one.click("#finish")
        one.wait(TARGET)
        while one.watched.text("#target").startswith("Next"):
            one.stand()
        assert one.watched.text("#target") == "All points are done"
        for _ in range(size.walks):
            take_walk(one)
        record_unlabelled(one)
        one.show("coverage")
        one.wait("() => document.querySelector('#done')")
        assert one.watched.text("#done") == f"{size.points} of {size.points}"
        picture(one, "coverage-done", folder)
        one.show("more")
        with one.page.expect_download() as download:
            one.click("[data-export=survey]")
        taken = folder / "downloaded.survey"
        download.value.save_as(taken)
    return taken


def fit(monkeypatch: pytest.MonkeyPatch, survey: Path, folder: Path) -> list[dict[str, object]]:
    config, figures = folder / "quick.toml", folder / "figures.json"
    config.write_text(config_to_toml(quick("dnn")), encoding="utf-8")
    arguments = [
        "fit", survey, "--config", config, "--criterion", "cells", "--methods", "knn",
        "--seeds", 1, "--workers", 1, "--workdir", folder / "work", "--json", figures,
    ]  # fmt: skip
    monkeypatch.setattr("sys.argv", ["training", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    found: list[dict[str, object]] = json.loads(figures.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(
    "size",
    [Size(9, 4, 1), pytest.param(Size(2.9, 40, 2), marks=pytest.mark.long)],
    ids=lambda size: f"{size.points} points",
)
def test_a_building_is_surveyed_by_phone_and_trained_on(
    size: Size, browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points, walks = size.points, size.walks
    taken = survey_building(browser, tmp_path, size)
    with Survey.open(taken) as survey:
        labelled = list(survey.fingerprints(labelled=True))
        unlabelled = list(survey.fingerprints(labelled=False))
        recordings = survey.recordings.all()
    stands = [one for one in recordings if one.kind == "point"]
    assert len({one.point for one in stands}) == points
    assert sum(one.resumes is not None for one in stands) == 1
    assert sum(one.kind == "walk" for one in recordings) == walks
    assert len(labelled) >= 5 * points + 6 * walks
    assert len(unlabelled) >= 8
    assert {one["method"] for one in fit(monkeypatch, taken, tmp_path)} == {"knn", "dnn"}
    assert load_bundle(tmp_path / "work" / "bundle").manifest.site is not None
