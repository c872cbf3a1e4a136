"""Files taken into a survey, whatever they are: whole, or with a clear word and nothing changed."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from localizer.errors import LocalizerError, SurveyError, TableError
from localizer.interchange import (
    IMPORTS,
    Reading,
    export_format,
    export_survey,
    import_format,
    import_into,
    import_survey,
)
from localizer.interchange.places import add_beacons
from localizer.scans import Session
from localizer.site import Beacon, Position, load_site
from localizer.survey import Point, Survey
from localizer.survey_jsonl import export_jsonl
from tests.strategies import fingerprint
from tests.survey.recorded import FLOOR, P1, SITE, A, new_survey

BEACONS = "id,x_m,y_m,floor\n"
POINTS = "id,x_m,y_m,floor,name\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A survey with two points, a session and three scans."""
    with new_survey(tmp_path / "a.survey") as survey:
        survey.add_session(Session("monday", "development", "phone", "rain"))
        survey.add(fingerprint(n, session="monday", visit=f"v{n}") for n in range(3))
    return tmp_path / "a.survey"


def _content(path: Path) -> list[object]:
    with Survey.open(path) as survey:
        return [survey.site, *survey.dump()]


def _export(path: Path, name: str, format_name: str) -> Path:
    out = path.with_name(name)
    with Survey.open(path) as survey:
        assert export_survey(survey, out, format_name, lossy=True).written
    return out


@pytest.mark.parametrize(
    ("name", "format_name"),
    [
        ("o.jsonl", "jsonl"),
        ("o.csv", "csv"),
        ("o", "comford"),
        ("u", "uci"),
        ("b.csv", "beacons"),
        ("p.csv", "points"),
    ],
)
def test_a_format_is_recognised_by_what_is_in_it(path: Path, name: str, format_name: str) -> None:
    assert import_format(_export(path, name, format_name)) == format_name
    assert format_name in IMPORTS


@pytest.mark.parametrize("header", ["id,latitude,longitude,floor,name", "id;lat;lon;floor"])
def test_a_table_of_places_in_degrees_is_told_what_to_do(path: Path, header: str) -> None:
    table = path.with_name("p.csv")
    delimiter = ";" if ";" in header else ","
    table.write_text(f"{header}\n{delimiter.join(['p9', '52.1', '13.2', FLOOR, 'door'])}\n")
    before = _content(path)
    with pytest.raises(TableError, match=r"metres .* GeoJSON"):
        import_into(table, path)
    assert _content(path) == before


def test_what_comes_out_comes_in_again_whatever_the_format(path: Path) -> None:
    with Survey.open(path) as survey:
        before = list(survey.fingerprints())
    for name, format_name in (("o.jsonl", "jsonl"), ("o.csv", "csv"), ("o", "comford")):
        out = _export(path, name, format_name)
        again = path.with_name(f"{format_name}.survey")
        assert import_survey(out, again, reading=Reading(SITE)).count == 3
        with Survey.open(again) as survey:
            assert list(survey.fingerprints()) == before
            assert survey.site == SITE


def test_a_second_import_of_the_same_adds_nothing(path: Path) -> None:
    before = _content(path)
    for name, format_name in (("o.jsonl", "jsonl"), ("o.csv", "csv"), ("o", "comford")):
        imported = import_into(_export(path, name, format_name), path)
        assert imported.merge is not None
        assert imported.merge.written
        assert _content(path) == before


def test_new_sessions_are_added_to_a_survey_that_somebody_has_open(path: Path) -> None:
    other = path.with_name("other.survey")
    with new_survey(other) as survey:
        survey.add_session(Session("tuesday", "sealed", "phone"))
        survey.add([fingerprint(9, session="tuesday", visit="w")])
        survey.points.put([Point("p9", Position(9.0, 9.0, FLOOR))])
    out = _export(other, "o.jsonl", "jsonl")
    with Survey.open(path) as still_open:
        assert [one.id for one in still_open.sessions] == ["monday"]
        import_into(out, path)
        assert [one.id for one in still_open.sessions] == ["monday", "tuesday"]
        assert [one.id for one in still_open.points.all()] == ["p1", "p2", "p9"]
        assert still_open.session("tuesday").role == "sealed"


