import json

import pytest

from tests.api.survey.surveyor import NEAR, Surveyor

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10]]
CROSSED = [[0, 0], [10, 10], [10, 0], [0, 10]]


def floor(**changed: object) -> dict[str, object]:
    return {"id": "1", "name": "Upper floor", "outline": SQUARE, **changed}


def floors(surveyor: Surveyor) -> list[str]:
    return [one["id"] for one in surveyor.state["site"]["floors"]]


def place_of(surveyor: Surveyor, beacon: str) -> tuple[str, float, float]:
    (found,) = (one for one in surveyor.state["site"]["beacons"] if one["id"] == beacon)
    return found["floor"], found["x_m"], found["y_m"]


def test_a_floor_is_added_changed_and_removed_and_each_can_be_taken_back(
    surveyor: Surveyor,
) -> None:
    surveyor.send("/floors", floor())
    surveyor.send("/floors/1", floor(name="First", blocked=[[[1, 1], [2, 1], [2, 2]]]), "PUT")
    assert surveyor.state["site"]["floors"][1]["blocked"] == [[[1, 1], [2, 1], [2, 2]]]
    surveyor.send("/floors/1", method="DELETE")
    assert floors(surveyor) == ["0"]
    said = [surveyor.send("/undo")["what"] for _ in range(3)]
    assert said == ["floor 1 removed", "floor 1 changed", "floor 1 added"]
    assert floors(surveyor) == ["0"]
    assert surveyor.state["undo"] is None
    assert surveyor.send("/undo") == {"what": ""}


def test_each_change_has_its_version(surveyor: Surveyor) -> None:
    before = surveyor.state["version"]
    surveyor.send("/site", {"name": "Head office"}, "PUT")
    after = surveyor.state
    assert (after["site"]["name"], after["version"] > before) == ("Head office", True)
    assert surveyor.status["version"] == after["version"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"outline": CROSSED}, "crosses-itself"),
        ({"outline": [[0, 0], [1, 1], [2, 2]]}, "no-area"),
        ({"outline": [[0, 0], [1, 1]]}, "invalid-field"),
        ({"outline": [[0, 0], [1, 0], [float("inf"), 1]]}, "invalid-field"),
        ({"id": "a/b"}, "invalid-field"),
        ({"id": ""}, "invalid-field"),
        ({"colour": "red"}, "invalid-field"),
    ],
)
def test_a_floor_that_cannot_be_is_refused(
    surveyor: Surveyor, wrong: dict[str, object], code: str
) -> None:
    content = json.dumps(floor(**wrong)).replace("Infinity", "1e999")
    headers = {"content-type": "application/json"}
    problem = surveyor.refused("POST", "/floors", 422, content=content, headers=headers)
    assert problem["code"] == code
    assert problem["type"].endswith(code)


def test_a_floor_that_is_there_or_in_use_is_refused(surveyor: Surveyor) -> None:
    assert surveyor.refused("POST", "/floors", 409, json=floor(id="0"))["code"] == "floor-exists"
    surveyor.refused("PUT", "/floors/2", 404, json=floor(id="2"))
    surveyor.refused("PUT", "/floors/0", 422, json=floor(id="2"))
    assert surveyor.refused("DELETE", "/floors/0", 409)["code"] == "last-floor"
    surveyor.send("/floors", floor())
    assert surveyor.refused("DELETE", "/floors/0", 409)["code"] == "floor-in-use"
    surveyor.send("/points", {"floor": "1", "x_m": 5, "y_m": 5, "name": ""})
    assert "points" in surveyor.refused("DELETE", "/floors/1", 409)["detail"]


def test_beacons_are_placed_moved_replaced_and_removed(surveyor: Surveyor) -> None:
    surveyor.send("/beacons/name%3ADEMO%3Anew", {"floor": "0", "x_m": 1, "y_m": 2}, "PUT")
    assert place_of(surveyor, "name:demo:new") == ("0", 1, 2)
    surveyor.send(f"/beacons/{NEAR}/move", {"floor": "0", "x_m": 3, "y_m": 4})
    assert place_of(surveyor, NEAR) == ("0", 3, 4)
    surveyor.send(f"/beacons/{NEAR}/replace", {"replacement": "name:demo:b99"})
    assert place_of(surveyor, "name:demo:b99") == ("0", 3, 4)
    surveyor.send("/beacons/name:demo:b99", method="DELETE")
    said = [surveyor.send("/undo")["what"] for _ in range(3)]
    assert [one.split()[-1] for one in said] == ["removed", "name:demo:b99", "moved"]
    assert place_of(surveyor, NEAR) == ("0", 1.5, 1.5)


@pytest.mark.parametrize(
    ("method", "where", "body", "status"),
    [
        ("PUT", "/beacons/c3:00:11:22:33:44", {"floor": "0", "x_m": 1, "y_m": 1}, 422),
        ("PUT", "/beacons/name:a:b", {"floor": "9", "x_m": 1, "y_m": 1}, 422),
        ("DELETE", "/beacons/name:a:b", None, 404),
        ("POST", "/beacons/name:a:b/move", {"floor": "0", "x_m": 1, "y_m": 1}, 404),
        ("POST", f"/beacons/{NEAR}/replace", {"replacement": "name:demo:b05"}, 409),
        ("POST", f"/beacons/{NEAR}/replace", {"replacement": "the new one"}, 422),
        ("POST", f"/beacons/{NEAR}/replace", {"replacement": NEAR}, 409),
    ],
)
def test_a_beacon_that_cannot_be_is_refused(
    surveyor: Surveyor, method: str, where: str, body: object, status: int
) -> None:
    surveyor.refused(method, where, status, json=body)
    assert place_of(surveyor, NEAR) == ("0", 1.5, 1.5)


def test_beacons_come_from_csv_all_or_none(surveyor: Surveyor) -> None:
    good = f"id,x_m,y_m,floor\n{NEAR},9,9,0\nname:demo:x,1,1,0\n"
    done = surveyor.ask("POST", "/beacons/import", content=good)
    assert done.json() == {"what": "2 beacons imported"}
    assert place_of(surveyor, NEAR) == ("0", 9, 9)
    twice = f"id,x_m,y_m,floor\n{NEAR},1,1,0\n{NEAR},2,2,0\n"
    problem = surveyor.refused("POST", "/beacons/import", 422, content=twice)
    assert problem["code"] == "id-twice"
    assert "line 3" in problem["detail"]
    assert place_of(surveyor, NEAR) == ("0", 9, 9)
