from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from localizer.survey import Survey
from tests.api.survey.surveyor import Surveyor


def session(surveyor: Surveyor) -> dict[str, object]:
    (found,) = surveyor.state["sessions"]
    assert isinstance(found, dict)
    return found


def test_a_session_is_begun_ended_and_gone_on_with(surveyor: Surveyor) -> None:
    body = {"device": "Pi", "person": "Ada", "note": "rainy", "role": "sealed", "utc_offset_s": 0}
    made = surveyor.send("/sessions", body)["id"]
    found = session(surveyor)
    assert {name: found[name] for name in ("device", "person", "note", "role", "state")} == {
        "device": "Pi",
        "person": "Ada",
        "note": "rainy",
        "role": "sealed",
        "state": "open",
    }
    assert surveyor.state["session"] == made
    surveyor.send(f"/sessions/{made}/end")
    assert (surveyor.state["session"], session(surveyor)["state"]) == (None, "closed")
    assert surveyor.send(f"/sessions/{made}/resume") == {"id": made}
    assert surveyor.refused("POST", "/sessions/another/end", 409)["code"] == "other-session"


def test_a_session_with_an_open_recording_does_not_end(surveyor: Surveyor) -> None:
    made = surveyor.begin()
    surveyor.send("/recordings", {"kind": "unlabelled"})
    problem = surveyor.refused("POST", f"/sessions/{made}/end", 409)
    assert problem["code"] == "recording-open"
    surveyor.send("/recordings/current/discard")
    surveyor.send(f"/sessions/{made}/end")


def test_two_sessions_of_one_day_have_their_own_ids(surveyor: Surveyor) -> None:
    first = surveyor.begin()
    surveyor.send(f"/sessions/{first}/end")
    second = surveyor.begin()
    assert first.rpartition("-")[0] == second.rpartition("-")[0]
    assert (first[-2:], second[-2:]) == ("-1", "-2")


def test_a_person_is_forgotten_and_a_session_expires(surveyor: Surveyor, path: Path) -> None:
    made = surveyor.send("/sessions", {"device": "Pi", "person": "Ada", "utc_offset_s": 3600})["id"]
    surveyor.send("/recordings", {"kind": "unlabelled"})
    surveyor.listen(10)
    surveyor.send("/recordings/current/finish")
    surveyor.send(f"/sessions/{made}", {"person": None, "note": "done"}, "PATCH")
    found = session(surveyor)
    assert (found["person"], found["note"], found["device"]) == (None, "done", "Pi")
    today = (datetime.now(UTC) + timedelta(hours=1)).date()
    tomorrow = (today + timedelta(days=1)).isoformat()
    surveyor.send(f"/sessions/{made}", {"expires_on": tomorrow}, "PATCH")
    assert (session(surveyor)["expires_on"], session(surveyor)["expired"]) == (tomorrow, False)
    surveyor.send(f"/sessions/{made}", {"expires_on": today.isoformat()}, "PATCH")
    assert session(surveyor)["expired"]
    with Survey.open(path) as survey:
        assert list(survey.fingerprints(labelled=False)) == []
    surveyor.send(f"/sessions/{made}/end")
    assert surveyor.send("/sessions/expired", method="DELETE") == {"what": "1 sessions deleted"}
    assert surveyor.state["sessions"] == []


def test_a_deleted_session_leaves_with_its_data(surveyor: Surveyor, path: Path) -> None:
    made = surveyor.begin()
    surveyor.send("/recordings", {"kind": "unlabelled"})
    surveyor.listen(10)
    surveyor.send("/recordings/current/finish")
    assert surveyor.refused("DELETE", f"/sessions/{made}", 409)["code"] == "session-open"
    surveyor.send(f"/sessions/{made}/end")
    surveyor.send(f"/sessions/{made}", method="DELETE")
    assert (surveyor.state["sessions"], surveyor.state["recordings"]) == ([], [])
    with Survey.open(path) as survey:
        assert survey.counts().fingerprints == 0
    surveyor.refused("DELETE", f"/sessions/{made}", 404)
    surveyor.refused("POST", f"/sessions/{made}/resume", 404)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"device": ""},
        {"device": "x" * 300},
        {"device": "Pi", "role": "training"},
        {"device": "Pi\x00"},
        {"device": "Pi", "utc_offset_s": 10**9},
        {"device": "Pi", "id": "mine"},
    ],
)
def test_a_session_that_cannot_be_is_refused(surveyor: Surveyor, body: object) -> None:
    before = surveyor.service.shared.version
    answer = surveyor.ask("POST", "/sessions", json=body)
    assert answer.status_code in (409, 422)
    assert surveyor.service.shared.version == before
    assert surveyor.state["sessions"] == []


@pytest.mark.parametrize("day", ["tomorrow", "2026-13-01", "2026-02-30"])
def test_a_day_that_is_none_is_refused(surveyor: Surveyor, day: str) -> None:
    made = surveyor.begin()
    surveyor.refused("PATCH", f"/sessions/{made}", 422, json={"expires_on": day})
