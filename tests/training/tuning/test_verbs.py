"""Verbs of a study: they find it by its name, and make none."""

from pathlib import Path

import pytest

from training.cli import main


@pytest.mark.parametrize("verb", [("explain", "0"), ("report", "uci"), ("worker", "uci")])
def test_a_study_that_is_not_there_is_named_and_no_file_is_made(
    verb: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = tmp_path / "no.journal"
    for storage, named in ((f"--storage={place}", str(place)), ("", "studies/no.journal")):
        words = ["training", "tune", *verb, "--study=no", *filter(None, [storage])]
        monkeypatch.setattr("sys.argv", words)
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 2
        said = capsys.readouterr().err
        assert "a study must lie in a file that is there" in said
        assert named in said
    assert not place.exists()
