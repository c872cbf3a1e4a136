"""What is written over a survey by a slip: nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from localizer.cli import run
from localizer.errors import SurveyError
from localizer.survey import Survey, build_survey
from localizer.survey_jsonl import export_jsonl
from tests.survey.recorded import SITE, new_survey


def _recorded(path: Path) -> Path:
    new_survey(path).close()  # it has points
    return path


def _jsonl(folder: Path) -> Path:
    with Survey.create(folder / "empty.survey", SITE) as survey:
        export_jsonl(survey, folder / "o.jsonl")
    return folder / "o.jsonl"


@pytest.mark.parametrize(
    "command",
    [
        lambda survey: ["survey", "report", survey],
        lambda survey: ["survey", "report", survey, "--out", survey],
        lambda survey: ["data", "export", survey, survey, "--format", "csv"],
        lambda survey: ["data", "export", survey, survey, "--format", "jsonl"],
        lambda survey: ["data", "export", survey, survey, "--format", "points"],
        lambda survey: ["data", "export", survey, survey, "--format", "site"],
        lambda survey: ["data", "import", str(_jsonl(Path(survey).parent)), survey],
        lambda survey: ["simulate", "demo", "--step", "20", "--survey", survey],
    ],
)
def test_no_command_takes_the_place_of_a_survey_that_was_worked_on(
    tmp_path: Path, command: Callable[[str], list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    survey = _recorded(tmp_path / "day.html")
    before = survey.read_bytes()
    assert run(command(str(survey))) == 2
    assert survey.read_bytes() == before
    assert "must not take" in capsys.readouterr().err


def test_a_table_is_not_replaced_by_the_survey_made_of_it(tmp_path: Path) -> None:
    table = _jsonl(tmp_path)
    before = table.read_bytes()
    assert run(["data", "import", str(table), str(table)]) == 2
    assert table.read_bytes() == before


def test_a_survey_of_a_newer_schema_is_not_replaced(tmp_path: Path) -> None:
    path = _recorded(tmp_path / "newer.survey")
    content = bytearray(path.read_bytes())
    content[60:64] = (99).to_bytes(4, "big")  # where SQLite keeps user_version
    path.write_bytes(content)
    with pytest.raises(SurveyError, match="schema 99"), build_survey(path, SITE):
        pass
    assert path.read_bytes() == content


def test_an_empty_file_and_a_survey_of_scans_alone_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.survey"
    path.touch()
    for _ in range(2):
        with build_survey(path, SITE):
            pass
    with Survey.open(path) as survey:
        assert survey.site == SITE
