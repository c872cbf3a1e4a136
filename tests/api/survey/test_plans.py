import io
import json
from typing import Any

import pytest
from PIL import Image

from tests.api.survey.surveyor import Surveyor

SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100"><rect width="9" height="9"/>'
)
ALONG_X = {"from_px": [0, 0], "to_px": [100, 0], "length_m": 10}
ALONG_Y = {"from_px": [0, 0], "to_px": [0, 60], "length_m": 6}


def png(width: int = 200, height: int = 100) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(file, "PNG")
    return file.getvalue()


def upload(surveyor: Surveyor, content: bytes) -> None:
    answer = surveyor.ask("PUT", "/plans/0", content=content)
    assert answer.is_success, answer.text


def plan(surveyor: Surveyor) -> Any:
    return surveyor.state["plans"].get("0")


def test_a_plan_is_kept_shown_and_taken_back(surveyor: Surveyor) -> None:
    upload(surveyor, png())
    found = plan(surveyor)
    assert (found["media_type"], found["size_px"], found["m_per_px"]) == (
        "image/png",
        [200, 100],
        None,
    )
    shown = surveyor.get(found["url"])
    assert shown.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(shown.content)).size == (200, 100)
    assert "sandbox" in shown.headers["content-security-policy"]
    upload(surveyor, png(300, 100))
    assert plan(surveyor)["url"] != found["url"]
    surveyor.send("/undo")
    assert plan(surveyor) == found
    surveyor.send("/plans/0", method="DELETE")
    assert plan(surveyor) is None
    surveyor.send("/undo")
    assert plan(surveyor) == found
    surveyor.send("/undo")
    assert plan(surveyor) is None
    surveyor.refused("GET", "/plans/0", 404)


def test_two_distances_give_the_scale(surveyor: Surveyor) -> None:
    upload(surveyor, png())
    body = {"distances": [ALONG_X, ALONG_Y], "origin_px": [10, 90]}
    answer = surveyor.send("/plans/0/scale", body)
    assert answer["m_per_px"] == pytest.approx(0.1)
    assert answer["mismatch"] == pytest.approx(0)
    found = plan(surveyor)
    assert (found["m_per_px"], found["origin_px"]) == (pytest.approx(0.1), [10, 90])
    assert len(found["distances"]) == 2
    surveyor.send("/undo")
    assert plan(surveyor)["m_per_px"] is None


@pytest.mark.parametrize(
    ("second", "code"),
    [
        ({"from_px": [0, 50], "to_px": [100, 50], "length_m": 10}, "same-direction"),
        ({**ALONG_Y, "length_m": 7}, "stretched"),
        ({**ALONG_Y, "length_m": 0}, "bad-measurement"),
        ({**ALONG_Y, "to_px": [0, 5]}, "bad-measurement"),
    ],
)
def test_distances_that_give_no_scale_are_refused(
    surveyor: Surveyor, second: object, code: str
) -> None:
    upload(surveyor, png())
    body = {"distances": [ALONG_X, second], "origin_px": [0, 0]}
    assert surveyor.refused("POST", "/plans/0/scale", 422, json=body)["code"] == code
    assert plan(surveyor)["m_per_px"] is None


def test_a_scale_wants_a_plan(surveyor: Surveyor) -> None:
    body = {"distances": [ALONG_X, ALONG_Y], "origin_px": [0, 0]}
    surveyor.refused("POST", "/plans/0/scale", 404, json=body)
    surveyor.refused("PUT", "/plans/5", 404, content=png())


def huge_png() -> bytes:
    """A header that promises 20,000 x 10,000 pixels."""
    content = bytearray(png())
    content[16:24] = (20_000).to_bytes(4, "big") + (10_000).to_bytes(4, "big")
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"%PDF-1.7\n" + b"x" * 100, "unknown-format"),
        (huge_png(), "too-many-pixels"),
        (png()[:-30], "truncated"),
        (SVG + b"<script>alert(1)</script></svg>", "active-content"),
        (SVG + b'<image href="http://example.org/x.png"/></svg>', "external-reference"),
    ],
)
def test_what_is_no_plan_is_refused_with_its_reason(
    surveyor: Surveyor, content: bytes, code: str
) -> None:
    assert surveyor.refused("PUT", "/plans/0", 422, content=content)["code"] == code
    assert plan(surveyor) is None


def test_an_upload_that_is_too_large_is_refused_before_it_is_read(surveyor: Surveyor) -> None:
    headers = {"content-length": str(26_000_000)}
    problem = surveyor.refused("PUT", "/plans/0", 413, headers=headers, content=b"x")
    assert (problem["code"], "JPG" in problem["detail"]) == ("too-large", True)
    assert surveyor.state["limits"]["plan_bytes"] == 25_000_000


def test_a_geojson_is_the_floor_at_once(surveyor: Surveyor) -> None:
    ring = [[0, 0], [30, 0], [30, 20], [0, 20], [0, 0]]
    document = {
        "type": "FeatureCollection",
        "units": "metres",
        "features": [
            {
                "type": "Feature",
                "properties": {"kind": "outline"},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            },
            {
                "type": "Feature",
                "properties": {"kind": "beacon", "id": "name:demo:b01"},
                "geometry": {"type": "Point", "coordinates": [7, 8]},
            },
        ],
    }
    before = surveyor.state["site"]
    upload(surveyor, json.dumps(document).encode())
    site = surveyor.state["site"]
    assert site["floors"][0]["outline"] == [[0, 0], [30, 0], [30, 20], [0, 20]]
    assert site["beacons"][0] == {"id": "name:demo:b01", "floor": "0", "x_m": 7, "y_m": 8}
    assert plan(surveyor)["media_type"] == "application/geo+json"
    surveyor.send("/undo")
    assert (surveyor.state["site"], plan(surveyor)) == (before, None)
    del document["features"][0]  # type: ignore[attr-defined]
    problem = surveyor.refused("PUT", "/plans/0", 422, content=json.dumps(document))
    assert problem["code"] == "no-outline"
    assert (surveyor.state["site"], plan(surveyor)) == (before, None)
