from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from localizer.beacons import BeaconId
from localizer.errors import SurveyError
from localizer.scans import Session
from localizer.site import Beacon, Floor, Position, Site
from localizer.survey import BeaconChange, FloorPlan, Point, Recording, Survey
from localizer.survey.dump import NumberedChange, Record
from localizer.survey_merge import MergeReport, Preference, Side, merge_surveys
from localizer.surveying.scale import PlanTransform
from tests.strategies import fingerprint
from tests.survey.recorded import FLOOR, P1, P2, SITE, A, B
from tests.survey_merge.two import MONDAY, built, content, session, stood

OTHER = SITE.floors[0]
NEW = BeaconId("name:uci:new")


def _files(tmp_path: Path, a: Iterable[Record], b: Iterable[Record]) -> list[Path]:
    return [built(tmp_path / f"{name}.survey", list(one)) for name, one in (("a", a), ("b", b))]


def _merge(
    files: list[Path], *, prefer: Preference | None = None, site_of: Side | None = None
) -> MergeReport:
    out = files[0].with_name("out.survey")
    before = [path.read_bytes() for path in files]
    report = merge_surveys(files, out, prefer=prefer, site_of=site_of)
    assert out.exists() == report.written
    assert [path.read_bytes() for path in files] == before
    assert not list(out.parent.glob(".*"))
    return report


def _packets(path: Path) -> dict[str, int]:
    with Survey.open(path) as survey:
        return {
            one.id: sum(1 for _ in survey.recordings.adverts(one.id))
            for one in survey.recordings.all()
        }


def _what(report: MergeReport) -> list[tuple[str, str, bool]]:
    return [(one.kind, one.what, one.conflict) for one in report.differences]


def test_a_survey_merged_with_itself_is_itself(tmp_path: Path) -> None:
    loose = [fingerprint(n, session="monday", visit=f"v{n}") for n in range(3)]
    path = built(tmp_path / "a.survey", [session(), P1, P2, *stood(), *loose])
    report = _merge([path, path, path])
    assert report.differences == ()
    assert content(tmp_path / "out.survey") == content(path)
    assert (report.sessions, report.recordings, report.fingerprints) == (1, 1, 5)


def test_what_two_surveyors_brought_is_put_together(tmp_path: Path) -> None:
    first = [session("ada"), P1, *stood("ada/0001", of="ada")]
    second = [session("bob"), P1, P2, *stood("bob/0002", of="bob", point="p2")]
    files = _files(tmp_path, first, second)
    report = _merge(files)
    assert report.differences == ()
    with Survey.open(tmp_path / "out.survey") as survey:
        assert [one.id for one in survey.sessions] == ["ada", "bob"]
        assert survey.points.all() == [P1, P2]
        merged = list(survey.fingerprints())
        assert survey.coverage().points[1].adverts == 24
    for path in files:
        with Survey.open(path) as survey:
            assert set(map(repr, survey.fingerprints())) <= set(map(repr, merged))


def test_a_copy_from_noon_and_the_survey_of_the_evening(tmp_path: Path) -> None:
    noon = [session(state="open"), P1, *stood(), *stood("monday/0002", packets=4, status="open")]
    evening = [session(), P1, *stood(), *stood("monday/0002"), *stood("monday/0003")]
    for order in ([noon, evening], [evening, noon]):
        files = _files(tmp_path, *order)
        assert _merge(files).differences == ()
        assert content(tmp_path / "out.survey") == content(files[order.index(evening)])
        (tmp_path / "out.survey").unlink()


def test_two_sessions_of_one_name_are_both_kept(tmp_path: Path) -> None:
    later = MONDAY + timedelta(days=7)
    files = _files(
        tmp_path,
        [session(), P1, *stood()],
        [session(started_utc=later, note="fog"), P1, *stood(rssi_dbm=-70, day=later)],
    )
    report = _merge(files)
    assert _what(report) == [("session", "monday", False)]
    with Survey.open(tmp_path / "out.survey") as survey:
        assert [one.id for one in survey.sessions] == ["monday", "monday (2)"]
        assert survey.session("monday (2)").note == "fog; called 'monday' before a merge"
        recordings = {one.id: one.session for one in survey.recordings.all()}
        assert recordings == {"monday/0001": "monday", "monday/0001 (2)": "monday (2)"}
        visits = {one.visit: one.session for one in survey.fingerprints()}
        assert visits == recordings
        assert survey.counts().fingerprints == 4


