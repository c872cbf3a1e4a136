import shutil
import sqlite3
from pathlib import Path

import pytest

from localizer.errors import SurveyError
from localizer.scans import Session
from localizer.sources.survey_scans import SurveyScans
from localizer.survey import ROLES, SURVEY_SCHEMA, Survey, schema
from localizer.survey import file as survey_file
from localizer.survey_jsonl import import_jsonl
from tests.strategies import fingerprint
from tests.survey.recorded import P1

KEPT = Path(__file__).parents[1] / "surveys"
DEVELOPMENT_HASH = "8eb735d025016985aa13cdb93481efeee036de917fee24292061448fcb5429c6"
"""Of the kept file, as schema 1 gave it."""
ALL_HASH = "c348275f7781e49a333eccfb93af2eaef811d770b2477082b70b2444d53e6149"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "old.survey"
    shutil.copy(KEPT / "schema-1.survey", path)
    return path


def _schema(path: Path) -> int:
    connection = sqlite3.connect(path)
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return int(schema)


def _tables(path: Path) -> dict[str, list[tuple[object, ...]]]:
    connection = sqlite3.connect(path)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master ORDER BY name")]
    columns = {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for name in names}
    connection.close()
    return columns


def test_an_old_file_is_read_without_changing_it(path: Path) -> None:
    before = path.read_bytes()
    with Survey.open(path) as survey:
        assert survey.data_hash() == DEVELOPMENT_HASH
        assert survey.data_hash(roles=ROLES) == ALL_HASH
        assert survey.counts().fingerprints == 12
        assert survey.sessions[0] == Session("first", "development", "phone", "rainy")
        assert not survey.points.all()
        assert not survey.plans.floors()
        assert not survey.recordings.all()
        assert not survey.site_edits()
        assert not survey.beacon_changes.all()
        assert survey.coverage().points == ()
    scans = SurveyScans(path, ["first"], unlabelled=True)
    assert len(list(scans)) == 5
    scans.close()
    assert path.read_bytes() == before


def test_an_old_file_is_migrated_by_the_first_write_and_keeps_its_hash(path: Path) -> None:
    with Survey.open(path) as survey, Survey.open(path) as other:
        before = list(survey.dump())
        survey.points.put([P1])
        assert _schema(path) == SURVEY_SCHEMA
        assert [one for one in survey.dump() if one != P1] == before
        assert survey.data_hash(roles=ROLES) == ALL_HASH
        # Opened before: it sees what the file has become, and writes to it.
        assert other.points.all() == [P1]
        other.add([fingerprint(30)])
        assert survey.counts().fingerprints == 13


def test_a_migrated_file_has_the_tables_of_a_new_one(path: Path, tmp_path: Path) -> None:
    with Survey.open(path) as survey:
        site = survey.site
        survey.add_session(Session("new", "development", "phone"))
    Survey.create(tmp_path / "new.survey", site).close()
    assert _tables(path) == _tables(tmp_path / "new.survey")


def test_a_migration_that_fails_leaves_the_old_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()
    with Survey.open(path) as survey:
        steps = (*schema.SCHEMA_2, "CREATE TABLE site (twice)")
        monkeypatch.setattr(survey_file, "SCHEMA_2", steps)
        with pytest.raises(SurveyError, match="already exists"):
            survey.points.put([P1])
        assert survey.points.all() == []
        assert survey.data_hash() == DEVELOPMENT_HASH
        assert path.read_bytes() == before
        monkeypatch.undo()
        survey.points.put([P1])
        assert survey.points.all() == [P1]


def test_a_refused_write_migrates_and_adds_nothing(path: Path) -> None:
    with Survey.open(path) as survey:
        with pytest.raises(SurveyError, match="unheard of"):
            survey.add([fingerprint(session="unheard of")])
        assert survey.data_hash() == DEVELOPMENT_HASH


def test_an_old_export_is_imported(tmp_path: Path) -> None:
    report = import_jsonl(KEPT / "schema-1.jsonl", tmp_path / "imported.survey")
    assert report.problems == ()
    with Survey.open(tmp_path / "imported.survey") as survey:
        assert survey.data_hash(roles=ROLES) == ALL_HASH


def test_a_newer_file_is_refused(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SURVEY_SCHEMA + 1}")
    connection.close()
    with pytest.raises(SurveyError, match=f"schema {SURVEY_SCHEMA + 1}"):
        Survey.open(path)
