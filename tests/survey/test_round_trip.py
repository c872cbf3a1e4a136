"""Everything that a survey file holds goes through JSON Lines without loss."""

import json
import tempfile
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localizer.errors import SurveyError
from localizer.scans import Advertisement, Session
from localizer.site import Position
from localizer.survey import (
    BeaconChange,
    FloorPlan,
    Point,
    Recording,
    RecordingKind,
    Survey,
    Waypoint,
    build_survey,
)
from localizer.survey.dump import (
    CutFingerprint,
    NumberedChange,
    Record,
    RecordedAdverts,
    RecordedWaypoint,
    StoredEdit,
)
from localizer.survey_jsonl import export_jsonl, import_jsonl
from localizer.survey_lines import record_from_line, record_to_line
from localizer.surveying.scale import MeasuredDistance, PlanTransform
from tests import strategies as own
from tests.survey.recorded import FLOOR, NOON, P1, SITE, A, B

int64 = st.integers(-(2**63), 2**63 - 1)
utc = st.datetimes(timezones=st.just(UTC))
positions = st.builds(Position, x_m=own.finite, y_m=own.finite, floor=st.just(FLOOR))
pixels = st.tuples(own.finite, own.finite)

sessions = st.builds(
    Session,
    id=st.just("s"),
    role=st.sampled_from(["development", "sealed"]),
    device=own.texts,
    note=own.texts,
    person=st.none() | own.full_texts,
    started_utc=st.none() | utc,
    utc_offset_s=st.none() | st.integers(-86_400, 86_400),
    state=st.sampled_from(["open", "closed"]),
    expires_utc=st.none() | utc,
)
points = st.builds(
    Point,
    id=own.full_texts,
    position=positions,
    name=own.texts,
    source=st.sampled_from(["grid", "free", "imported"]),
)
plans = st.builds(
    FloorPlan,
    floor=st.just(FLOOR),
    media_type=own.full_texts,
    size_px=st.none() | st.tuples(st.integers(1, 10_000), st.integers(1, 10_000)),
    data=st.binary(min_size=1, max_size=40),
    transform=st.none()
    | st.builds(PlanTransform, st.floats(1e-6, 1e6), origin_px=pixels, rotation_deg=own.finite),
    distances=st.lists(st.builds(MeasuredDistance, pixels, pixels, own.finite), max_size=2).map(
        tuple
    ),
)
# A 0 loses its sign: the column of an advertisement's measured power is REAL.
adverts = st.builds(
    Advertisement,
    beacon=own.beacon_ids,
    rssi_dbm=own.rssi_dbm,
    time_ns=int64,
    measured_power_dbm=st.none() | own.finite.map(lambda power: power + 0.0),
    receiver=st.none() | own.full_texts,
)
changes = st.builds(
    BeaconChange,
    beacon=st.just(A),
    since_utc=utc,
    replacement=st.none() | own.beacon_ids,
    note=own.texts,
)


@st.composite
def recordings(draw: st.DrawFn, recording: str, known: list[Point]) -> list[Record]:
    """A recording with all that it holds."""
    kinds: list[RecordingKind] = ["walk", "unlabelled"]
    kind = draw(st.sampled_from([*kinds, "point"] if known else kinds))
    start_ns = draw(int64)
    one = Recording(
        recording,
        "s",
        kind,
        start_ns,
        draw(utc),
        draw(st.sampled_from(["open", "complete", "incomplete", "discarded"])),
        draw(st.none() | st.integers(start_ns, 2**63 - 1)),
        draw(st.sampled_from(known)).id if kind == "point" else None,
        draw(st.none() | own.finite),
        draw(st.none() | own.full_texts),
        draw(st.none() | own.finite),
    )
    waypoints = draw(st.lists(st.builds(Waypoint, time_ns=int64, position=positions), max_size=3))
    heard = draw(st.lists(adverts, max_size=5))
    fingerprints = draw(st.lists(own.fingerprints, max_size=2))
    return [
        one,
        *(RecordedWaypoint(recording, waypoint) for waypoint in waypoints),
        *([RecordedAdverts(recording, tuple(heard))] if heard else []),
        *(CutFingerprint(replace(row, session="s"), recording) for row in fingerprints),
    ]


@st.composite
def records(draw: st.DrawFn) -> list[Record]:
    """All records of a survey, in an order in which they can be restored."""
    known = draw(st.lists(points, max_size=3, unique_by=lambda point: point.id))
    edits = draw(
        st.lists(
            st.builds(
                StoredEdit,
                time_utc=utc,
                what=own.texts,
                site_before=own.full_texts,
                beacon_change=st.sampled_from([None, 7]),
            ),
            max_size=2,
        )
    )
    return [
        draw(sessions),
        *known,
        *draw(st.lists(plans, max_size=1)),
        NumberedChange(7, draw(changes)),
        *edits,
        *draw(recordings("r1", known)),
        *draw(recordings("r2", known)),
        *(replace(row, session="s") for row in draw(st.lists(own.fingerprints, max_size=2))),
    ]


def _build(path: Path, content: list[Record]) -> None:
    with build_survey(path, SITE) as survey:
        restorer = survey.restorer()
        for record in content:
            restorer.check(record)
            restorer.add(record)