def test_what_says_otherwise_is_not_added(path: Path) -> None:
    out = _export(path, "o.csv", "csv")
    text = out.read_text(encoding="utf-8")
    out.write_text(text.replace("-70", "-71", 1), encoding="utf-8", newline="")
    before = _content(path)
    imported = import_into(out, path)
    assert imported.merge is not None
    (conflict,) = imported.merge.conflicts
    assert (conflict.kind, conflict.what) == ("session's scans", "monday")
    assert _content(path) == before


def test_more_of_a_session_that_is_there_needs_a_merge(path: Path) -> None:
    other = path.with_name("other.survey")
    with new_survey(other) as survey:
        survey.add_session(Session("monday", "development", "phone", "rain"))
        survey.add(fingerprint(n, session="monday", visit=f"v{n}") for n in range(5))
    before = _content(path)
    with pytest.raises(SurveyError, match="data merge"):
        import_into(_export(other, "o.jsonl", "jsonl"), path)
    assert _content(path) == before


def test_a_damaged_line_is_not_added(path: Path) -> None:
    out = _export(path, "o.jsonl", "jsonl")
    out.write_text(out.read_text(encoding="utf-8") + "{", encoding="utf-8")
    before = _content(path)
    with pytest.raises(SurveyError, match="1 lines"):
        import_into(out, path)
    assert _content(path) == before


def test_beacons_and_points_are_taken_in_and_can_be_undone(path: Path) -> None:
    table = path.with_name("b.csv")
    table.write_text(BEACONS + f"name:uci:new,5,6,{FLOOR}\n{A},,,\n", encoding="utf-8")
    assert import_into(table, path).count == 1
    table.write_text(POINTS + f"p3,30,40,{FLOOR},=desk\n", encoding="utf-8")
    assert import_into(table, path).count == 1
    with Survey.open(path) as survey:
        assert survey.site.beacons[-1] == Beacon(
            survey.site.beacons[-1].id, Position(5.0, 6.0, FLOOR)
        )
        assert survey.points.all()[-1].name == "=desk"
        exported = export_survey(survey, path.with_name("p.csv"), "points")
        assert exported.count == 3
        assert "'=desk" in path.with_name("p.csv").read_text(encoding="utf-8")
        undone = survey.undo_site()
        assert undone is not None
        assert undone.what == "1 beacons from b.csv"
        assert survey.site == SITE


def test_a_place_that_nobody_had_measured_is_filled_in(path: Path) -> None:
    table = path.with_name("b.csv")
    with Survey.open(path) as survey:
        nowhere = tuple(replace(one, position=None) for one in survey.site.beacons)
        survey.save_site(replace(survey.site, beacons=nowhere), what="forgotten")
        table.write_text(BEACONS + f"{A},1,2,{FLOOR}\n", encoding="utf-8")
        assert add_beacons(survey, table) == 0
        assert {one.id: one.position for one in survey.site.beacons}[A] == Position(1, 2, FLOOR)


def _sqlite(path: Path) -> Path:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE music (title TEXT)")
    connection.close()
    return path


