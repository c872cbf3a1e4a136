from __future__ import annotations

from dataclasses import replace
from typing import get_args
from xml.etree import ElementTree

import pytest

from localizer.beacons import BeaconId
from localizer.site import Beacon, Floor, Position
from localizer.surveying.cells import heard_cells
from localizer.surveying.drawing import DrawnArrow, DrawnPoint, PointMark, draw_floor
from localizer.surveying.drawing_frame import WIDTH, DrawingFrame
from localizer.surveying.plans import read_plan
from tests.surveying.floors import HALL, TWO_ROOMS
from tests.surveying.visits import BEACONS

NS = "{http://www.w3.org/2000/svg}"
MARKS: tuple[PointMark, ...] = get_args(PointMark)


def texts(drawing: str) -> list[str]:
    return [one.text or "" for one in ElementTree.fromstring(drawing).iter(f"{NS}text")]


def test_everything_of_the_floor_is_on_it_with_a_legend() -> None:
    points = [DrawnPoint(Position(1.0 + i, 1.0), mark, f"P{i}") for i, mark in enumerate(MARKS)]
    drawing = draw_floor(
        TWO_ROOMS,
        points=[*points, DrawnPoint(Position(1.0, 1.0, "1"), "agree", "upstairs")],
        beacons=[Beacon(b, Position(i, 9.0)) for i, b in enumerate(BEACONS)]
        + [Beacon(BeaconId("name:test:lost"), None)],
        cells=heard_cells(TWO_ROOMS, [(Position(1.0, 1.0), BEACONS)], cell_m=2.0),
        arrows=[DrawnArrow((1.0, 1.0), (2.0, 3.0))],
    )
    shown = texts(drawing)
    for words in ("to do (1)", "visits contradict (1)", "beacon", "error of the fixes", "P3", "6"):
        assert words in shown
    assert "upstairs" not in shown
    assert "lost" not in drawing
    for css in ("outline", "blocked", "wall", "arrow", *MARKS):
        assert f'class="{css}"' in drawing


def test_every_state_has_a_shape_of_its_own() -> None:
    shapes = set()
    for mark in MARKS:
        root = ElementTree.fromstring(
            draw_floor(HALL, points=[DrawnPoint(Position(5.0, 5.0), mark)])
        )
        (drawn, _) = [one for one in root.iter() if one.get("class") == mark]
        shapes.add(drawn.get("d") or drawn.tag)
    # Two are circles, of which one is empty.
    assert len(shapes) == len(MARKS) - 1


def test_a_drawing_is_safe_whatever_it_is_named() -> None:
    evil = '<script>alert("1")</script>&'
    floor = replace(HALL, name=evil)
    drawing = draw_floor(floor, points=[DrawnPoint(Position(1.0, 1.0), "agree", evil)])
    assert evil in texts(drawing)
    plan = read_plan(drawing.encode())
    assert plan.media_type == "image/svg+xml"


def test_up_is_up_and_right_is_right() -> None:
    frame = DrawingFrame.around(HALL.outline)
    (left, low), (right, high) = frame.at(0.0, 0.0), frame.at(10.0, 10.0)
    assert left < right
    assert low > high
    assert right - left == pytest.approx(low - high)


@pytest.mark.parametrize("size", [(1.0, 1.0), (24.0, 16.0), (3.0, 90.0), (400.0, 20.0), (0.4, 0.2)])
def test_every_floor_fits_and_has_a_scale_bar(size: tuple[float, float]) -> None:
    x, y = size
    floor = Floor("0", "", ((0.0, 0.0), (x, 0.0), (x, y), (0.0, y)))
    root = ElementTree.fromstring(draw_floor(floor))
    _, _, width, height = (float(part) for part in root.attrib["viewBox"].split())
    polygon = next(one for one in root.iter() if one.get("class") == "outline")
    corners = [pair.split(",") for pair in polygon.attrib["points"].split()]
    assert all(0 <= float(a) <= width and 0 <= float(b) <= height for a, b in corners)
    bar = next(one for one in root.iter() if one.get("class") == "wall")
    length = float(bar.attrib["x2"]) - float(bar.attrib["x1"])
    assert 0.05 * WIDTH < length <= 0.6 * WIDTH
    assert height <= 2.3 * WIDTH
