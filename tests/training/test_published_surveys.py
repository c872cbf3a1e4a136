from collections import Counter
from pathlib import Path

import pytest

from localizer.errors import ConfigError, DownloadError
from localizer.survey import Survey
from tests.real_data import tetam_folder, uji_folder
from training.published_surveys import PUBLISHED_SURVEYS, SURVEY_NAMES
from training.surveys import open_survey


@pytest.fixture(autouse=True)
def _no_other_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_names_are_those_of_the_help() -> None:
    assert list(PUBLISHED_SURVEYS) == ["uci", "uji-lib", "uji-geo", "tetam"]
    assert SURVEY_NAMES == "`uci`, `uji-lib`, `uji-geo`, `tetam`"


def test_another_name_is_refused_with_all_of_them(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`uci`, `uji-lib`, `uji-geo`, `tetam`"):
        open_survey("uji", tmp_path)


@pytest.mark.parametrize(
    ("name", "rows", "silent", "sessions"),
    [
        ("uji-lib", 723, 7, ["training"]),
        ("uji-geo", 2_139, 309, ["minus-12dbm", "minus-20dbm", "minus-4dbm"]),
    ],
)
def test_uji_opens_with_its_development_sessions(
    name: str, rows: int, silent: int, sessions: list[str], tmp_path: Path
) -> None:
    uji_folder()
    opened = open_survey(name, tmp_path)
    table = opened.development("mean")
    assert len(table) == rows
    assert sorted(set(table.session.tolist())) == sessions
    assert (opened.site.id, opened.floor) == (name, "1")
    assert any("the first sample of each of" in note for note in opened.notes)
    assert any(note.startswith(f"{silent} of {rows + silent} ") for note in opened.notes)


def test_tetam_opens_with_two_static_sets_and_nine_sealed_walks(tmp_path: Path) -> None:
    tetam_folder()
    opened = open_survey("tetam", tmp_path)
    table = opened.development("mean")
    assert Counter(table.session.tolist()) == {"set-1": 4_932, "set-2": 2_744}
    assert len(set(table.beacons)) == 12
    with Survey.open(opened.path) as survey:
        counts = survey.counts().sessions
    sealed = {one.session.id: one.fingerprints for one in counts if one.session.role == "sealed"}
    assert (len(sealed), sum(sealed.values())) == (9, 698)
    assert any("one second in 30 of each stay" in note for note in opened.notes)


def test_tetam_without_its_files_says_which_to_put_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALIZER_DATA", str(tmp_path))
    with pytest.raises(DownloadError, match="put there fingerprints_1s_windows"):
        open_survey("tetam", tmp_path)