BAD_TABLES = {
    "no bytes": (b"", "0 bytes"),
    "UTF-16": ((POINTS + "p9,1,2,1,x\n").encode("utf-16"), "UTF-16|UTF-8|known format"),
    "latitude": (b"latitude,longitude,floor,name\n48.1,11.5,1,x\n", "metres in the floor"),
    "degrees": (
        POINTS.encode() + b"a,11.5675,48.1487,1,x\nb,11.5676,48.1488,1,y\n", "degrees",
    ),
    "two of one id": (BEACONS.encode() + b"name:uci:n,1,2,1\nNAME:uci:n,3,4,1\n", "line 2"),
    "two points of one id": (POINTS.encode() + b"p9,5,6,1,x\np9,7,8,1,y\n", "p9"),
    "elsewhere": (BEACONS.encode() + f"{A},0,0,1\n".encode(), "hang elsewhere"),
    "no floor": (BEACONS.encode() + b"name:uci:n,1,2,cellar\n", "cellar"),
    "decimal commas": (POINTS.encode() + b"p9,1,5,2,5,1,x\n", "columns"),
    "cut off": (POINTS.encode() + b"p9,1", "columns"),
    "pipes": (b"id|x_m|y_m|floor|name\np9|1|2|1|x\n", "known format"),
    "a photo": (b"\x89PNG\r\n\x1a\n" + bytes(100), "known format|UTF-8"),
    "another's SQLite": (None, "SQLite"),
    "music": (b'{"type":"header","format":"music","schema_version":1,"site":""}\n', "header"),
    "newer": (
        json.dumps({"type": "header", "format": "localizer-survey", "schema_version": 9,
                    "site": ""}).encode(), "schema 9",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_TABLES)
def test_what_cannot_be_used_changes_nothing(path: Path, kind: str) -> None:
    content, words = BAD_TABLES[kind]
    bad = path.with_name("bad")
    if content is None:
        _sqlite(bad)
    else:
        bad.write_bytes(content)
    before, files = _content(path), sorted(path.parent.iterdir())
    with pytest.raises(LocalizerError, match=words):
        import_into(bad, path)
    with pytest.raises(LocalizerError):
        import_survey(bad, path.with_name("new.survey"))
    assert _content(path) == before
    assert sorted(path.parent.iterdir()) == files


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
def test_a_byte_order_mark_does_no_harm(path: Path, mark: bytes) -> None:
    table = path.with_name("p.csv")
    table.write_bytes(mark + POINTS.encode() + b"p9,30,40,1,x\r\n")
    assert import_into(table, path).count == 1
    scans = _export(path, "o.csv", "csv")
    scans.write_bytes(mark + scans.read_bytes())
    assert import_survey(scans, path.with_name("b.survey"), reading=Reading(SITE)).count == 3


@pytest.mark.parametrize("name", ["o.csv", "o"])
def test_a_file_that_was_cut_off_is_not_taken_for_whole(path: Path, name: str) -> None:
    out = _export(path, name, "csv" if "." in name else "comford")
    cut = out if out.is_file() else out / "RSSI.csv"
    whole = cut.read_bytes()
    for size in (1, len(whole) // 3, len(whole) // 2, len(whole) - 9, len(whole) - 3):
        cut.write_bytes(whole[:size])
        with pytest.raises(LocalizerError):
            import_survey(out, path.with_name("b.survey"), reading=Reading(SITE))
    assert not path.with_name("b.survey").exists()


def test_a_survey_file_of_another_kind_is_said_to_be_one(path: Path) -> None:
    newer = path.with_name("newer.survey")
    newer.write_bytes(path.read_bytes())
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(SurveyError, match="schema 9"):
        import_into(_export(path, "o.csv", "csv"), newer)
    with pytest.raises(SurveyError, match="data merge"):
        import_survey(path, path.with_name("b.survey"))
    with pytest.raises(SurveyError, match="another program"):
        import_into(path.with_name("o.csv"), _sqlite(path.with_name("music.db")))


def test_points_need_a_survey(path: Path) -> None:
    table = path.with_name("p.csv")
    table.write_text(POINTS + f"p9,30,40,{FLOOR},x\n", encoding="utf-8")
    with pytest.raises(SurveyError, match="--into"):
        import_survey(table, path.with_name("new.survey"))
    table.write_text(POINTS + f"{P1.id},30,40,{FLOOR},x\n", encoding="utf-8")
    with pytest.raises(TableError, match="p1"):
        import_into(table, path)


def test_names_of_files_say_the_format_of_exports() -> None:
    assert [export_format(Path(name)) for name in ("a.JSONL", "a.csv", "a.toml")] == [
        "jsonl", "csv", "site",
    ]  # fmt: skip
    with pytest.raises(SurveyError, match="--format"):
        export_format(Path("folder"))


def test_the_building_goes_out_as_toml(path: Path) -> None:
    assert load_site(_export(path, "site.toml", "site")) == SITE


def test_a_lossy_export_is_refused_and_leaves_no_trace(path: Path) -> None:
    files = sorted(path.parent.iterdir())
    with Survey.open(path) as survey:
        for format_name in ("uci", "comford"):
            exported = export_survey(survey, path.with_name("out"), format_name)
            assert not exported.written
            told = {loss.what: loss.count for loss in exported.losses}
            assert told["reference points"] == 2
            assert told["note of sessions" if format_name == "comford" else
                        "session of fingerprints"]  # fmt: skip
        assert sorted(path.parent.iterdir()) == files
        out = export_survey(survey, path.with_name("out"), "comford", lossy=True)
        assert out.written
        assert out.count == 3
        export_jsonl(survey, path.with_name("all.jsonl"))
    assert not list(path.parent.glob(".*"))
