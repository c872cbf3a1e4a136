"""The site and its history, points, plans, beacons that change, sessions that go."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from localizer.beacons import BeaconId
from localizer.clock import ManualClock
from localizer.errors import SiteError, SurveyError
from localizer.scans import Session
from localizer.site import Floor, Position
from localizer.survey import (
    BeaconChange,
    FloorPlan,
    Point,
    Survey,
    records,
)
from localizer.survey import plans as plans_module
from localizer.survey.changes import present_beacon, present_readings
from localizer.surveying.scale import MeasuredDistance, PlanTransform
from tests.strategies import fingerprint
from tests.survey.recorded import (
    FLOOR,
    NOON,
    P1,
    P2,
    SITE,
    A,
    B,
    C,
    S,
    hear,
    new_survey,
    recorder_at,
)

D = BeaconId("name:uci:new")
DAY = timedelta(days=1)


@pytest.fixture
def survey(tmp_path: Path) -> Iterator[Survey]:
    with new_survey(tmp_path / "a.survey") as survey:
        yield survey


def _stand(survey: Survey, point: str = "p1", *, session: str = "monday") -> str:
    clock = ManualClock(1000 * S)
    with recorder_at(survey.path, clock, session=Session(session, "development", "pi")) as one:
        one.start_point(point)
        hear(one, clock, 6)
        return one.finish().id


def test_every_edit_of_the_site_can_be_undone(survey: Survey) -> None:
    attic = Floor("attic", "Attic", ((0, 0), (5, 0), (5, 5)))
    larger = replace(SITE, floors=(*SITE.floors, attic))
    survey.save_site(larger, what="attic drawn")
    survey.save_site(replace(larger, name="Lab"), what="renamed")
    assert [edit.what for edit in survey.site_edits()] == ["attic drawn", "renamed"]
    undone = survey.undo_site()
    assert undone is not None
    assert undone.what == "renamed"
    assert survey.site == larger
    with Survey.open(survey.path) as again:
        assert again.site == larger
    assert survey.undo_site() is not None
    assert survey.site == SITE
    assert survey.undo_site() is None


def test_a_floor_with_points_or_a_plan_stays(survey: Survey) -> None:
    attic = Floor("attic", "Attic", ((0, 0), (5, 0), (5, 5)))
    survey.save_site(replace(SITE, floors=(*SITE.floors, attic)), what="attic drawn")
    survey.points.put([Point("up", Position(1.0, 1.0, "attic"))])
    with pytest.raises(SurveyError, match="attic"):
        survey.save_site(SITE, what="attic removed")
    with pytest.raises(SurveyError, match="attic"):
        survey.undo_site()
    survey.points.remove(["up", "never there"])
    survey.save_site(SITE, what="attic removed")


def test_points_keep_their_order_and_are_replaced_by_id(survey: Survey) -> None:
    third = Point("p0", Position(-0.0, 5e-324, FLOOR), "", "imported")
    assert survey.points.put([third]) == 1
    renamed = replace(P1, name="by the window")
    survey.points.put([renamed])
    assert survey.points.all() == [renamed, P2, third]
    assert repr(survey.points.all()[2].position) == repr(third.position)


@pytest.mark.parametrize(
    ("point", "message"),
    [
        (Point("", Position(0, 0, FLOOR)), "id must not be empty"),
        (Point("x", Position(0, 0, "cellar")), "cellar"),
        (Point("x", Position(float("nan"), 0, FLOOR)), "finite"),
        (Point("x", Position(0, 0, FLOOR), source="guess"), "guess"),  # type: ignore[arg-type]
    ],
)
def test_a_bad_point_is_refused_with_all_of_its_call(
    survey: Survey, point: Point, message: str
) -> None:
    with pytest.raises(SurveyError, match=message):
        survey.points.put([Point("good", Position(0, 0, FLOOR)), point])
    assert survey.points.all() == [P1, P2]


def test_a_point_with_recordings_stays_unless_it_was_noted_wrongly(survey: Survey) -> None:
    _stand(survey)
    moved = replace(P1, position=Position(9.0, 9.0, FLOOR))
    with pytest.raises(SurveyError, match="would move"):
        survey.points.put([moved])
    with pytest.raises(SurveyError, match="no recordings"):
        survey.points.remove(["p1"])
    assert {row.position for row in survey.fingerprints()} == {P1.position}
    survey.points.put([moved], correct=True)
    assert [row.position for row in survey.fingerprints()] == 2 * [moved.position]


def test_a_plan_comes_back_bit_for_bit(survey: Survey) -> None:
    measured = MeasuredDistance((0.1, 2.0), (300.0, 2.5), 12.34)
    plan = FloorPlan(
        FLOOR,
        "image/png",
        (640, 480),
        bytes(range(256)),
        PlanTransform(0.0123456789, (1.5, -0.0), 33.3),
        (measured, replace(measured, length_m=7)),
    )
    survey.plans.put(replace(plan, transform=None, distances=()))
    survey.plans.put(plan)
    assert survey.plans.floors() == [FLOOR]
    assert survey.plans.get(FLOOR) == plan
    drawn = FloorPlan(FLOOR, "application/geo+json", None, b"{}")
    survey.plans.put(drawn)
    assert survey.plans.get(FLOOR) == drawn
    survey.plans.remove(FLOOR)
    assert survey.plans.get(FLOOR) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"floor": "cellar"}, "cellar"),
        ({"data": b""}, "but got 0"),
        ({"data": bytes(101)}, "but got 101"),
        ({"distances": (MeasuredDistance((0, 0), (1, 1), float("nan")),)}, "finite"),
    ],
)
def test_a_bad_plan_is_refused(
    survey: Survey, changes: dict[str, object], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans_module, "MAX_PLAN_BYTES", 100)
    plan = replace(FloorPlan(FLOOR, "image/png", None, b"x"), **changes)  # type: ignore[arg-type]
    with pytest.raises(SurveyError, match=message):
        survey.plans.put(plan)


def test_a_plan_in_base64_fits_into_a_line_of_an_export() -> None:
    assert records.MAX_PLAN_BYTES > 25_000_000


def test_readings_of_a_replaced_beacon_become_its_successors(survey: Survey) -> None:
    hung = next(one.position for one in survey.site.beacons if one.id == A)
    recording = _stand(survey)
    before = survey.data_hash()
    survey.beacon_changes.replace(A, D, since_utc=NOON + DAY, note="battery")
    assert {beacon for row in survey.fingerprints() for beacon in row.scan.readings} == {B, D}
    assert survey.beacon_changes.mapping() == {A: D}
    assert [one.position for one in survey.site.beacons if one.id == D] == [hung]
    assert A not in {one.id for one in survey.site.beacons}
    assert set(survey.coverage().points[0].visits[0].heard) == {B, D}
    assert set(survey.recordings.heard(recording)) == {A, B}
    assert survey.data_hash() != before
    assert [edit.what for edit in survey.site_edits()] == [f"{A} replaced by {D}"]
    survey.undo_site()
    assert survey.beacon_changes.all() == []
    assert survey.data_hash() == before


def test_readings_of_a_moved_beacon_expire(survey: Survey) -> None:
    _stand(survey)
    survey.beacon_changes.move(A, Position(1.0, 1.0, FLOOR), since_utc=NOON + timedelta(seconds=3))
    first, second = survey.fingerprints()
    assert (set(first.scan.readings), set(second.scan.readings)) == ({B}, {A, B})
    assert survey.beacon_changes.mapping() == {}
    assert next(one.position for one in survey.site.beacons if one.id == A) == Position(1, 1, FLOOR)


def test_a_change_that_cannot_be_is_refused_and_the_site_stays(survey: Survey) -> None:
    with pytest.raises(SurveyError, match="is not; add it"):
        survey.beacon_changes.replace(D, A, since_utc=NOON)
    with pytest.raises(SurveyError, match="not be in the site yet"):
        survey.beacon_changes.replace(A, B, since_utc=NOON)
    with pytest.raises(SurveyError, match="time zone"):
        survey.beacon_changes.replace(A, D, since_utc=NOON.replace(tzinfo=None))
    with pytest.raises(SurveyError, match="beacon id"):
        survey.beacon_changes.replace(A, BeaconId("new"), since_utc=NOON)
    with pytest.raises(SiteError, match="cellar"):
        survey.beacon_changes.move(A, Position(0, 0, "cellar"), since_utc=NOON)
    assert survey.site == SITE
    assert not survey.site_edits()
    assert not survey.beacon_changes.all()


MONDAY, TUESDAY, FRIDAY = NOON, NOON + DAY, NOON + 4 * DAY


@pytest.mark.parametrize(
    ("beacon", "time", "expected"),
    [
        (A, MONDAY, C),  # replaced by B on Tuesday, B by C on Friday
        (A, FRIDAY, A),  # it hangs somewhere else, if it hangs at all
        (B, MONDAY, None),  # in the surveyor's pocket
        (B, TUESDAY, C),
        (B, FRIDAY, B),
        (C, TUESDAY, None),
        (C, FRIDAY, C),
        (D, TUESDAY, None),  # moved on Friday
        (D, FRIDAY, D),
    ],
)
def test_whose_reading_it_would_be_today(
    beacon: BeaconId, time: object, expected: BeaconId | None
) -> None:
    changes = [
        BeaconChange(A, TUESDAY, B),
        BeaconChange(B, FRIDAY, C),
        BeaconChange(D, FRIDAY),
    ]
    assert present_beacon(beacon, time, changes) == expected  # type: ignore[arg-type]


def test_a_beacon_that_replaced_two_hangs_where_the_second_one_hung() -> None:
    changes = [BeaconChange(A, TUESDAY, C), BeaconChange(B, FRIDAY, C)]
    heard = {A: (-60.0,), B: (-70.0, -71.0)}
    assert present_readings(heard, MONDAY, changes) == {C: (-70.0, -71.0)}
    assert present_readings(heard, FRIDAY, changes) is heard


def test_the_mapping_names_what_hangs_there_now(survey: Survey) -> None:
    survey.beacon_changes.replace(A, D, since_utc=TUESDAY)
    other = BeaconId("name:uci:newer")
    survey.beacon_changes.replace(D, other, since_utc=FRIDAY)
    assert survey.beacon_changes.mapping() == {A: other, D: other}
    survey.beacon_changes.move(other, None, since_utc=FRIDAY + DAY)
    assert survey.beacon_changes.mapping() == {}


def test_expired_sessions_are_read_by_nobody_and_then_deleted(survey: Survey) -> None:
    _stand(survey)
    kept = survey.data_hash(), list(survey.fingerprints())
    _stand(survey, session="tuesday")
    tuesday = survey.session("tuesday")
    survey.update_session(replace(tuesday, expires_utc=NOON + DAY, note="noisy"))
    with Survey.open(survey.path, utc_now=lambda: NOON) as early:
        assert {row.session for row in early.fingerprints()} == {"monday", "tuesday"}
    with Survey.open(survey.path, utc_now=lambda: NOON + DAY) as late:
        assert list(late.fingerprints(sessions=["monday", "tuesday"])) == kept[1]
        assert len(late.coverage().points[0].visits) == 1
        assert [one.id for one in late.readable_sessions()] == ["monday"]
        assert len(late.sessions) == 2
        assert late.delete_expired() == ["tuesday"]
        assert [one.id for one in late.sessions] == ["monday"]
        assert late.data_hash() == kept[0]


def test_a_deleted_session_leaves_no_trace(survey: Survey) -> None:
    _stand(survey)
    before = survey.data_hash()
    _stand(survey, session="tuesday")
    person = "Ada Lovelace of 12 St James's Square"
    survey.update_session(replace(survey.session("tuesday"), person=person))
    survey.add([fingerprint(session="tuesday", visit="secret place")])
    assert person.encode() in survey.path.read_bytes()
    survey.delete_session("tuesday")
    assert survey.data_hash() == before
    data = survey.path.read_bytes()
    assert person.encode() not in data
    assert b"secret place" not in data
    for table, left in (("recordings", 1), ("adverts", 24), ("heard", 2), ("fingerprints", 2)):
        assert survey._file.rows(f"SELECT count(*) FROM {table}") == [(left,)]
    with pytest.raises(SurveyError, match="tuesday"):
        survey.delete_session("tuesday")


def test_compacting_makes_the_file_smaller(survey: Survey) -> None:
    survey.add_session(Session("big", "development", "pi"))
    survey.add(fingerprint(n % 60, session="big", visit="v" * 500) for n in range(500))
    survey.delete_session("big")
    before = survey.path.stat().st_size
    survey.compact()
    assert survey.path.stat().st_size < before / 2
    assert survey.points.all() == [P1, P2]


def test_a_person_is_erased_and_the_data_stay(survey: Survey) -> None:
    _stand(survey)
    before = survey.data_hash()
    survey.update_session(replace(survey.session("monday"), person="Ada Lovelace"))
    assert survey.data_hash() == before
    assert survey.erase_person("Ada Lovelace") == 1
    assert survey.session("monday").person is None
    assert b"Ada Lovelace" not in survey.path.read_bytes()


def test_a_session_keeps_its_role(survey: Survey) -> None:
    survey.add_session(Session("s", "development", "pi"))
    with pytest.raises(SurveyError, match="role must stay"):
        survey.update_session(Session("s", "sealed", "pi"))
    for bad in (
        Session("t", "development", "pi", started_utc=NOON.replace(tzinfo=None)),
        Session("t", "development", "pi", utc_offset_s=100_000),
        Session("t", "development", "pi", person=""),
        Session("t", "development", "pi", state="paused"),  # type: ignore[arg-type]
    ):
        with pytest.raises(SurveyError):
            survey.add_session(bad)


def test_a_recording_is_deleted_with_all_of_it(survey: Survey) -> None:
    first, second = _stand(survey), _stand(survey)
    survey.recordings.delete(first)
    assert [one.id for one in survey.recordings.all()] == [second]
    assert {row.visit for row in survey.fingerprints()} == {second}
    with pytest.raises(SurveyError, match=first):
        survey.recordings.get(first)


def test_scans_are_cut_anew(survey: Survey) -> None:
    recording = _stand(survey)
    survey.recordings.discard(_stand(survey, "p2"))
    assert len(list(survey.fingerprints())) == 2
    assert survey.recordings.derive_all(window_s=1.0) == 6
    assert {row.scan.duration_s for row in survey.fingerprints()} == {1.0}
    assert survey.recordings.get(recording).window_s == 1.0
    with pytest.raises(SurveyError, match="window_s > 0"):
        survey.recordings.derive_all(window_s=0.0)
    assert len(list(survey.fingerprints())) == 6


def test_coverage_tells_points_visits_and_beacons(survey: Survey) -> None:
    first, second = _stand(survey), _stand(survey)
    survey.recordings.discard(_stand(survey, "p2"))
    clock = ManualClock(2000 * S)
    with recorder_at(survey.path, clock) as recorder:
        recorder.start_unlabelled()
        hear(recorder, clock, 3)
        recorder.finish()
    coverage = survey.coverage()
    one, two = coverage.points
    assert (one.point, two.point) == (P1, P2)
    assert [visit.recording.id for visit in one.visits] == [first, second]
    assert (one.scans, one.adverts, two.visits) == (4, 48, ())
    assert one.visits[0].heard[A].mean_dbm == pytest.approx(-61.0)
    assert one.visits[0].heard[A].sd_dbm == pytest.approx(0.8528, abs=1e-4)
    (elsewhere,) = coverage.elsewhere
    assert (elsewhere.recording.kind, elsewhere.scans, elsewhere.adverts) == ("unlabelled", 1, 12)
    assert survey.coverage(roles=("sealed",)).elsewhere == ()


def test_a_copy_is_whole_while_a_recording_goes_on(survey: Survey, tmp_path: Path) -> None:
    clock = ManualClock(1000 * S)
    with recorder_at(survey.path, clock) as recorder:
        recorder.start_point("p1")
        hear(recorder, clock, 6)
        while recorder.status.committed < 24:
            recorder._thread.do(lambda log: None)
        survey.copy_to(tmp_path / "copy.survey")
        recorder.finish()
    with Survey.open(tmp_path / "copy.survey") as copy:
        (one,) = copy.recordings.all()
        assert (one.status, len(list(copy.recordings.adverts(one.id)))) == ("open", 24)
    with pytest.raises(SurveyError, match="writable"):
        survey.copy_to(tmp_path / "missing" / "copy.survey")
