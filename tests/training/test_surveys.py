from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from localizer.errors import ConfigError, LocalizerError, SurveyError
from localizer.survey import ROLES, Survey
from localizer.survey_jsonl import export_jsonl
from tests.real_data import uci_files
from tests.training.simulated import small_survey, small_table
from training.splits import SPLITS
from training.surveys import open_survey


def test_a_survey_file_and_its_json_lines_export_give_the_same_rows(tmp_path: Path) -> None:
    exported = tmp_path / "copy.jsonl"
    with Survey.open(small_survey().path) as survey:
        export_jsonl(survey, exported)
    opened = open_survey(str(exported), tmp_path)
    assert opened.data_sha256 == small_survey().data_sha256
    assert len(opened.development("mean")) == len(small_table())


def test_a_survey_beside_a_damaged_export_of_the_same_name_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "walk.survey"
    mine.write_bytes(small_survey().path.read_bytes())
    (tmp_path / "walk.jsonl").write_text("no header\n")
    with pytest.raises(SurveyError):
        open_survey(str(tmp_path / "walk.jsonl"), tmp_path)
    assert mine.read_bytes() == small_survey().path.read_bytes()


def test_only_the_uci_survey_has_a_published_protocol() -> None:
    with pytest.raises(ConfigError, match="survey `uci`"):
        small_survey().published("mean")


def test_scans_that_heard_nothing_are_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "silent.survey"
    with Survey.open(small_survey().path) as old, Survey.create(path, old.site) as new:
        for session in old.sessions:
            new.add_session(session)
        rows = list(old.fingerprints(labelled=True))
        mute = [replace(r, scan=replace(r.scan, readings={})) for r in rows[:5]]
        new.add([*mute, *rows[5:]])
    opened = open_survey(str(path), tmp_path)
    assert len(opened.development("mean")) == len(rows) - 5
    assert any(note.startswith(f"5 of {len(rows)} labelled scans") for note in opened.notes)


def test_sealed_sessions_are_not_among_the_rows() -> None:
    with Survey.open(small_survey().path) as survey:
        sealed = {s.id for s in survey.sessions if s.role == "sealed"}
    assert sealed
    assert not sealed & set(small_table().session.tolist())


def test_a_development_session_of_copies_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "copied.survey"
    with Survey.open(small_survey().path) as old, Survey.create(path, old.site) as new:
        first, *rest = [s for s in old.sessions if s.role == "development"]
        for session in (first, *rest, replace(first, id="copies")):
            new.add_session(session)
        rows = list(old.fingerprints(labelled=True))
        later = timedelta(days=30)
        new.add(rows)
        new.add(
            replace(row, session="copies", visit=f"c{row.visit}", time_utc=row.time_utc + later)
            for row in rows
            if row.session == first.id
        )
    assert small_survey().warnings == ()
    (warning,) = open_survey(str(path), tmp_path).warnings
    assert warning.startswith("session copies looks like copies")
    assert f"above all of {first.id}" in warning


def test_sealed_rows_and_their_hashes_are_those_of_the_sealed_sessions() -> None:
    opened = small_survey()
    sealed = opened.sealed("mean")
    assert set(sealed.session.tolist()) == set(opened.sealed_names()) == set(opened.sealed_hashes())
    assert not set(sealed.session.tolist()) & set(small_table().session.tolist())


def test_the_hash_of_a_sealed_session_is_that_of_its_rows_alone(tmp_path: Path) -> None:
    path = tmp_path / "moved.survey"
    with Survey.open(small_survey().path) as old:
        moved = [replace(beacon, position=None) for beacon in old.site.beacons[:1]]
        site = replace(old.site, beacons=(*moved, *old.site.beacons[1:]))
        with Survey.create(path, site) as new:
            for session in old.sessions:
                new.add_session(session)
            new.add(old.fingerprints(roles=ROLES))
    opened = open_survey(str(path), tmp_path)
    assert opened.data_sha256 != small_survey().data_sha256
    assert opened.sealed_hashes() == small_survey().sealed_hashes()


def test_a_survey_without_sealed_sessions_says_what_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "open.survey"
    with Survey.open(small_survey().path) as old, Survey.create(path, old.site) as new:
        for session in old.sessions:
            new.add_session(replace(session, role="development"))
        new.add(old.fingerprints(labelled=True))
    with pytest.raises(ConfigError, match="sealed session"):
        open_survey(str(path), tmp_path).sealed("mean")


def test_a_simulated_site_can_be_named(tmp_path: Path) -> None:
    opened = open_survey("simulate:demo", tmp_path)
    assert opened.site.id == "demo"
    assert "no real data" in opened.notes[0]


@pytest.mark.parametrize("name", ["nowhere.survey", "uji"])
def test_what_is_no_survey_is_refused_with_what_it_may_be(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`uci`"):
        open_survey(name, tmp_path)


def test_an_empty_survey_says_that_it_has_nothing_to_train_on(tmp_path: Path) -> None:
    path = tmp_path / "empty.survey"
    Survey.create(path, small_survey().site).close()
    with pytest.raises(SurveyError, match="labelled scans"):
        open_survey(str(path), tmp_path)


def test_a_file_that_is_no_survey_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.survey"
    path.write_text("hello")
    with pytest.raises(LocalizerError):
        open_survey(str(path), tmp_path)


def test_a_floor_must_be_one_of_the_surveys(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--floor"):
        open_survey(str(small_survey().path), tmp_path, floor="9")


def test_the_uci_survey_has_the_rows_of_its_readme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALIZER_DATA", str(uci_files().labelled.parent.parent))
    opened = open_survey("uci", tmp_path)
    table = opened.development("mean")
    published = opened.published("mean")
    # 820 genuine rows less the 334 of the two sealed days.
    assert len(table) == 486
    assert len(published) == 1420
    assert published.synthetic.sum() == 600
    fold = SPLITS["published"].folds(published)[0]
    assert (len(fold.train), len(fold.test)) == (1136, 284)
    assert set(published.session[fold.test].tolist()) == {"2016-04-19", "2016-04-20"}
    assert published.synthetic[fold.train].sum() == 600
    assert len(SPLITS["sessions"].folds(table)) == 8
