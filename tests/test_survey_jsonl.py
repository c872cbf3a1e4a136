import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localizer import survey_jsonl
from localizer.errors import SurveyError
from localizer.importers import MAX_PROBLEMS, ImportReport
from localizer.scans import Fingerprint, Session
from localizer.site import Position
from localizer.sites import built_in_site
from localizer.survey import ROLES, SURVEY_SCHEMA, Survey, build_survey
from localizer.survey.restore import Restorer
from localizer.survey_jsonl import export_jsonl, import_jsonl
from localizer.survey_lines import fingerprint_to_line, record_from_line
from tests import strategies
from tests.strategies import SESSIONS, fingerprint

SITE = built_in_site("uci")


@pytest.fixture
def survey(tmp_path: Path) -> Iterator[Survey]:
    with Survey.create(tmp_path / "a.survey", SITE) as survey:
        survey.add_session(Session(SESSIONS[0], "development", "phone", "rainy"))
        survey.add_session(Session(SESSIONS[1], "sealed", "phone"))
        survey.add([fingerprint(second, session=SESSIONS[second % 2]) for second in range(6)])
        yield survey


@pytest.fixture
def export(survey: Survey, tmp_path: Path) -> Path:
    path = tmp_path / "a.jsonl"
    assert export_jsonl(survey, path) == 6
    return path


def _import(path: Path) -> tuple[ImportReport, list[Fingerprint]]:
    target = path.with_suffix(".imported")
    report = import_jsonl(path, target)
    with Survey.open(target) as survey:
        return report, list(survey.fingerprints(roles=ROLES))


@given(strategies.fingerprints)
def test_a_line_holds_a_fingerprint_without_loss(fingerprint: Fingerprint) -> None:
    line = fingerprint_to_line(fingerprint)
    assert line.count(b"\n") == 1
    back = record_from_line(line)
    assert isinstance(back, Fingerprint)
    assert back == fingerprint
    assert repr(back.position) == repr(fingerprint.position)  # -0.0 == 0.0, but not in its repr
    assert fingerprint_to_line(back) == line


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25
)
@given(st.lists(strategies.fingerprints, max_size=3))
def test_a_survey_keeps_its_hash_through_the_file(
    tmp_path: Path, fingerprints: list[Fingerprint]
) -> None:
    first, lines, second = (tmp_path / name for name in ("1.survey", "1.jsonl", "2.survey"))
    with build_survey(first, SITE) as survey:
        for number, session in enumerate(SESSIONS):
            survey.add_session(Session(session, ROLES[number % 2], "phone", "note"))
        survey.add(fingerprints)
    with Survey.open(first) as survey:
        export_jsonl(survey, lines)
        report = import_jsonl(lines, second)
        assert report == ImportReport(second, len(SESSIONS), len(fingerprints))
        with Survey.open(second) as again:
            assert again.site == SITE
            assert again.sessions == survey.sessions
            assert again.data_hash(roles=ROLES) == survey.data_hash(roles=ROLES)


def test_lines_are_a_header_then_sessions_then_fingerprints(export: Path) -> None:
    lines = [json.loads(line) for line in export.read_text(encoding="utf-8").splitlines()]
    assert [line["type"] for line in lines] == ["header"] + 2 * ["session"] + 6 * ["fingerprint"]
    assert lines[0]["format"] == "localizer-survey"
    assert lines[0]["schema_version"] == SURVEY_SCHEMA
    assert lines[1] == {
        "type": "session",
        "id": "first",
        "role": "development",
        "device": "phone",
        "note": "rainy",
    }


def _changed(line: bytes, **changes: Any) -> bytes:
    return json.dumps({**json.loads(line), **changes}).encode()


def _without(line: bytes, field: str) -> bytes:
    document = json.loads(line)
    del document[field]
    return json.dumps(document).encode()