def test_imported_sessions_of_one_name_with_nothing_in_common_are_two(tmp_path: Path) -> None:
    rows = [fingerprint(n, session="m", visit=f"v{n}") for n in range(4)]
    one = Session("m", "development", "phone")
    files = _files(tmp_path, [one, *rows[:2]], [one, *rows[2:]])
    assert _what(_merge(files)) == [("session", "m", False)]
    with Survey.open(tmp_path / "out.survey") as survey:
        assert [row.visit for row in survey.fingerprints()] == ["v0", "v1", "m (2)/v2", "m (2)/v3"]


def test_an_import_that_goes_on_where_a_copy_ended_is_taken_once(tmp_path: Path) -> None:
    rows = [fingerprint(n, session="m", visit=f"v{n}") for n in range(4)]
    one = Session("m", "development", "phone")
    for order in ((rows[:2], rows), (rows, rows[:2])):
        files = _files(tmp_path, [one, *order[0]], [one, *order[1]])
        assert _merge(files).differences == ()
        with Survey.open(tmp_path / "out.survey") as survey:
            assert list(survey.fingerprints()) == rows
        (tmp_path / "out.survey").unlink()


def test_scans_that_differ_in_part_need_a_choice_and_both_are_kept(tmp_path: Path) -> None:
    rows = [fingerprint(n, session="m", visit=f"v{n}") for n in range(3)]
    corrected = replace(rows[0], position=Position(9.0, 9.0, FLOOR))
    one = Session("m", "development", "phone")
    files = _files(tmp_path, [one, *rows], [one, corrected, *rows[1:]])
    report = _merge(files)
    assert not report.written
    assert _what(report) == [("session's scans", "m", True)]
    assert _merge(files, prefer="B").written
    with Survey.open(tmp_path / "out.survey") as survey:
        assert corrected in list(survey.fingerprints())
        assert rows[0] not in list(survey.fingerprints())
        # Set aside, where nobody reads it until somebody takes the date away.
        aside = survey.session("m (2)")
        assert "a.survey" in aside.note
        survey.update_session(replace(aside, expires_utc=None))
        kept = [row.scan for row in survey.fingerprints(sessions=["m (2)"])]
        assert kept == [row.scan for row in rows]


@pytest.mark.parametrize("prefer", ["A", "B"])
def test_recordings_that_differ_need_a_choice_and_both_are_kept(
    tmp_path: Path, prefer: Preference
) -> None:
    files = _files(
        tmp_path,
        [session(), P1, *stood(rssi_dbm=-60)],
        [session(), P1, *stood(rssi_dbm=-75, packets=20)],
    )
    assert _what(_merge(files)) == [("recording", "monday/0001", True)]
    assert _merge(files, prefer=prefer).written
    out = tmp_path / "out.survey"
    winner, loser = (24, 40) if prefer == "A" else (40, 24)
    assert _packets(out) == {"monday/0001": winner, "monday/0001 (2)": loser}
    with Survey.open(out) as survey:
        assert survey.recordings.get("monday/0001 (2)").status == "discarded"
        assert {row.visit for row in survey.fingerprints()} == {"monday/0001"}


def test_fields_of_a_session_need_a_choice_but_a_note_alone_does_not(tmp_path: Path) -> None:
    files = _files(tmp_path, [session(person="Ada")], [session(note="rain")])
    assert _what(_merge(files)) == [("session's person", "monday", True)]
    _merge(files, prefer="B")
    with Survey.open(tmp_path / "out.survey") as survey:
        assert (survey.session("monday").note, survey.session("monday").person) == ("rain", None)


def test_a_sealed_session_is_never_opened_by_a_merge_without_a_word(tmp_path: Path) -> None:
    files = _files(tmp_path, [session()], [replace(session(), role="sealed")])
    assert _what(_merge(files)) == [("session's role", "monday", True)]


@pytest.mark.parametrize(("prefer", "kept"), [("A", 1.0), ("B", 5.0)])
def test_one_id_for_two_places_keeps_both(tmp_path: Path, prefer: Preference, kept: float) -> None:
    moved = replace(P1, position=replace(P1.position, x_m=5.0))
    files = _files(
        tmp_path,
        [session("ada"), P1, P2, *stood("ada/0001", of="ada")],
        [session("bob"), moved, replace(P2, position=Position(8.0, 8.0, FLOOR)),
         *stood("bob/0002", of="bob")],
    )  # fmt: skip
    assert _what(_merge(files)) == [("point", "p1", True), ("point", "p2", True)]
    assert _merge(files, prefer=prefer).written
    with Survey.open(tmp_path / "out.survey") as survey:
        at = {one.id: one.position.x_m for one in survey.points.all()}
        assert (at["p1"], at["p1 (2)"]) == (kept, 6.0 - kept)
        assert "p2 (2)" not in at  # nobody stood there
        stood_at = {one.session: one.point for one in survey.recordings.all()}
        assert {at[point or ""] for point in stood_at.values()} == {1.0, 5.0}
        labels = {one.session: one.position for one in survey.fingerprints()}
        assert (labels["ada"], labels["bob"]) == (P1.position, moved.position)


