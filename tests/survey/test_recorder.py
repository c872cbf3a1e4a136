import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from localizer.beacons import BeaconId
from localizer.clock import ManualClock
from localizer.errors import SurveyError
from localizer.scans import Advertisement, Session
from localizer.site import Position
from localizer.survey import Recorder, RecorderStatus, Survey, advert_writer
from tests.survey.recorded import (
    FLOOR,
    NOON,
    P1,
    SESSION,
    A,
    B,
    S,
    hear,
    new_survey,
    recorder_at,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.survey"
    new_survey(path).close()
    return path


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1000 * S)


@pytest.fixture
def recorder(path: Path, clock: ManualClock) -> Iterator[Recorder]:
    with recorder_at(path, clock) as recorder:
        yield recorder


def _wait_until(recorder: Recorder, state: str) -> RecorderStatus:
    """Let commits be made until the recorder is so; the writer's own thread paces the loop."""
    for _ in range(10_000):
        if recorder.status.state == state:
            return recorder.status
        recorder._thread.do(lambda log: threading.Event().wait(0.002))
    pytest.fail(f"never {state}: {recorder.status}")


def test_a_stand_becomes_adverts_sums_and_labelled_fingerprints(
    path: Path, clock: ManualClock, recorder: Recorder
) -> None:
    started = recorder.start_point("p1", heading_deg=90.0)
    hear(recorder, clock, 10)
    ended = recorder.finish()
    assert (ended.status, ended.duration_s, ended.window_s) == ("complete", 10.0, 3.0)
    assert ended.ended_utc == NOON + timedelta(seconds=10)
    with Survey.open(path) as survey:
        assert survey.recordings.all() == [ended]
        adverts = list(survey.recordings.adverts(ended.id))
        assert len(adverts) == 40
        assert adverts[0] == Advertisement(A, -60.0, 1000 * S, -59.0)
        assert adverts[1] == Advertisement(B, -80.0, 1000 * S, None, "pi")
        rows = list(survey.fingerprints())
        assert [row.scan.start_ns for row in rows] == [1000 * S, 1003 * S, 1006 * S]
        assert {row.visit for row in rows} == {started.id}
        assert {row.position for row in rows} == {P1.position}
        assert {(row.position_sd_m, row.heading_deg, row.device) for row in rows} == {
            (0.3, 90.0, "pi")
        }
        assert rows[0].scan.readings == {A: (-60, -61, -62, -60, -61, -62), B: 6 * (-80.0,)}
        assert rows[1].time_utc == NOON + timedelta(seconds=3)
        heard = survey.recordings.heard(ended.id)
    assert heard[A].count == 20
    assert heard[A].mean_dbm == pytest.approx(sum(-60 - n % 3 for n in range(20)) / 20)
    assert (heard[A].min_dbm, heard[A].max_dbm, heard[B].sd_dbm) == (-62.0, -60.0, 0.0)


def test_what_is_heard_is_committed_while_the_recording_goes_on(
    path: Path, clock: ManualClock, recorder: Recorder
) -> None:
    recorder.start_unlabelled()
    hear(recorder, clock, 2)
    while recorder.status.committed < 8:
        recorder._thread.do(lambda log: None)
    with Survey.open(path) as survey:
        (one,) = survey.recordings.all()
        assert (one.status, len(list(survey.recordings.adverts(one.id)))) == ("open", 8)
        assert survey.recordings.heard(one.id) == recorder.heard()
        assert list(survey.fingerprints()) == []
        with pytest.raises(SurveyError, match="open"):
            survey.recordings.complete(one.id)
        with pytest.raises(SurveyError, match="finish it first"):
            survey.delete_session(SESSION.id)


def test_nothing_is_kept_outside_of_a_recording(
    path: Path, clock: ManualClock, recorder: Recorder
) -> None:
    hear(recorder, clock, 1)
    assert recorder.status == RecorderStatus("idle")
    assert [row.beacon for row in recorder.heard_now()] == [A, B]
    recorder.start_unlabelled()
    recorder.finish()
    hear(recorder, clock, 1)
    recorder.start_unlabelled()
    assert recorder.heard() == {}
    recorder.finish()
    with Survey.open(path) as survey:
        assert all(not survey.recordings.heard(one.id) for one in survey.recordings.all())