BEACON = "name:uci:b3001"
ONE = fingerprint_to_line(fingerprint(4)).rstrip()
DAMAGED = {
    "bad JSON": (ONE.replace(b":", b";", 1), "JSON"),
    "no JSON at all": (b"location,date,b3001", "JSON"),
    "another JSON": (b"[1, 2]", "object|dictionary"),
    "invalid UTF-8": (ONE.replace(b"phone", b"ph\xffne"), "unicode|UTF-8"),
    "wrong type": (_changed(ONE, visit=7), "'visit'"),
    "number as text": (_changed(ONE, duration_s="1.0"), "'duration_s'"),
    "unknown kind": (_changed(ONE, type="scan"), "'scan'"),
    "missing field": (_without(ONE, "time_utc"), "'time_utc'"),
    "unknown field": (_changed(ONE, mac="00:11:22:33:44:55"), "'mac'"),
    "unknown session": (_changed(ONE, session="monday"), "'monday'"),
    "naive time": (_changed(ONE, time_utc="2016-04-19T12:00:00"), "'time_utc'"),
    "NaN": (_changed(ONE, readings={BEACON: [float("nan")]}), "finite"),
    "NaN position": (_changed(ONE, position={"x_m": float("nan"), "y_m": 0, "floor": "1"}), "x_m"),
    "RSSI positive": (_changed(ONE, readings={BEACON: [-70, 70]}), "below 0 dBm, but got 70"),
    "RSSI a sentinel": (_changed(ONE, readings={BEACON: [-200]}), "but got -200"),
    "no RSSI": (_changed(ONE, readings={BEACON: []}), "at least one RSSI"),
    "beacon unknown": (_changed(ONE, readings={"00:11": [-70]}), "no beacon id"),
    "session twice": (b'{"type":"session","id":"first","role":"sealed","device":""}', "once"),
    "huge integer": (_changed(ONE, start_ns=2**70), "start_ns"),
}


@pytest.mark.parametrize("kind", DAMAGED)
@pytest.mark.parametrize("at", [5, -1])
def test_a_damaged_line_is_named_and_nothing_else_is_lost(export: Path, kind: str, at: int) -> None:
    damaged, reason = DAMAGED[kind]
    lines = export.read_bytes().splitlines()
    _, before = _import(export)
    lines.insert(at % len(lines), damaged)
    export.write_bytes(b"\n".join(lines))
    report, after = _import(export)
    assert after == before
    (problem,) = report.problems
    assert problem.path == export
    assert lines[problem.line - 1] == damaged
    assert reason.split("|")[0] in problem.reason or reason.split("|")[-1] in problem.reason
    assert str(problem).startswith(f"{export}:{problem.line}: ")
    assert report.fingerprints == 6
    assert report.problem_count == 1


def test_a_last_line_cut_off_is_named(export: Path) -> None:
    export.write_bytes(export.read_bytes()[:-30])
    report, fingerprints = _import(export)
    assert len(fingerprints) == 5
    assert [problem.line for problem in report.problems] == [9]


def test_a_damaged_session_takes_its_fingerprints_along(export: Path) -> None:
    lines = export.read_bytes().splitlines()
    lines[2] = lines[2].replace(b'"sealed"', b'"seal')
    export.write_bytes(b"\n".join(lines))
    report, fingerprints = _import(export)
    assert {one.session for one in fingerprints} == {SESSIONS[0]}
    assert [problem.line for problem in report.problems] == [3, 5, 7, 9]
    assert (report.sessions, report.fingerprints) == (1, 3)


def test_reasons_stay_short_and_problems_few(export: Path) -> None:
    long = _changed(ONE, visit=["x" * 10_000])
    with export.open("ab") as file:
        file.writelines([long + b"\n"] * (MAX_PROBLEMS + 5))
    report, fingerprints = _import(export)
    assert len(fingerprints) == 6
    assert report.problem_count == MAX_PROBLEMS + 5
    assert len(report.problems) == MAX_PROBLEMS
    assert max(len(problem.reason) for problem in report.problems) < 300


