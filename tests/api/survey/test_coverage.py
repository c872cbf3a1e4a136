from typing import Any

import pytest

from tests.api.survey.surveyor import NEAR, Surveyor


def covered(surveyor: Surveyor) -> Any:
    return surveyor.ask("GET", "/coverage?floor=0&cell_m=2").json()


def record(surveyor: Surveyor, point: str, *, seconds: float = 16, rssi_dbm: float = -60) -> None:
    surveyor.start_point(point)
    surveyor.listen(seconds, rssi_dbm=rssi_dbm)
    surveyor.send("/recordings/current/finish")


def test_points_tell_how_far_they_are_and_cells_who_is_heard(surveyor: Surveyor) -> None:
    for x_m in (1, 3, 5, 7, 9):
        surveyor.send("/points", {"floor": "0", "x_m": x_m, "y_m": 5, "name": ""})
    surveyor.begin()
    assert covered(surveyor)["minutes_left"] is None
    record(surveyor, "0-001")
    record(surveyor, "0-001")
    record(surveyor, "0-002")
    record(surveyor, "0-003", seconds=4)
    record(surveyor, "0-004")
    surveyor.start_point("0-004")
    surveyor.runner.run(surveyor._listen(16, -40))
    surveyor.send("/recordings/current/finish")
    answer = covered(surveyor)
    assert [one["state"] for one in answer["points"]][:3] == ["agrees", "one_visit", "thin"]
    assert answer["points"][4]["state"] == "todo"
    assert (answer["done"], answer["total"]) == (3, 5)
    assert answer["points"][0] | {"changed": []} == {
        "id": "0-001",
        "state": "agrees",
        "visits": 2,
        "scans": 10,
        "adverts": 320,
        "beacons": 2,
        "changed": [],
    }
    assert answer["points"][3]["state"] == "contradicts"
    assert NEAR in answer["points"][3]["changed"]
    assert answer["minutes_left"] > 0
    cells = {(one["x_m"], one["y_m"]): one["beacons"] for one in answer["cells"]}
    assert cells == {(1, 5): 2, (3, 5): 2, (5, 5): 2, (7, 5): 2}


def test_a_walk_covers_the_cells_it_passes(surveyor: Surveyor) -> None:
    surveyor.begin()
    surveyor.send("/recordings", {"kind": "walk", "at": {"floor": "0", "x_m": 1, "y_m": 7}})
    surveyor.listen(12)
    surveyor.send("/recordings/current/waypoints", {"floor": "0", "x_m": 13, "y_m": 7})
    surveyor.send("/recordings/current/finish")
    assert [one["x_m"] for one in covered(surveyor)["cells"]] == [3, 5, 9, 11]


def test_walks_of_a_large_survey_come_into_the_cells_one_after_another(
    surveyor: Surveyor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localizer.survey_app.guide.READ_AT_ONCE", 1)
    surveyor.begin()
    for y_m in (5, 7, 8.5):
        surveyor.send("/recordings", {"kind": "walk", "at": {"floor": "0", "x_m": 1, "y_m": y_m}})
        surveyor.listen(12)
        surveyor.send("/recordings/current/waypoints", {"floor": "0", "x_m": 13, "y_m": y_m})
        surveyor.send("/recordings/current/finish")
    version = surveyor.state["version"]
    first = covered(surveyor)
    assert (first["walks_unread"], len(first["cells"])) == (2, 4)
    assert surveyor.state["version"] == version + 1
    last = covered(surveyor)
    assert (last["walks_unread"], len(last["cells"])) == (0, 12)
    assert surveyor.state["version"] == version + 1


def test_what_cannot_be_covered_is_refused(surveyor: Surveyor) -> None:
    surveyor.refused("GET", "/coverage?floor=9", 404)
    surveyor.refused("GET", "/coverage?floor=0&cell_m=0", 422)
    surveyor.refused("GET", "/coverage", 422)