def test_a_walk_is_labelled_between_its_waypoints(
    path: Path, clock: ManualClock, recorder: Recorder
) -> None:
    recorder.start_walk(Position(0.0, 0.0, FLOOR))
    hear(recorder, clock, 6)
    recorder.waypoint(Position(6.0, 0.0, FLOOR))
    recorder.waypoint(Position(90.0, 90.0, FLOOR))
    assert [one.position.x_m for one in recorder.undo_waypoint()] == [0.0, 6.0]
    hear(recorder, clock, 6)
    recorder.waypoint(Position(6.0, 3.0, FLOOR))
    ended = recorder.finish()
    with Survey.open(path) as survey:
        places = [row.position for row in survey.fingerprints(labelled=True)]
        assert len(survey.recordings.waypoints(ended.id)) == 3
    expected = [(1.5, 0.0), (4.5, 0.0), (6.0, 0.75), (6.0, 2.25)]
    assert places == [Position(x, y, FLOOR) for x, y in expected]


def test_the_first_waypoint_of_a_walk_stays(clock: ManualClock, recorder: Recorder) -> None:
    recorder.start_walk(Position(0.0, 0.0, FLOOR))
    assert len(recorder.undo_waypoint()) == 1
    recorder.discard()
    recorder.start_unlabelled()
    with pytest.raises(SurveyError, match="walk must be open"):
        recorder.waypoint(Position(0.0, 0.0, FLOOR))


def test_a_wall_clock_that_jumps_changes_no_time(path: Path, clock: ManualClock) -> None:
    shown = [NOON]
    with recorder_at(path, clock, utc_now=lambda: shown[0]) as recorder:
        recorder.start_point("p1")
        hear(recorder, clock, 3)
        shown[0] += timedelta(hours=1)
        hear(recorder, clock, 3)
        first = recorder.finish()
        shown[0] -= timedelta(hours=2)
        second = recorder.start_point("p2")
        recorder.finish()
    assert (first.duration_s, first.ended_utc) == (6.0, NOON + timedelta(seconds=6))
    assert second.started_utc == NOON + timedelta(seconds=6)
    with Survey.open(path) as survey:
        times = [row.time_utc for row in survey.fingerprints()]
    assert times == [NOON, NOON + timedelta(seconds=3)]


def test_local_dates_follow_the_surveyors_clock(path: Path, clock: ManualClock) -> None:
    late = NOON.replace(hour=23, minute=30)
    with recorder_at(path, clock, utc_now=lambda: late) as recorder:
        recorder.start_point("p1")
        hear(recorder, clock, 3)
        recorder.finish()
    with Survey.open(path) as survey:
        (row,) = survey.fingerprints()
    assert row.time_utc.date().day == 1
    assert row.local_date.day == 2


def test_closing_leaves_an_open_recording_incomplete_and_the_session_open(
    path: Path, clock: ManualClock
) -> None:
    with recorder_at(path, clock) as recorder:
        one = recorder.start_point("p1")
        hear(recorder, clock, 7)
    assert recorder.status.state == "closed"
    with pytest.raises(SurveyError, match="closed"):
        recorder.start_point("p1")
    with Survey.open(path) as survey:
        assert survey.session("monday").state == "open"
        assert survey.recordings.get(one.id).status == "incomplete"
        assert list(survey.fingerprints()) == []
        assert survey.recordings.complete(one.id) == 2
        assert len(list(survey.fingerprints())) == 2
        survey.recordings.discard(one.id)
        assert list(survey.fingerprints()) == []
        assert survey.recordings.complete(one.id) == 2


def test_a_session_is_gone_on_with_and_ended(path: Path, clock: ManualClock) -> None:
    with recorder_at(path, clock) as recorder:
        first = recorder.start_point("p1")
    with recorder_at(path, clock, utc_now=lambda: NOON + timedelta(days=1)) as recorder:
        assert recorder.session.started_utc == NOON
        assert recorder.interrupted == ()
        again = recorder.start_point("p1", resumes=first.id)
        assert again.resumes == first.id
        recorder.finish()
        recorder.end_session()
    with Survey.open(path) as survey:
        assert survey.session("monday").state == "closed"
    other = Session("monday", "development", "another pi")
    with pytest.raises(SurveyError, match="another pi"):
        Recorder(path, other, clock=clock)