def _hung(x_m: float | None, beacon: BeaconId = A) -> Site:
    place = None if x_m is None else Position(x_m, 1.0, FLOOR)
    others = tuple(one for one in SITE.beacons if one.id != beacon)
    return replace(SITE, beacons=(*others, Beacon(beacon, place)))


def test_a_beacon_at_two_places_needs_a_choice(tmp_path: Path) -> None:
    files = [
        built(tmp_path / "a.survey", [], site=_hung(1.0)),
        built(tmp_path / "b.survey", [], site=_hung(7.0)),
    ]
    report = _merge(files)
    assert _what(report) == [("beacon", str(A), True)]
    assert report.differences[0].in_b == "(7.00, 1.00) m, floor 1"
    assert _merge(files, prefer="B").written
    with Survey.open(tmp_path / "out.survey") as survey:
        at = {one.id: one.position for one in survey.site.beacons}
        assert at[A] == Position(7.0, 1.0, FLOOR)
        survey.undo_site()
        assert survey.site == _hung(1.0)


@pytest.mark.parametrize("order", [(None, 7.0), (7.0, None)])
def test_a_place_that_one_survey_knows_is_taken(
    tmp_path: Path, order: tuple[float | None, float | None]
) -> None:
    files = [built(tmp_path / f"{n}.survey", [], site=_hung(x)) for n, x in enumerate(order)]
    assert _merge(files).differences == ()
    with Survey.open(tmp_path / "out.survey") as survey:
        assert {one.id: one.position for one in survey.site.beacons}[A] == Position(7, 1, FLOOR)


@pytest.mark.parametrize("first", [True, False])
def test_who_knows_that_a_beacon_was_moved_is_right(tmp_path: Path, first: bool) -> None:
    change = NumberedChange(1, BeaconChange(A, MONDAY, None, "ladder"))
    knows = built(tmp_path / "a.survey", [change], site=_hung(7.0))
    other = built(tmp_path / "b.survey", [], site=_hung(1.0))
    assert _merge([knows, other] if first else [other, knows]).differences == ()
    with Survey.open(tmp_path / "out.survey") as survey:
        assert {one.id: one.position for one in survey.site.beacons}[A] == Position(7, 1, FLOOR)
        assert survey.beacon_changes.all() == [change.change]


@pytest.mark.parametrize("first", [True, False])
def test_a_beacon_that_was_replaced_does_not_come_back(tmp_path: Path, first: bool) -> None:
    replaced = tuple(replace(one, id=NEW) if one.id == A else one for one in SITE.beacons)
    change = NumberedChange(4, BeaconChange(A, MONDAY, NEW))
    knows = built(tmp_path / "a.survey", [change], site=replace(SITE, beacons=replaced))
    other = built(tmp_path / "b.survey", [])
    assert _merge([knows, other] if first else [other, knows]).differences == ()
    with Survey.open(tmp_path / "out.survey") as survey:
        ids = {one.id for one in survey.site.beacons}
        assert NEW in ids
        assert A not in ids
        assert survey.beacon_changes.mapping() == {A: NEW}


def test_two_stories_of_one_beacon_need_a_choice(tmp_path: Path) -> None:
    first = NumberedChange(1, BeaconChange(B, MONDAY, None))
    second = NumberedChange(1, BeaconChange(B, MONDAY + timedelta(days=1), None))
    files = _files(tmp_path, [first], [second])
    assert _what(_merge(files)) == [("beacon change", str(B), True)]
    _merge(files, prefer="B")
    with Survey.open(tmp_path / "out.survey") as survey:
        assert survey.beacon_changes.all() == [second.change]


def test_floors_and_plans_that_differ_need_a_choice(tmp_path: Path) -> None:
    wider = replace(OTHER, outline=((0, 0), (90, 0), (90, 60), (0, 60)))
    attic = Floor("attic", "Attic", ((0, 0), (5, 0), (5, 5)))
    plan = FloorPlan(FLOOR, "image/png", (10, 10), b"one")
    changed = replace(plan, transform=PlanTransform(0.1, (0.0, 0.0), 0.0))
    other_site = replace(SITE, floors=(wider, attic), name="Library")
    a = built(tmp_path / "a.survey", [plan])
    b = built(tmp_path / "b.survey", [changed, replace(plan, floor="attic")], site=other_site)
    report = _merge([a, b])
    assert _what(report) == [
        ("site", "name", True), ("floor", FLOOR, True), ("plan", f"floor {FLOOR}", True),
    ]  # fmt: skip
    assert _merge([a, b], prefer="B").written
    with Survey.open(tmp_path / "out.survey") as survey:
        assert survey.site == other_site
        assert survey.plans.get(FLOOR) == changed
        assert survey.plans.floors() == [FLOOR, "attic"]


