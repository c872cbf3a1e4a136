import asyncio
from pathlib import Path
from urllib.parse import quote

import pytest

from localizer.site import Position
from localizer.sources import Whereabouts
from localizer.survey import Survey
from tests.api.survey.surveyor import FAR, NEAR, Surveyor, surveying


@pytest.fixture
def point(surveyor: Surveyor) -> str:
    made: str = surveyor.send("/points", {"floor": "0", "x_m": 5, "y_m": 5, "name": ""})["id"]
    return made


def recording(surveyor: Surveyor) -> dict[str, object]:
    (found,) = surveyor.state["recordings"]
    assert isinstance(found, dict)
    return found


def test_a_simulated_receiver_is_told_where_the_surveyor_is(
    surveyor: Surveyor, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[Whereabouts | None] = []
    monkeypatch.setattr(surveyor.source, "be_at", said.append, raising=False)
    surveyor.begin()
    surveyor.start_point(point, heading_deg=90)
    surveyor.send("/recordings/current/finish")
    start, near = ({"floor": "0", "x_m": x_m, "y_m": 6} for x_m in (3, 4))
    surveyor.send("/recordings", {"kind": "walk", "at": start})
    surveyor.refused("POST", "/recordings/current/waypoints", 422, json={**start, "x_m": 20})
    surveyor.listen(2)
    surveyor.send("/recordings/current/waypoints", near)
    surveyor.send("/recordings/current/discard")
    surveyor.send("/recordings", {"kind": "unlabelled"})
    assert said == [
        Whereabouts(Position(5, 5, "0"), heading_deg=90),
        None,
        Whereabouts(Position(3, 6, "0"), walking=True),
        Whereabouts(Position(4, 6, "0"), walking=True),
        None,
        None,
    ]


def test_a_walk_begins_on_a_floor_of_the_site(surveyor: Surveyor) -> None:
    surveyor.begin()
    start = {"floor": "9", "x_m": 3, "y_m": 6}
    problem = surveyor.refused("POST", "/recordings", 404, json={"kind": "walk", "at": start})
    assert "'9'" in problem["detail"]
    assert surveyor.state["recordings"] == []


def test_scans_in_which_nothing_was_heard_do_not_make_a_point_done(
    surveyor: Surveyor, point: str
) -> None:
    surveyor.begin()
    surveyor.start_point(point)
    surveyor.listen(11.8)
    surveyor.source.clock.advance(6)
    now = surveyor.status
    assert (now["recording"]["scans"], now["recording"]["wanted_s"]) == (4, 15)
    assert [one["code"] for one in now["quality"]["findings"]] == ["too_short"]
    surveyor.send("/recordings/current/finish")
    covered = surveyor.ask("GET", "/coverage?floor=0").json()
    assert (covered["points"][0]["scans"], covered["points"][0]["state"]) == (4, "thin")


def test_a_stand_is_shown_while_it_goes_on_and_becomes_scans(
    surveyor: Surveyor, point: str
) -> None:
    session = surveyor.begin()
    made = surveyor.start_point(point, heading_deg=90)
    surveyor.listen(16)
    now = surveyor.status["recording"]
    assert (now["id"], now["kind"], now["point"], now["heading_deg"]) == (made, "point", point, 90)
    assert (round(now["elapsed_s"]), now["adverts"], now["beacons"]) == (16, 160, 2)
    assert now["scans"] == 5
    assert surveyor.status["quality"] == {"ok": True, "findings": []}
    assert surveyor.send("/recordings/current/finish") == {"id": made, "findings": []}
    assert surveyor.status["recording"] is None
    found = recording(surveyor)
    assert (found["status"], found["adverts"], found["scans"]) == ("complete", 160, 5)
    assert (found["session"], found["beacons"]) == (session, 2)
    assert surveyor.state["sessions"][0]["fingerprints"] == 5


def test_what_is_heard_is_shown_before_anything_is_recorded(surveyor: Surveyor) -> None:
    surveyor.listen(2)
    heard = surveyor.status["heard"]
    assert [one["beacon"] for one in heard] == [NEAR, FAR]
    assert (heard[0]["rssi_dbm"], heard[0]["median_dbm"], heard[0]["count"]) == (-60, -60, 10)
    assert surveyor.status["recording"] is None
    assert surveyor.status["quality"] is None


def test_a_stand_too_short_is_said_at_once_and_at_the_end(surveyor: Surveyor, point: str) -> None:
    surveyor.begin()
    surveyor.start_point(point)
    surveyor.listen(1)
    now = surveyor.status["quality"]
    assert not now["ok"]
    assert {one["code"] for one in now["findings"]} == {"too_short", "too_few_adverts"}
    assert all(one["words"] and one["advice"] for one in now["findings"])
    said = surveyor.send("/recordings/current/finish")["findings"]
    assert [one["code"] for one in said] == ["too_short", "too_few_adverts"]


def test_a_beacon_that_the_neighbours_hear_and_this_point_does_not_is_named(
    surveyor: Surveyor, point: str
) -> None:
    surveyor.begin()
    for x_m in (4, 6):
        near = surveyor.send("/points", {"floor": "0", "x_m": x_m, "y_m": 5, "name": ""})["id"]
        surveyor.start_point(near)
        surveyor.listen(16)
        surveyor.send("/recordings/current/finish")
    surveyor.start_point(point)
    surveyor.runner.run(_hear_one(surveyor, 16))
    (finding,) = surveyor.status["quality"]["findings"]
    assert (finding["code"], finding["beacons"]) == ("beacon_silent", [FAR])


async def _hear_one(surveyor: Surveyor, seconds: float) -> None:
    for _ in range(round(seconds / 0.2)):
        surveyor.source.clock.advance(0.2)
        surveyor.source.hear(NEAR, -60)
        await asyncio.sleep(0)
        await asyncio.sleep(0)


def test_a_walk_is_tapped_along_and_labels_what_lies_between(
    surveyor: Surveyor, path: Path
) -> None:
    surveyor.begin()
    surveyor.send("/recordings", {"kind": "walk", "at": {"floor": "0", "x_m": 1, "y_m": 6}})
    surveyor.listen(9)
    version = surveyor.state["version"]
    surveyor.send("/recordings/current/waypoints", {"floor": "0", "x_m": 9, "y_m": 6})
    surveyor.listen(9)
    surveyor.send("/recordings/current/waypoints", {"floor": "0", "x_m": 9, "y_m": 8})
    surveyor.send("/recordings/current/waypoints/last", method="DELETE")
    surveyor.send("/recordings/current/waypoints", {"floor": "0", "x_m": 17, "y_m": 6})
    taps = surveyor.status["recording"]["waypoints"]
    assert [(one["x_m"], round(one["elapsed_s"])) for one in taps] == [(1, 0), (9, 9), (17, 18)]
    assert surveyor.state["version"] == version
    assert surveyor.send("/recordings/current/finish")["findings"] == []
    with Survey.open(path) as survey:
        xs = [one.position.x_m for one in survey.fingerprints(labelled=True) if one.position]
    assert xs == pytest.approx([2.33, 5, 7.67, 10.33, 13, 15.67], abs=0.1)


def test_a_leg_through_a_wall_is_said_at_the_end(surveyor: Surveyor) -> None:
    surveyor.begin()
    surveyor.send("/recordings", {"kind": "walk", "at": {"floor": "0", "x_m": 6, "y_m": 8}})
    surveyor.listen(6)
    surveyor.send("/recordings/current/waypoints", {"floor": "0", "x_m": 6, "y_m": 10})
    (finding,) = surveyor.send("/recordings/current/finish")["findings"]
    assert finding["code"] == "through_wall"


def test_taps_that_cannot_have_happened_are_refused(surveyor: Surveyor) -> None:
    surveyor.begin()
    surveyor.send("/recordings", {"kind": "walk", "at": {"floor": "0", "x_m": 1, "y_m": 6}})
    problem = surveyor.refused("POST", "/recordings/current/finish", 422)
    assert problem["code"] == "too-few-taps"
    surveyor.listen(1)
    far = {"floor": "0", "x_m": 20, "y_m": 6}
    problem = surveyor.refused("POST", "/recordings/current/waypoints", 422, json=far)
    assert problem["code"] == "too-fast"
    surveyor.refused("POST", "/recordings/current/waypoints", 404, json={**far, "floor": "8"})
    assert len(surveyor.status["recording"]["waypoints"]) == 1


def test_scans_without_a_place_are_for_the_augmentation(surveyor: Surveyor, path: Path) -> None:
    surveyor.begin()
    surveyor.send("/recordings", {"kind": "unlabelled"})
    surveyor.listen(10)
    assert surveyor.status["quality"] is None
    surveyor.send("/recordings/current/finish")
    with Survey.open(path) as survey:
        assert len(list(survey.fingerprints(labelled=False))) == 3


def test_two_phones_cannot_record_over_each_other(surveyor: Surveyor, point: str) -> None:
    no_session = surveyor.refused("POST", "/recordings", 409, json={"kind": "unlabelled"})
    assert no_session["code"] == "no-session"
    surveyor.begin()
    another = surveyor.refused("POST", "/sessions", 409, json={"device": "Pi"})
    assert another["code"] == "session-open"
    first = surveyor.start_point(point)
    second = surveyor.refused("POST", "/recordings", 409, json={"kind": "unlabelled"})
    assert second["code"] == "recording-open"
    assert first in second["detail"]
    other = surveyor.refused("POST", "/recordings/current/finish?recording=another", 409)
    assert other["code"] == "other-recording"
    surveyor.send(f"/recordings/current/finish?recording={quote(first, safe='')}")
    assert surveyor.refused("POST", "/recordings/current/finish", 409)["code"] == "no-recording"
    no_walk = {"floor": "0", "x_m": 1, "y_m": 1}
    surveyor.start_point(point)
    problem = surveyor.refused("POST", "/recordings/current/waypoints", 409, json=no_walk)
    assert problem["code"] == "no-walk"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "point"}, 422),
        ({"kind": "point", "point": "nowhere"}, 404),
        ({"kind": "walk"}, 422),
        ({"kind": "dance"}, 422),
        ({"kind": "walk", "at": {"floor": "0", "x_m": 1}}, 422),
        ({"kind": "unlabelled", "resumes": "nothing"}, 404),
    ],
)
def test_what_cannot_be_recorded_is_refused(surveyor: Surveyor, body: object, status: int) -> None:
    surveyor.begin()
    surveyor.refused("POST", "/recordings", status, json=body)
    assert surveyor.state["recordings"] == []


