import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from localizer.errors import SurveyError
from localizer.importers.uci import import_uci
from localizer.scans import Session
from localizer.site import Position
from localizer.survey import FloorPlan, Point, Survey, build_survey
from localizer.survey_report import gather, survey_report, write_survey_report
from tests.browser import DESKTOP, PHONE, chromium, opened
from tests.pages import Page
from tests.real_data import uci_files
from tests.strategies import fingerprint
from tests.survey_report.surveyed import DEMO, SILENT, UNKNOWN, build, grid, stand, surveyed

MADE = datetime(2026, 3, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("survey") / "office.survey"
    surveyed(path)
    return path


@pytest.fixture(scope="module")
def page(path: Path) -> str:
    return survey_report(gather(path), made_utc=MADE)


def _advice(page: str) -> list[tuple[str, str, list[str]]]:
    """(need, title, names of points) of every piece of advice, in order."""
    items = re.findall(r'<li class="(\w+)">(.*?)</li>', page, re.DOTALL)
    return [
        (need, re.findall(r"<b>(.*?)</b>", text)[0], re.findall(r'"tag">(.*?)<', text))
        for need, text in items
    ]


def test_the_page_needs_nothing_from_outside_and_runs_nothing(page: str) -> None:
    read = Page(page)
    assert not read.tags & {"script", "img", "link", "iframe", "object", "form"}
    assert read.values("src", "href", "onclick") == []
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_drawings_are_whole(page: str) -> None:
    drawings = re.findall(r"<svg .*?</svg>", page, re.DOTALL)
    assert len(drawings) == 3
    for drawing in drawings:
        ET.fromstring(drawing)


def test_what_misleads_stands_first_and_every_fault_is_found(page: str) -> None:
    advice = _advice(page)
    assert [need for need, _, _ in advice] == ["first"] * 3 + ["soon"] * 4 + ["later"]
    by_title = {title: points for _, title, points in advice}
    moved, foreign, contradicting = advice[:3]
    assert moved[1] == "Look after beacon name:demo:b01"
    assert {"P1", "P2"} <= set(moved[2])
    assert str(UNKNOWN) in foreign[1]
    assert contradicting[2] == ["P9"]
    assert by_title["Complete or discard what was cut off at 1 point"] == ["P13"]
    assert by_title["Survey 4 points without any data"] == ["P21", "P22", "P23", "P24"]
    assert by_title["Record longer at 1 point"] == ["P14"]
    assert str(SILENT) in page.split("was never heard</b>")[1][:200]
    assert by_title["9 points visited once only"] == []


def test_the_beginning_says_how_far_it_is(page: str) -> None:
    numbers = dict(
        reversed(pair) for pair in re.findall(r"<strong>(.*?)</strong>(.*?)</div>", page)
    )
    assert numbers["points done"] == "18 of 24"
    assert numbers["points contradict"] == "6"
    assert numbers["beacons of the site heard"] == "12 of 13"
    assert "left at this pace" in numbers


def test_beacons_stand_with_their_rate_and_noise(page: str) -> None:
    rows = {
        cells[0]: cells
        for row in re.findall(r"<tr>(.*?)</tr>", page)
        if (cells := re.findall(r"<td[^>]*>(.*?)</td>", row)) and len(cells) == 9
    }
    assert rows["b99"][1:4] == ["never heard", "0", "0 of 20"]
    assert rows["b02"][1] == "heard"
    assert rows["b02"][6].startswith("3.00")
    assert 3.0 < float(rows["b02"][7].split()[0]) < 4.6
    assert rows["foreign"][1] == "not in the site; changed at 6 points"


def test_contradictions_name_the_levels_of_both_visits(page: str) -> None:
    table = page.split("Contradictions between visits")[1].split("<h2>", maxsplit=1)[0]
    assert "2026-03-02 09:00 (monday)" in table
    assert re.search(r"b01: -\d+ dBm → not heard", table)


def test_all_that_a_survey_says_is_escaped(tmp_path: Path) -> None:
    bad = "<script>alert(1)</script>&\"'"
    site = replace(DEMO, name=bad, floors=tuple(replace(one, name=bad) for one in DEMO.floors))
    point = replace(grid(DEMO)[0], name=bad)
    session = Session("monday", "development", bad, bad, person=bad)
    build(
        tmp_path / "a.survey",
        [session, point, *stand(point, DEMO.beacons, 1), *stand(point, DEMO.beacons[4:], 2)],
        site=site,
    )
    page = survey_report(gather(tmp_path / "a.survey"), made_utc=MADE)
    assert "<script" not in page
    assert Page(page).tags
    assert page.count("&lt;script&gt;") > 5


def test_a_good_survey_needs_nothing(tmp_path: Path) -> None:
    points = grid(DEMO, 3, 2)
    content = [
        Session("monday", "development", "pi"),
        *points,
        *(
            record
            for visit in (0, 100)
            for n, point in enumerate(points)
            for record in stand(point, DEMO.beacons, n + visit)
        ),
    ]
    build(tmp_path / "a.survey", content)
    page = survey_report(gather(tmp_path / "a.survey"), made_utc=MADE)
    assert "Nothing to survey again" in page
    assert "they agree" in page


def test_somebody_who_moved_is_asked_to_stand_still(tmp_path: Path) -> None:
    point = grid(DEMO)[0]
    session = Session("monday", "development", "pi")
    build(tmp_path / "a.survey", [session, point, *stand(point, DEMO.beacons, 1, sd_db=12.0)])
    titles = [title for _, title, _ in _advice(_page(tmp_path / "a.survey"))]
    assert "Stand still at 1 point" in titles


def _page(path: Path) -> str:
    return survey_report(gather(path), made_utc=MADE)


def test_a_beacon_that_was_moved_wants_its_points_again(tmp_path: Path) -> None:
    points = grid(DEMO)
    near = points[0].position
    session = Session("monday", "development", "pi")
    records = [record for n in range(3) for record in stand(points[n], DEMO.beacons, n)]
    build(tmp_path / "a.survey", [session, *points[:3], *records])
    with Survey.open(tmp_path / "a.survey") as survey:
        survey.beacon_changes.move(DEMO.beacons[0].id, near, since_utc=MADE)
    advice = {title: points for _, title, points in _advice(_page(tmp_path / "a.survey"))}
    (title,) = [title for title in advice if "again, near" in title]
    assert advice[title][0] == "P1"


def test_an_empty_survey_says_what_to_begin_with(tmp_path: Path) -> None:
    with build_survey(tmp_path / "a.survey", DEMO):
        pass
    page = _page(tmp_path / "a.survey")
    assert _advice(page)[0][1] == "Set reference points"
    assert Page(page).tags


def test_expired_sessions_are_shown_but_not_counted(tmp_path: Path) -> None:
    point = grid(DEMO)[0]
    session = Session("monday", "development", "pi", expires_utc=datetime(2020, 1, 1, tzinfo=UTC))
    build(tmp_path / "a.survey", [session, point, *stand(point, DEMO.beacons, 1)])
    page = _page(tmp_path / "a.survey")
    assert "development, expired" in page
    assert "<strong>0</strong>packets" in page


def test_imported_scans_are_points_where_they_were_taken(tmp_path: Path) -> None:
    floor = DEMO.floors[0].id
    here, there = Position(1.0, 2.0, floor), Position(4.0, 2.0, floor)
    rows = [("v1", here), ("v1", here), ("v2", there), ("v3", here), ("w", here), ("w", there)]
    with build_survey(tmp_path / "a.survey", DEMO) as survey:
        survey.add_session(Session("s", "development", "phone"))
        survey.add(
            fingerprint(n, session="s", visit=visit, position=place)
            for n, (visit, place) in enumerate(rows)
        )
    gathered = gather(tmp_path / "a.survey")
    points = gathered.coverage.points
    found = [(one.point.position, one.scans, len(one.visits)) for one in points]
    assert found == [(here, 3, 2), (there, 1, 1)]
    assert [one.recording.kind for one in gathered.coverage.elsewhere] == ["walk"]


def test_the_published_survey_has_its_places_and_not_its_copies(tmp_path: Path) -> None:
    import_uci(uci_files(), tmp_path / "uci.survey")
    gathered = gather(tmp_path / "uci.survey")
    assert len(gathered.coverage.points) == 105
    scans = sum(visit.scans for _, visit in gathered.visits())
    assert scans == 1420 + 5191 - 600
    page = _page(tmp_path / "uci.survey")
    assert Page(page).tags
    assert "13 of 13" in page


def test_a_page_is_written_whole_or_not_at_all(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    write_survey_report(path, tmp_path / "a.html", utc_now=lambda: MADE)
    assert "as of 2026-03-04 00:00 UTC" in (tmp_path / "a.html").read_text(encoding="utf-8")
    assert path.read_bytes() == before
    with pytest.raises(SurveyError, match="writable"):
        write_survey_report(path, tmp_path / "nowhere" / "a.html")
    with pytest.raises(SurveyError, match="No such file"):
        write_survey_report(tmp_path / "nowhere", tmp_path / "b.html")
    assert not (tmp_path / "b.html").exists()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_browser_shows_it_without_a_complaint(
    path: Path, tmp_path: Path, viewport: dict[str, int]
) -> None:
    write_survey_report(path, tmp_path / "a.html")
    with (
        chromium() as browser,
        opened(browser, (tmp_path / "a.html").as_uri(), viewport=viewport) as watched,
    ):
        assert watched.errors == []
        assert watched.hosts == {""}
        assert watched.text("h1") == "Survey of Simulated office"
        page = watched.page
        assert page.locator("svg").count() == 3
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        first = page.locator("ol.advice li").first.bounding_box()
        assert first is not None
        assert first["y"] < viewport["height"]  # what to do is seen without scrolling


def test_a_plan_or_a_point_alone_does_no_harm(tmp_path: Path) -> None:
    floor = DEMO.floors[0].id
    with build_survey(tmp_path / "a.survey", DEMO) as survey:
        survey.points.put([Point("p", grid(DEMO)[0].position)])
        survey.plans.put(FloorPlan(floor, "image/png", None, b"x"))
        survey.add_session(Session("s", "sealed", ""))
        survey.add([replace(fingerprint(position=None), session="s")])
    page = _page(tmp_path / "a.survey")
    assert "Survey 1 point without any data" in page
    assert "1 unlabelled recording" in page
