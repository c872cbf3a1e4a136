import tempfile
from pathlib import Path

import pytest

from localizer.survey import Survey
from localizer.survey_jsonl import import_jsonl
from tests.api.survey.surveyor import Surveyor


@pytest.fixture
def recorded(surveyor: Surveyor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Surveyor:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    surveyor.begin()
    surveyor.send("/recordings", {"kind": "unlabelled"})
    surveyor.listen(10)
    surveyor.send("/recordings/current/finish")
    surveyor.send("/recordings", {"kind": "unlabelled"})
    surveyor.listen(2)
    return surveyor


def test_the_survey_file_is_a_copy_while_the_recording_goes_on(
    recorded: Surveyor, tmp_path: Path
) -> None:
    answer = recorded.ask("GET", "/export/survey")
    assert answer.headers["content-disposition"] == 'attachment; filename="demo.survey"'
    copy = tmp_path / "copy.survey"
    copy.write_bytes(answer.content)
    with Survey.open(copy) as survey:
        assert [one.status for one in survey.recordings.all()] == ["complete", "open"]
        assert survey.counts().fingerprints == 3
    recorded.send("/recordings/current/finish")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_json_lines_can_be_imported_again(recorded: Surveyor, tmp_path: Path) -> None:
    answer = recorded.ask("GET", "/export/jsonl")
    lines, again = tmp_path / "demo.jsonl", tmp_path / "again.survey"
    lines.write_bytes(answer.content)
    assert import_jsonl(lines, again).problem_count == 0
    with Survey.open(again) as survey:
        assert survey.counts().fingerprints == 3
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_spreadsheet_has_a_row_a_scan(recorded: Surveyor) -> None:
    answer = recorded.ask("GET", "/export/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    header, *rows = answer.text.splitlines()
    assert (header.startswith("session,"), len(rows)) == (True, 3)


def test_the_report_is_a_page_to_keep(recorded: Surveyor) -> None:
    answer = recorded.ask("GET", "/export/report")
    assert answer.headers["content-disposition"] == 'attachment; filename="demo.html"'
    assert "Simulated office" in answer.text


def test_what_nobody_exports_is_refused(recorded: Surveyor) -> None:
    recorded.refused("GET", "/export/pdf", 422)