@pytest.mark.parametrize("size", [1_999, 2_000, 2_001, 4_000, 4_001, 9_000])
def test_a_line_too_long_is_damaged_and_counts_as_one(
    export: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(survey_jsonl, "MAX_LINE_BYTES", 2_000)
    lines = export.read_bytes().splitlines()
    lines.insert(4, ONE.replace(b"phone", b"p" * (size - len(ONE) + len("phone"))))
    assert len(lines[4]) == size
    export.write_bytes(b"\n".join(lines))
    report, fingerprints = _import(export)
    fits = size <= 2_000
    assert len(fingerprints) == 6 + fits
    assert [problem.line for problem in report.problems] == ([] if fits else [5])


def test_windows_line_ends_a_mark_and_blank_lines_do_no_harm(export: Path) -> None:
    _, before = _import(export)
    text = export.read_bytes().replace(b"\n", b"\r\n\r\n")
    export.write_bytes(b"\xef\xbb\xbf" + text)
    report, after = _import(export)
    assert after == before
    assert report.problems == ()


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"", "header"),
        (b"{", "header"),
        (ONE, "header"),
        (b'{"type":"header","format":"music","schema_version":1,"site":""}', "localizer-survey"),
        (b'{"type":"header","format":"localizer-survey","schema_version":3,"site":""}', "schema 3"),
        (b'{"type":"header","format":"localizer-survey","schema_version":1,"site":"?"}', "TOML"),
    ],
)
def test_a_damaged_header_is_an_error_and_no_survey_appears(
    export: Path, header: bytes, message: str
) -> None:
    lines = export.read_bytes().splitlines()
    export.write_bytes(b"\n".join([header, *lines[1:]]))
    target = export.with_name("target.survey")
    with pytest.raises(SurveyError, match=message) as caught:
        import_jsonl(export, target)
    assert caught.value.line == 1
    assert not target.exists()


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SurveyError, match="No such file"):
        import_jsonl(tmp_path / "missing.jsonl", tmp_path / "target.survey")


def test_an_empty_survey_goes_through(tmp_path: Path) -> None:
    with Survey.create(tmp_path / "empty.survey", SITE) as survey:
        assert export_jsonl(survey, tmp_path / "empty.jsonl") == 0
    report, fingerprints = _import(tmp_path / "empty.jsonl")
    assert fingerprints == []
    assert (report.sessions, report.fingerprints, report.problem_count) == (0, 0, 0)


def test_a_failed_export_leaves_the_old_file(export: Path, survey: Survey) -> None:
    before = export.read_bytes()
    survey.close()
    with pytest.raises(SurveyError):
        export_jsonl(survey, export)
    assert export.read_bytes() == before


def test_an_export_into_no_folder_says_so(survey: Survey, tmp_path: Path) -> None:
    with pytest.raises(SurveyError, match="writable"):
        export_jsonl(survey, tmp_path / "missing" / "a.jsonl")


def test_an_import_that_fails_is_not_blamed_on_its_lines(
    export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Restorer, record: object) -> int:
        raise SurveyError("database or disk is full")

    monkeypatch.setattr(Restorer, "add", full)
    target = export.with_name("target.survey")
    with pytest.raises(SurveyError, match="disk is full"):
        import_jsonl(export, target)
    assert not target.exists()


def test_floats_without_a_point_are_floats_again(export: Path) -> None:
    at = replace(fingerprint(), position=Position(3.0, 4.0, "1"))
    line = fingerprint_to_line(at).replace(b"3.0", b"3").replace(b"-70.0", b"-70")
    export.write_bytes(export.read_bytes() + line)
    _, fingerprints = _import(export)
    assert at in fingerprints
    assert all(isinstance(one.position.x_m, float) for one in fingerprints if one.position)
