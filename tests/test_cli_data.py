"""`localizer data` and `localizer survey report`, as somebody types them."""

import json
from pathlib import Path

import pytest

from localizer.cli import run
from localizer.scans import Session
from localizer.survey import Survey
from tests.strategies import fingerprint
from tests.survey.recorded import new_survey


def status_of(*arguments: object) -> int:
    """Run a command in this process; what it prints is left to capsys."""
    try:
        return run([str(one) for one in arguments])
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 0


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    return _survey(tmp_path / "a.survey")


def _survey(path: Path, session: str = "monday", name: str = "by the door") -> Path:
    with new_survey(path) as survey:
        survey.add_session(Session(session, "development", "phone", "rain"))
        survey.add(fingerprint(n, session=session, visit=f"{session}/{n}") for n in range(3))
        if name != "by the door":
            (first, *_) = survey.points.all()
            survey.points.put([type(first)(first.id, first.position, name)])
    return path


@pytest.mark.parametrize("name", ["o.jsonl", "o.csv", "comford", "uci"])
def test_every_format_goes_out_and_comes_in(
    survey: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = survey.with_name(name)
    extra = ["--format", name] if "." not in name else []
    assert status_of("data", "export", survey, out, *extra, "--lossy") == 0
    assert f"3 fingerprints in {out}" in capsys.readouterr().out
    assert status_of("data", "import", out, survey.with_name("b.survey"), "--site", "uci") == 0
    assert "3 fingerprints" in capsys.readouterr().out


def test_a_lossy_format_says_what_it_loses_and_writes_nothing(
    survey: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = survey.with_name("o")
    assert status_of("data", "export", survey, out, "--format", "comford") == 1
    told = capsys.readouterr()
    assert "comford does not hold:" in told.err
    assert "  reference points: 2" in told.err
    assert "'rain' would come back as ''" in told.err
    assert "--lossy" in told.err
    assert told.out == ""
    assert not out.exists()


def test_a_spreadsheet_is_written_and_tells_what_it_lacks(
    survey: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = survey.with_name("o.csv")
    assert status_of("data", "export", survey, out) == 0
    told = capsys.readouterr().out
    assert "csv does not hold:" in told
    assert out.exists()


def test_an_import_adds_to_a_survey(survey: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = _survey(survey.with_name("b.survey"), "tuesday")
    lines = survey.with_name("b.jsonl")
    assert status_of("data", "export", other, lines) == 0
    assert status_of("data", "import", lines, "--into", survey) == 0
    table = survey.with_name("p.csv")
    table.write_text("x_m,y_m,floor,name\n30,40,1,desk\n", encoding="utf-8")
    assert status_of("data", "import", table, "--into", survey) == 0
    assert f"1 points in {survey}" in capsys.readouterr().out
    with Survey.open(survey) as opened:
        assert [one.id for one in opened.sessions] == ["monday", "tuesday"]
        assert len(opened.points.all()) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["import", "{a}", "{new}"], "data merge"),
        (["import", "{new}"], "one survey file"),
        (["import", "{new}", "{a}", "--into", "{a}"], "one survey file"),
        (["import", "/nowhere", "{new}"], "/nowhere"),
        (["export", "{a}", "{new}", "--format", "xls"], "'xls'"),
        (["export", "{a}", "{new}"], "--format"),
        (["merge", "{a}", "{new}"], "two surveys"),
        (["merge", "{a}", "{a}", "{a}"], "exists"),
    ],
)
def test_a_wrong_command_is_one_clear_line(
    survey: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    new = survey.with_name("new.survey")
    before = survey.read_bytes()
    given = [one.format(a=survey, new=new) for one in arguments]
    assert status_of("data", *given) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert survey.read_bytes() == before
    assert not new.exists()


def test_conflicts_are_a_table_and_prefer_decides(
    survey: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    other = _survey(survey.with_name("b.survey"), "tuesday", "gate")
    out = survey.with_name("out.survey")
    assert status_of("data", "merge", survey, other, out) == 1
    told = capsys.readouterr()
    assert "point name" in told.out
    for words in ("'by the door'", "'gate'", "choose with --prefer"):
        assert words in told.out
    assert "1 conflicts: nothing was written" in told.err
    assert not out.exists()
    assert status_of("data", "merge", survey, other, out, "--prefer", "B") == 0
    assert "as B says" in (told := capsys.readouterr()).out
    assert "6 fingerprints and 0 recordings in 2 sessions" in told.out
    with Survey.open(out) as opened:
        assert opened.points.all()[0].name == "gate"


def test_conflicts_of_what_is_added_are_shown(
    survey: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = _survey(survey.with_name("b.survey"), "tuesday", "gate")
    lines = survey.with_name("b.jsonl")
    assert status_of("data", "export", other, lines) == 0
    before = survey.read_bytes()
    assert status_of("data", "import", lines, "--into", survey) == 1
    assert "nothing was added" in capsys.readouterr().err
    assert survey.read_bytes() == before


def test_sessions_with_times_are_listed_for_machines(
    survey: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.survey_report.surveyed import surveyed

    surveyed(survey.with_name("s.survey"))
    assert status_of("data", "list", survey.with_name("s.survey"), "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["sessions"][0]["session"]["started_utc"].startswith("2026-03-02")


def test_a_report_lies_beside_its_survey(survey: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("survey", "report", survey) == 0
    page = survey.with_suffix(".html")
    assert capsys.readouterr().out == f"{page}\n"
    assert "<h1>Survey of" in page.read_text(encoding="utf-8")
    assert status_of("survey", "report", survey, "--out", survey.with_name("r.html")) == 0
    assert survey.with_name("r.html").exists()
    assert status_of("survey", "report", "/nowhere") == 2
    assert "/nowhere" in capsys.readouterr().err


def test_the_app_is_still_what_survey_starts(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("survey", "--help") == 0
    told = capsys.readouterr().out
    assert "--source" in told
    assert "survey report FILE" in told
    assert " app " not in told
    assert status_of("survey", "demo") == 2
    assert "--source" in capsys.readouterr().err
