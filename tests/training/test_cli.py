import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from localizer.bundle import load_bundle
from localizer.errors import BundleError, ConfigError
from tests.training.simulated import quick, small_survey
from training import journey
from training.catalogue import NETWORKS
from training.cli import main
from training.commands.options import splits_of
from training.config import config_to_toml
from training.recipe import Recipe
from training.splits import SPLITS
from training.workdir import write_run

SIMPLE = Recipe([SPLITS["cells"]], ["weighted-centroid", "knn"], [], (0,))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "quick.toml"
    path.write_text(config_to_toml(quick("dnn")))
    return path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["training", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_fit_writes_metrics_and_a_bundle_that_the_edge_loads(
    tmp_path: Path,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    work, figures = tmp_path / "work", tmp_path / "figures.json"
    status = run(
        monkeypatch, "fit", small_survey().path, "--config", config, "--criterion", "cells",
        "--methods", "weighted-centroid,knn", "--seeds", 2, "--workers", 1,
        "--workdir", work, "--json", figures,
    )  # fmt: skip
    said = capsys.readouterr().out
    assert status == 0
    records = json.loads(figures.read_text())
    assert {r["method"] for r in records} == {"weighted-centroid", "knn", "dnn"}
    assert next(r for r in records if r["method"] == "dnn")["seeds"] == 2
    bundle = load_bundle(work / "bundle")
    best = min(records, key=lambda r: r["mean"])
    assert bundle.manifest.method == best["method"]
    assert bundle.manifest.metrics[0].mean_m == pytest.approx(best["mean"])
    assert "Exported:" in said
    page = (work / "report.html").read_text()
    assert json.loads((work / "run.json").read_text())["exported"].startswith("Exported: ")
    assert "<p>Exported: " in page
    assert "How accurate is it? Simulated office" in page
    assert NETWORKS["dnn"] in page


def test_a_fit_whose_bundle_is_refused_keeps_its_figures(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise BundleError("do not ship it", field="model.tflite", expected="equal", got="other")

    monkeypatch.setattr(journey, "export_best", refuse)
    status = run(
        monkeypatch, "fit", small_survey().path, "--config", config, "--methods", "knn",
        "--criterion", "cells", "--seeds", 1, "--workers", 1, "--workdir", tmp_path / "work",
    )  # fmt: skip
    assert status == 2
    assert json.loads((tmp_path / "work" / "run.json").read_text())["exported"] == ""
    assert {r["split"] for r in json.loads((tmp_path / "work" / "metrics.json").read_text())} == {
        "cells"
    }


def test_evaluate_prints_every_split_asked_for_and_exports_nothing(
    tmp_path: Path,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = run(
        monkeypatch, "evaluate", small_survey().path, "--config", config, "--split", "random",
        "--split", "sessions", "--methods", "knn", "--seeds", 1, "--workers", 1,
        "--workdir", tmp_path / "work",
    )  # fmt: skip
    said = capsys.readouterr().out
    assert status == 0
    assert "flattering" in said
    assert said.index("split 'random'") < said.index("split 'sessions'")
    assert not (tmp_path / "work" / "bundle").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evaluate", "nowhere.survey"], "nowhere.survey"),
        (["evaluate", "SURVEY", "--split", "days"], "'sessions'"),
        (["evaluate", "SURVEY", "--methods", "magic"], "weighted-centroid"),
        (["fit", "SURVEY", "--config", "magic"], "paper-dnn"),
        (["evaluate", "SURVEY", "--split", "published", "--workers", "1"], "survey `uci`"),
        (["fit", "SURVEY", "--split", "published"], "opens no sealed session"),
        (["fit", "SURVEY", "--criterion", "random"], "must be honest"),
        (["evaluate", "SURVEY", "--final", "--split", "cells"], "no other"),
        (["evaluate", "SURVEY", "--again", "curious"], "add --final"),
        (["export", "nowhere"], "run.json"),
        (["evaluate", "SURVEY", "--methods", "knn,knn"], "stand twice"),
        (["evaluate", "SURVEY", "--config", "dnn", "--config", "dnn"], "stand twice"),
    ],
)
def test_a_wrong_argument_is_one_line_and_exit_status_2(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [str(small_survey().path) if a == "SURVEY" else a for a in arguments]
    if arguments[0] != "export":
        given += ["--workdir", str(tmp_path / "work")]
    assert run(monkeypatch, *given) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("error: ")
    assert words in said
    assert len(said.splitlines()) == 1


def test_all_stands_for_what_a_command_may_read_whatever_stands_beside_it() -> None:
    every = ["sessions", "cells"]
    assert [split.name for split in splits_of(["cells", "all"], every)] == ["cells", "sessions"]
    assert [split.name for split in splits_of(["all", "published"], every)][-1] == "published"
    with pytest.raises(ConfigError, match=r"but got \['days'\]"):
        splits_of(["all", "days"], every)


def test_a_work_directory_must_be_new_and_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for folder in (tmp_path, file, file / "below"):
        assert run(monkeypatch, "evaluate", small_survey().path, "--workdir", folder) == 2
        assert "work directory" in capsys.readouterr().err
    assert file.read_text() == "mine"


def test_sealed_sessions_are_read_once_by_the_command_and_a_reason_reads_them_again(
    tmp_path: Path,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = [
        "evaluate", small_survey().path, "--final", "--config", config, "--methods", "knn",
        "--seeds", 1, "--workers", 1, "--ledger", tmp_path / "ledger.jsonl",
    ]  # fmt: skip
    assert run(monkeypatch, *command, "--workdir", tmp_path / "one") == 0
    assert "split 'sealed'" in capsys.readouterr().out
    assert run(monkeypatch, *command, "--workdir", tmp_path / "two") == 2
    assert "--again REASON" in capsys.readouterr().err
    assert run(monkeypatch, *command, "--workdir", tmp_path / "three", "--again", "benchmark") == 0
    lines = (tmp_path / "ledger.jsonl").read_text().splitlines()
    assert [json.loads(line)["again"] for line in lines] == [None, "benchmark"]
    assert json.loads((tmp_path / "three" / "reading.json").read_text()) == json.loads(lines[1])
    records = json.loads((tmp_path / "one" / "metrics.json").read_text())
    assert {(r["split"], r["honest"]) for r in records} == {("sealed", True)}


def test_export_of_an_earlier_run_needs_force_for_a_worse_method(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with journey.start_workers(small_survey(), SIMPLE, 1) as workers:
        console = Console(file=StringIO())
        evaluations = journey.cross_validate(small_survey(), SIMPLE, workers, console)
    write_run(tmp_path / "run", small_survey(), SIMPLE, evaluations)
    export = ["export", tmp_path / "run", tmp_path / "bundle", "--criterion", "cells"]
    export += ["--ledger", tmp_path / "ledger.jsonl"]
    worse = evaluations[0].results[1].method
    assert run(monkeypatch, *export, "--method", worse) == 2
    assert "--force" in capsys.readouterr().err
    assert run(monkeypatch, *export, "--method", worse, "--force") == 0
    assert "Exported by --force" in capsys.readouterr().out
    forced = load_bundle(tmp_path / "bundle").manifest.forced
    assert forced is not None
    assert forced.best == evaluations[0].best.method
