"""`tune` as its user runs it: a study on a small survey, stopped, gone on with, explained."""

import contextlib
import io
import json
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.training.simulated import small_survey
from training.cli import main
from training.config import load_network

SPACE = """
name = "small"
version = 1

[base]
preset = "dnn"

[base.set]
epochs = 4
batch_size = 32

[parameters.learning_rate]
kind = "float"
low = 0.001
high = 0.1
log = true
"""


class _Said(NamedTuple):
    """What a command came to."""

    status: int
    out: str
    error: str


def _training(*words: str) -> _Said:
    out, error = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(error),
    ):
        patch.setattr("sys.argv", ["training", *words])
        with pytest.raises(SystemExit) as end:
            main()
    return _Said(int(end.value.code or 0), out.getvalue(), error.getvalue())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tune")
    (made / "space.toml").write_text(SPACE, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def begun(folder: Path) -> Path:
    """A folder with a study of two trials."""
    done = _tune(folder, "begun", "--trials=2", "--finalists=0")
    assert done.status == 0, done.error
    return folder


def _tune(folder: Path, run: str, *words: str) -> _Said:
    return _training(
        "tune",
        str(small_survey().path),
        f"--preset={folder / 'space.toml'}",
        f"--storage={folder / 'study.journal'}",
        "--study=small",
        "--split=cells",
        "--folds=2",
        "--workers=1",
        "--executor=loop",
        f"--workdir={folder / run}",
        *words,
    )


def test_a_study_that_goes_on_ends_with_a_verdict_and_the_configuration_that_won(
    begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = begun, begun / "out.json"
    # What the simple methods come to is in the study: nobody scores them again.
    monkeypatch.delattr("training.tuning.tune._simple_errors")
    words = ("--trials=4", "--finalists=1", "--final-seeds=1", f"--json={out}")
    again = _tune(folder, "begun", *words)
    assert again.status == 0, again.error
    told = json.loads(out.read_text())
    assert told["status"] == "trials done"
    assert told["trials"] == told["trials_done"] == 4
    assert told["verdict"] in ("GAIN", "NO GAIN")
    assert told["verdict"] in again.out
    assert told["gain_low_m"] <= told["gain_m"] <= told["gain_high_m"]
    assert {"train_m", "dev_m", "eval_m", "gap_m", "gap_low_m"} <= set(told["best"])
    assert {one["method"] for one in told["simple_methods"]} >= {"weighted-centroid", "knn"}
    page = (folder / "begun" / "report.html").read_text(encoding="utf-8")
    assert told["verdict"] in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert 'network = "dnn"' in (folder / "begun" / "best.toml").read_text()


def test_a_study_goes_on_with_what_it_began_with_alone(begun: Path) -> None:
    other = begun / "other.toml"
    other.write_text(SPACE.replace("0.1", "0.2"), encoding="utf-8")
    status, _, error = _tune(begun, "other", f"--preset={other}", "--trials=2")
    assert status == 2
    assert "space" in error
    assert "--fork" in error


def test_a_trial_is_explained(begun: Path) -> None:
    place = (f"--storage={begun / 'study.journal'}", "--study=small")
    status, said, _ = _training("tune", "explain", "0", *place)
    assert status == 0
    assert "Trial 0" in said or "trial 0" in said
    status, _, error = _training("tune", "explain", "999", *place)
    assert status == 2
    assert "999" in error


@pytest.mark.long
def test_a_study_by_populations_ends_with_a_schedule(folder: Path) -> None:
    out, best = folder / "pbt.json", folder / "pbt" / "best.toml"
    options = ("--study=pbt", "--sampler=pbt", "--population=4", "--executor=stack", "--epochs=5")
    words = ("--trials=4", "--finalists=4", "--final-seeds=1", f"--json={out}")
    done = _tune(folder, "pbt", *options, *words)
    assert done.status == 0, done.error
    told = json.loads(out.read_text())
    assert (told["status"], told["trials_done"]) == ("trials done", 4)
    assert told["verdicts"] == {"ok": 4}
    assert told["verdict"] in ("GAIN", "NO GAIN")
    assert max(len(one["schedule"]) for one in told["finalists"]) > 1
    for one in told["finalists"]:
        assert one["schedule"][0]["after_epochs"] == 0
        assert one["schedule"][-1]["values"]["learning_rate"] == one["params"]["learning_rate"]
    config = load_network(str(best))
    assert len(config.schedule) == max(0, len(told["best"]["schedule"]) - 1)


def test_a_trial_for_katib_prints_its_error_and_nothing_else(folder: Path) -> None:
    words = ("--katib", f"--preset={folder / 'space.toml'}", "--split=cells", "--folds=2")
    place = f"--workdir={folder / 'katib'}"
    survey = str(small_survey().path)
    status, said, _ = _training("trial", survey, *words, place, "--", "--learning_rate=0.01")
    assert status == 0
    (line,) = said.splitlines()
    name, _, value = line.partition("=")
    assert name in ("error_cells", "error_m")
    assert float(value) > 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--executor=gpu",), "--executor must be one of"),
        (("--rules=maybe",), "--rules must be on or off"),
        (("--try=learning_rate",), "--try must be NAME=VALUE"),
        (("--sampler=magic",), "a sampler must be one of"),
        (("--sampler=pbt", "--executor=loop"), "leave --executor out"),
        (("--sampler=pbt", "--pruner=hyperband"), "leave --pruner out"),
        (("--sampler=pbt", "--rules=on"), "leave --rules out"),
        (("--sampler=pbt", "--population=2"), "--population"),
        (("--sampler=pbt", "--population=33"), "--population"),
        (("--sampler=pbt", "--epochs=1"), "--epochs"),
        (("--try=momentum=0.9",), "momentum"),
        ((), "no-such.survey"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(
    words: tuple[str, ...], said: str, folder: Path
) -> None:
    space = f"--preset={folder / 'space.toml'}"
    status, _, error = _training("tune", "no-such.survey", space, *words)
    assert status == 2
    assert said in error