def test_an_ended_recording_is_left_out_taken_in_again_and_deleted(
    surveyor: Surveyor, point: str
) -> None:
    surveyor.begin()
    made = quote(surveyor.start_point(point), safe="")
    open_ = surveyor.refused("DELETE", f"/recordings/{made}", 409)
    assert "open" in open_["detail"]
    surveyor.listen(10)
    surveyor.send("/recordings/current/finish")
    surveyor.send(f"/recordings/{made}/discard")
    found = recording(surveyor)
    assert (found["status"], found["scans"], found["adverts"]) == ("discarded", 0, 100)
    assert surveyor.send(f"/recordings/{made}/complete") == {"what": "3 scans kept"}
    surveyor.send(f"/recordings/{made}", method="DELETE")
    assert surveyor.state["recordings"] == []
    surveyor.refused("POST", f"/recordings/{made}/complete", 404)


def test_what_was_cut_off_is_offered_and_gone_on_with(path: Path) -> None:
    with surveying(path) as before:
        point = before.send("/points", {"floor": "0", "x_m": 5, "y_m": 5, "name": ""})["id"]
        session = before.begin()
        cut_off = before.start_point(point)
        before.listen(7)
        version = before.state["version"]
    with surveying(path) as after:
        state = after.state
        assert state["version"] > version
        assert state["session"] is None
        assert state["sessions"][0]["state"] == "open"
        assert (recording(after)["status"], recording(after)["adverts"]) == ("incomplete", 70)
        assert after.send(f"/sessions/{session}/resume") == {"id": session}
        after.start_point(point, resumes=cut_off)
        after.listen(7)
        after.send("/recordings/current/finish")
        first, second = after.state["recordings"]
        assert (first["status"], second["status"]) == ("complete", "complete")
        assert (second["resumes"], first["scans"], second["scans"]) == (cut_off, 2, 2)
