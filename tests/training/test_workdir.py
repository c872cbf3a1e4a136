"""Work directories: one a run, save that a study goes on in its own."""

from pathlib import Path

import pytest

from localizer.errors import ConfigError
from training.workdir import new_workdir, study_workdir


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    assert new_workdir(tmp_path / "a" / "b").is_dir()
    (tmp_path / "note.txt").touch()
    for make in (new_workdir, lambda path: study_workdir(path, "site")):
        with pytest.raises(ConfigError, match="must be new or empty"):
            make(tmp_path)


def test_a_study_goes_on_in_its_own_folder_alone(tmp_path: Path) -> None:
    folder = study_workdir(tmp_path / "site", "site-automl")
    (folder / "report.html").touch()
    assert study_workdir(folder, "site-automl") == folder
    assert (folder / "report.html").exists()
    with pytest.raises(ConfigError, match="must be new or empty"):
        study_workdir(folder, "other-automl")
    with pytest.raises(ConfigError, match="must be new or empty"):
        new_workdir(folder)