@given(records())
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=40)
def test_a_survey_is_the_same_after_its_export_and_import(content: list[Record]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first, lines, second = (Path(folder) / name for name in ("1.survey", "1.jsonl", "2.survey"))
        _build(first, content)
        with Survey.open(first) as survey:
            dumped = list(survey.dump())
            count = export_jsonl(survey, lines)
            hashed = survey.data_hash()
        report = import_jsonl(lines, second)
        assert report.problems == ()
        assert report.fingerprints == count
        with Survey.open(second) as again:
            assert repr(list(again.dump())) == repr(dumped)
            assert again.data_hash() == hashed
            heard = [again.recordings.heard(one.id) for one in again.recordings.all()]
        with Survey.open(first) as survey:
            assert heard == [survey.recordings.heard(one.id) for one in survey.recordings.all()]
    assert len(dumped) == len(content)
    edits = [record for record in content if isinstance(record, StoredEdit)]
    assert [one.what for one in dumped if isinstance(one, StoredEdit)] == [
        one.what for one in edits
    ]
    plain = [record for record in content if not isinstance(record, NumberedChange | StoredEdit)]
    kept = [record for record in dumped if not isinstance(record, NumberedChange | StoredEdit)]
    assert sorted(map(record_to_line, kept)) == sorted(map(record_to_line, plain))


@given(st.one_of(sessions, points, plans, changes.map(lambda one: NumberedChange(1, one))))
def test_a_line_holds_a_record_without_loss(record: Record) -> None:
    line = record_to_line(record)
    assert line.count(b"\n") == 1
    back = record_from_line(line)
    assert back == record
    assert record_to_line(back) == line  # -0.0 == 0.0, but not in its line


GOOD: list[Record] = [
    Session("s", "development", "pi"),
    P1,
    FloorPlan(FLOOR, "image/png", None, b"x"),
    NumberedChange(1, BeaconChange(A, NOON, B)),
    StoredEdit(NOON, "replaced", "toml", 1),
    Recording("r", "s", "point", 0, NOON, "complete", 5, "p1"),
    RecordedWaypoint("r", Waypoint(0, P1.position)),
    RecordedAdverts("r", (Advertisement(A, -60.0, 1, None, "hci0"),)),
]
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no session": ({"type": "recording", "session": "t"}, "session must be one of"),
    "no point": ({"type": "recording", "id": "q", "point": "p9"}, "known point, but got 'p9'"),
    "recording twice": ({"type": "recording"}, "must stand once"),
    "point twice": ({"type": "point"}, "came twice"),
    "point elsewhere": ({"type": "point", "id": "q", "floor": "cellar"}, "cellar"),
    "plan elsewhere": ({"type": "plan", "floor": "cellar"}, "cellar"),
    "plan no base64": ({"type": "plan", "data": "%"}, "base64"),
    "plan a number": ({"type": "plan", "data": 7}, "base64"),
    "plan too wide": ({"type": "plan", "size_px": [2**63, 1]}, "64 bits"),
    "no scale": (
        {"type": "plan", "transform": {"m_per_px": 0, "origin_px": [0, 0], "rotation_deg": 0}},
        "m_per_px",
    ),
    "change to itself": ({"type": "beacon_change", "replacement": str(A)}, "by another"),
    "edit without its change": ({"type": "site_edit", "beacon_change": 2}, "number 2"),
    "waypoint of nothing": ({"type": "waypoint", "recording": "q"}, "'q'"),
    "adverts of nothing": ({"type": "adverts", "recording": "q"}, "'q'"),
    "no such beacon": ({"type": "adverts", "rows": [[1, 1, -60.0, None, None]]}, "beacon and a"),
    "no such receiver": ({"type": "adverts", "rows": [[1, 0, -60.0, None, 1]]}, "receiver of its"),
    "a sentinel": ({"type": "adverts", "rows": [[1, 0, -200.0, None, None]]}, "-200"),
    "a made-up beacon": ({"type": "adverts", "beacons": ["00:11"]}, "beacon id"),
    "ends before it starts": ({"type": "recording", "id": "q", "ended_ns": -1}, "before it start"),
    "unknown status": ({"type": "recording", "id": "q", "status": "lost"}, "status"),
    "unknown field": ({"type": "point", "mac": "00:11"}, "mac"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_damaged_record_is_named_and_nothing_else_is_lost(tmp_path: Path, kind: str) -> None:
    damage, reason = BAD[kind]
    _build(tmp_path / "a.survey", GOOD)
    with Survey.open(tmp_path / "a.survey") as survey:
        export_jsonl(survey, tmp_path / "a.jsonl")
        before = list(survey.dump())
    lines = (tmp_path / "a.jsonl").read_bytes().splitlines()
    model = next(line for line in map(json.loads, lines) if line["type"] == damage["type"])
    lines.append(json.dumps({**model, **damage}).encode())
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
    report = import_jsonl(tmp_path / "a.jsonl", tmp_path / "b.survey")
    (problem,) = report.problems
    assert problem.line == len(lines)
    assert reason in problem.reason
    with Survey.open(tmp_path / "b.survey") as survey:
        assert list(survey.dump()) == before


def test_a_record_in_no_order_is_refused() -> None:
    with pytest.raises(SurveyError, match="point"):
        record_from_line(b'{"type":"point"}')


def test_long_recordings_take_several_lines(tmp_path: Path) -> None:
    many = tuple(Advertisement(A, -60.0, n, float(n)) for n in range(1201))
    _build(tmp_path / "a.survey", [*GOOD[:2], GOOD[5], RecordedAdverts("r", many)])
    with Survey.open(tmp_path / "a.survey") as survey:
        export_jsonl(survey, tmp_path / "a.jsonl")
    import_jsonl(tmp_path / "a.jsonl", tmp_path / "b.survey")
    with Survey.open(tmp_path / "b.survey") as survey:
        assert tuple(survey.recordings.adverts("r")) == many
        assert survey.recordings.heard("r")[A].count == 1201
