import pytest

from tests.api.survey.surveyor import Surveyor


def ids(surveyor: Surveyor) -> list[str]:
    return [one["id"] for one in surveyor.state["points"]]


def test_a_point_is_added_and_taken_back(surveyor: Surveyor) -> None:
    made = surveyor.send("/points", {"floor": "0", "x_m": 5, "y_m": 5, "name": "door"})
    (point,) = surveyor.state["points"]
    expected = {"id": made["id"], "floor": "0", "x_m": 5, "y_m": 5, "name": "door"}
    assert point == {**expected, "source": "free"}
    assert surveyor.send("/undo")["what"] == f"point {made['id']} added"
    assert ids(surveyor) == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"floor": "0", "x_m": 11.5, "y_m": 3}, 422, "not-walkable"),
        ({"floor": "0", "x_m": -5, "y_m": 3}, 422, "not-walkable"),
        ({"floor": "7", "x_m": 5, "y_m": 3}, 422, "unknown-floor"),
        ({"floor": "0", "x_m": "NaN", "y_m": 3}, 422, "invalid-field"),
        ({"floor": "0", "y_m": 3}, 422, "invalid-field"),
    ],
)
def test_a_point_where_nobody_can_stand_is_refused(
    surveyor: Surveyor, body: object, status: int, code: str
) -> None:
    assert surveyor.refused("POST", "/points", status, json=body)["code"] == code


def test_a_finer_grid_replaces_the_coarse_one_but_for_points_with_data(surveyor: Surveyor) -> None:
    surveyor.send("/points/grid", {"floor": "0", "step_m": 6})
    coarse = ids(surveyor)
    surveyor.begin()
    surveyor.start_point(coarse[0])
    surveyor.listen(4)
    surveyor.send("/recordings/current/finish")
    surveyor.send("/points/grid", {"floor": "0", "step_m": 3})
    fine = surveyor.state["points"]
    assert fine[0]["id"] == coarse[0]
    assert len(fine) > 2 * len(coarse)
    places = {(one["x_m"], one["y_m"]) for one in fine}
    assert len(places) == len(fine)
    surveyor.send("/undo")
    assert sorted(ids(surveyor)) == sorted(coarse)


@pytest.mark.parametrize("step_m", [0, 0.1, 100, -1])
def test_a_step_that_makes_no_grid_is_refused(surveyor: Surveyor, step_m: float) -> None:
    surveyor.refused("POST", "/points/grid", 422, json={"floor": "0", "step_m": step_m})
    surveyor.refused("POST", "/points/grid", 404, json={"floor": "3", "step_m": 2})


def test_points_come_from_csv_all_or_none(surveyor: Surveyor) -> None:
    good = "x_m,y_m,floor,name\n1,1,0,a\n2,2,0,b\n"
    assert surveyor.ask("POST", "/points/import", content=good).is_success
    assert len(ids(surveyor)) == 2
    degrees = "latitude,longitude,floor,name\n48.1,11.5,0,a\n"
    problem = surveyor.refused("POST", "/points/import", 422, content=degrees)
    assert problem["code"] == "degrees"
    outside = "x_m,y_m,floor,name\n3,3,0,c\n300,3,0,d\n"
    assert "line 3" in surveyor.refused("POST", "/points/import", 422, content=outside)["detail"]
    assert len(ids(surveyor)) == 2


def test_a_point_with_data_stays(surveyor: Surveyor) -> None:
    point = surveyor.send("/points", {"floor": "0", "x_m": 5, "y_m": 5, "name": ""})["id"]
    surveyor.begin()
    surveyor.start_point(point)
    surveyor.send("/recordings/current/discard")
    assert "recordings" in surveyor.refused("DELETE", f"/points/{point}", 409)["detail"]
    surveyor.refused("DELETE", "/points/9", 404)
    # What can never be taken back is not offered for ever.
    surveyor.refused("POST", "/undo", 409)
    assert surveyor.state["undo"] is None


def test_the_next_point_is_the_nearest_that_lacks_data(surveyor: Surveyor) -> None:
    for x_m in (2, 9, 14):
        surveyor.send("/points", {"floor": "0", "x_m": x_m, "y_m": 6, "name": ""})
    here = {"floor": "0", "x_m": 1, "y_m": 6}
    first = surveyor.ask("GET", "/points/next", params=here).json()
    assert (first["point"]["id"], first["distance_m"]) == ("0-001", 1.0)
    surveyor.begin()
    surveyor.start_point("0-001")
    surveyor.listen(16)
    surveyor.send("/recordings/current/finish")
    assert surveyor.ask("GET", "/points/next", params=here).json()["point"]["id"] == "0-002"
    assert surveyor.ask("GET", "/points/next").json()["point"]["id"] == "0-002"
    surveyor.refused("GET", "/points/next?floor=0", 422)


def test_when_nothing_lacks_data_there_is_no_next_point(surveyor: Surveyor) -> None:
    answer = surveyor.ask("GET", "/points/next").json()
    assert (answer["point"], answer["reason"]) == (None, "no_points")