def test_a_second_recorder_takes_over_and_the_first_one_says_so(
    path: Path, clock: ManualClock, recorder: Recorder
) -> None:
    one = recorder.start_unlabelled()
    with recorder_at(path, clock, session=Session("tuesday", "development", "pi")) as second:
        assert [found.id for found in second.interrupted] == [one.id]
        recorder.take(Advertisement(A, -60.0, clock.now_ns()))
        status = _wait_until(recorder, "failed")
        assert "one recorder at a time" in (status.detail or "")
        with pytest.raises(SurveyError, match="one recorder"):
            recorder.finish()


@pytest.mark.parametrize(
    "bad",
    [
        Advertisement(A, 0.0, 1),
        Advertisement(A, -200.0, 1),
        Advertisement(A, float("nan"), 1),
        Advertisement(A, -60.0, 2**63),
        Advertisement(A, -60.0, 1, float("nan")),
        Advertisement(A, -60.0, 1, None, ""),
        Advertisement(BeaconId("00:11:22"), -60.0, 1),
    ],
)
def test_what_the_file_cannot_hold_is_counted_and_spoils_nothing(
    clock: ManualClock, recorder: Recorder, bad: Advertisement
) -> None:
    recorder.start_unlabelled()
    recorder.take(bad)
    hear(recorder, clock, 1)
    assert recorder.status.refused == 1
    assert recorder.status.taken == 4
    recorder.finish()


def test_one_recording_at_a_time_and_only_at_known_points(recorder: Recorder) -> None:
    with pytest.raises(SurveyError, match="nowhere"):
        recorder.start_point("nowhere")
    with pytest.raises(SurveyError, match="'r'"):
        recorder.start_point("p1", resumes="r")
    with pytest.raises(SurveyError, match="none is"):
        recorder.finish()
    with pytest.raises(SurveyError, match="finite"):
        recorder.start_walk(Position(float("nan"), 0.0, FLOOR))
    recorder.start_point("p1")
    with pytest.raises(SurveyError, match="one recording at a time"):
        recorder.start_unlabelled()


def _limit_pages(recorder: Recorder, more: int | None) -> None:
    """Let the file grow by so many pages at most: a disk that is full, to SQLite."""

    def limit(log: object) -> None:
        connection: sqlite3.Connection = recorder._log._file.connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(
            f"PRAGMA max_page_count = {2**30 if more is None else pages + more}"
        ).fetchone()

    recorder._thread.do(limit)


def test_a_full_disk_is_waited_for(path: Path, clock: ManualClock, recorder: Recorder) -> None:
    one = recorder.start_point("p1")
    hear(recorder, clock, 3)
    _limit_pages(recorder, 1)
    hear(recorder, clock, 600)
    status = _wait_until(recorder, "waiting")
    assert status.reason == "disk_full"
    assert "make room" in (status.detail or "")
    with pytest.raises(SurveyError, match="full") as caught:
        recorder.finish()
    assert caught.value.reason == "disk_full"
    hear(recorder, clock, 3)
    with Survey.open(path) as survey:
        assert survey._file.rows("PRAGMA integrity_check") == [("ok",)]
        assert survey.recordings.get(one.id).status == "open"
    _limit_pages(recorder, None)
    _wait_until(recorder, "recording")
    ended = recorder.finish()
    with Survey.open(path) as survey:
        assert len(list(survey.recordings.adverts(one.id))) == 4 * 606
        assert survey.recordings.heard(one.id)[A].count == 2 * 606
        assert len(list(survey.fingerprints())) == 202
    assert ended.duration_s == 606.0


def test_memory_is_bounded_while_the_disk_is_full(
    clock: ManualClock, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advert_writer, "MAX_BUFFERED", 1_000)
    recorder.start_unlabelled()
    _limit_pages(recorder, 0)
    hear(recorder, clock, 600)
    status = _wait_until(recorder, "waiting")
    assert status.taken == 2_400
    assert status.lost == 2_400 - 1_000 - status.committed
    _limit_pages(recorder, None)
    recorder.finish()


def test_a_file_that_somebody_else_locks_is_waited_for(
    path: Path, clock: ManualClock, recorder: Recorder
) -> None:
    recorder._thread.do(lambda log: recorder._log._file.rows("PRAGMA busy_timeout = 1"))
    recorder.start_unlabelled()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    hear(recorder, clock, 1)
    assert _wait_until(recorder, "waiting").reason == "locked"
    other.execute("ROLLBACK")
    other.close()
    _wait_until(recorder, "recording")
    assert recorder.status.committed == 4


def test_a_file_that_is_no_survey_is_refused_at_once(tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(SurveyError, match="No such file"):
        Recorder(tmp_path / "missing", SESSION, clock=clock)