def test_the_newest_is_the_one_with_the_last_recording_or_edit(tmp_path: Path) -> None:
    early = [session("ada"), replace(P1, name="door"), *stood("ada/0001", of="ada")]
    late = [session("bob"), replace(P1, name="gate"), *stood("bob/0050", of="bob")]
    for order, name in (([early, late], "gate"), ([late, early], "gate")):
        files = _files(tmp_path, *order)
        _merge(files, prefer="newest")
        with Survey.open(tmp_path / "out.survey") as survey:
            assert survey.points.all()[0].name == name
        (tmp_path / "out.survey").unlink()
    files = _files(tmp_path, early, early)
    with pytest.raises(SurveyError, match="both have it"):
        _merge(files, prefer="newest")


def test_three_surveys_become_one(tmp_path: Path) -> None:
    names = ("ada", "bob", "eve")
    files = [
        built(tmp_path / f"{n}.survey", [session(n), P1, *stood(f"{n}/0001", of=n)]) for n in names
    ]
    report = _merge(files)
    assert (report.sessions, report.recordings, report.fingerprints) == (3, 3, 6)
    conflicting = replace(P1, name="gate")
    files[1] = built(tmp_path / "bob.survey", [replace(P1, name="door")])
    files[2] = built(tmp_path / "eve.survey", [conflicting])
    (tmp_path / "out.survey").unlink()
    report = _merge([*files[:2], files[2]])
    assert _what(report) == [("point name", "p1", True)]


def test_surveys_of_two_buildings_are_not_merged_by_mistake(tmp_path: Path) -> None:
    a = built(tmp_path / "a.survey", [session("ada")])
    b = built(tmp_path / "b.survey", [session("bob")], site=replace(SITE, id="office", name="O"))
    with pytest.raises(SurveyError, match="--site-of"):
        _merge([a, b])
    assert _merge([a, b], site_of="B").written
    with Survey.open(tmp_path / "out.survey") as survey:
        assert (survey.site.id, survey.site.name) == ("office", "O")
        assert [one.id for one in survey.sessions] == ["ada", "bob"]


def test_a_file_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    files = _files(tmp_path, [session("ada")], [session("bob")])
    before = files[1].read_bytes()
    with pytest.raises(SurveyError, match="exists"):
        merge_surveys([files[0], files[0]], files[1])
    with pytest.raises(SurveyError, match="two surveys"):
        merge_surveys(files[:1], tmp_path / "out.survey")
    with pytest.raises(SurveyError, match="folder"):
        merge_surveys(files, tmp_path / "nowhere" / "out.survey")
    (tmp_path / "music").write_bytes(b"SQLite format 3\0" + bytes(100))
    with pytest.raises(SurveyError):
        merge_surveys([files[0], tmp_path / "music"], tmp_path / "out.survey")
    assert files[1].read_bytes() == before
    assert not (tmp_path / "out.survey").exists()


def test_a_recording_goes_on_with_one_that_was_renamed(tmp_path: Path) -> None:
    later = MONDAY + timedelta(days=7)
    resumed = [
        replace(one, resumes="monday/0001") if isinstance(one, Recording) else one
        for one in stood("monday/0002", day=later)
    ]
    files = _files(
        tmp_path,
        [session(), P1, *stood(), *stood("monday/0002")],
        [session(started_utc=later), P1, *stood(day=later), *resumed],
    )
    assert _merge(files).written
    with Survey.open(tmp_path / "out.survey") as survey:
        assert survey.recordings.get("monday/0002 (2)").resumes == "monday/0001 (2)"


def test_points_with_one_name_in_one_survey_alone(tmp_path: Path) -> None:
    files = _files(tmp_path, [replace(P1, name="")], [P1, Point("p9", P2.position)])
    assert _merge(files).differences == ()
    with Survey.open(tmp_path / "out.survey") as survey:
        assert [one.name for one in survey.points.all()] == [P1.name, ""]


def test_one_session_whose_device_is_noted_otherwise_is_not_taken_twice(tmp_path: Path) -> None:
    row = fingerprint(session="m")
    files = _files(
        tmp_path,
        [Session("m", "development", "phone"), row],
        [Session("m", "development", "tablet", started_utc=MONDAY), row],
    )
    assert _what(_merge(files)) == [("session's device", "m", True)]
    assert _merge(files, prefer="B").fingerprints == 1
    with Survey.open(tmp_path / "out.survey") as survey:
        assert survey.session("m").device == "tablet"
        assert survey.session("m").started_utc == MONDAY
