import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from localizer import __version__
from localizer.cli import run
from localizer.cli_bundle import CHECKS, check_results, failed_check
from localizer.errors import BundleError
from tests.edge_bundle import demo_bundle, spread_bundle, write_bundle
from tests.edge_service import END_S, command, environment


def said(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        env={**environment(), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=END_S,
        check=False,
    )


def status_of(*arguments: str) -> int:
    """Run a command in this process; what it prints is left to capsys."""
    try:
        return run(arguments)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 0


def copy_of(bundle: Path, folder: Path) -> Path:
    shutil.copytree(bundle, folder)
    return folder


def test_version_and_help_name_every_verb() -> None:
    assert said("--version").stdout == f"localizer {__version__}\n"
    text = said("--help").stdout
    for verb in ("serve", "bundle", "data", "simulate"):
        assert verb in text


def test_an_unknown_verb_is_a_usage_error_without_a_trace() -> None:
    finished = said("levitate")
    assert finished.returncode == 2
    assert "No such command" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_serve_is_passed_on_with_its_own_help() -> None:
    finished = said("serve", "--help")
    assert finished.returncode == 0
    assert "--stale-after" in finished.stdout


def test_inspect_tells_an_installer_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("bundle", "inspect", str(demo_bundle())) == 0
    text = " ".join(capsys.readouterr().out.split())
    for words in ("weighted_centroid", "a baseline", "Simulated office", "sessions", "2.53"):
        assert words in text


def test_inspect_says_whether_a_bundle_knows_its_uncertainty(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for bundle, words in (
        (demo_bundle(), "without a measure of its uncertainty"),
        (spread_bundle(), "r68 and r95 from the probabilities of 14x10 cells of 2.00 m"),
    ):
        assert status_of("bundle", "inspect", str(bundle)) == 0
        assert words in " ".join(capsys.readouterr().out.split())


def test_inspect_does_not_call_a_network_a_baseline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = write_bundle(tmp_path / "b", method="[red]dnn[/red]", is_baseline=False)
    assert status_of("bundle", "inspect", str(bundle)) == 0
    text = capsys.readouterr().out
    assert "[red]dnn[/red]" in text
    assert "a baseline" not in text


def test_inspect_names_the_better_method_that_was_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forced = {"best": "knn", "worse_by_m": 0.5, "criterion": ["sessions", "cells"]}
    bundle = write_bundle(tmp_path / "b", schema_version=2, forced=forced)
    assert status_of("bundle", "inspect", str(bundle)) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "exported by --force: knn is 0.50 m better on the mean of sessions and cells" in text


def test_inspect_for_machines_is_the_manifest(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("bundle", "inspect", str(demo_bundle()), "--json") == 0
    manifest = json.loads(capsys.readouterr().out)
    written = json.loads((demo_bundle() / "manifest.json").read_text())
    assert manifest == written | {
        "target": {"offset_m": [0.0, 0.0], "scale_m": [1.0, 1.0], "undone_in": "graph"},
        "metrics": [one | {"spread": None} for one in written["metrics"]],
        "aliases": {},
        "site_checks": [],
        "forced": None,
        "grid": None,
    }


def test_verify_ticks_every_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("bundle", "verify", str(demo_bundle())) == 0
    text = capsys.readouterr().out
    assert text.count("ok") >= len(CHECKS)
    assert "can be served" in text


def edit(bundle: Path, **changes: Any) -> None:
    path = bundle / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes), encoding="utf-8")


def test_verify_names_the_field_and_both_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = copy_of(demo_bundle(), tmp_path / "b")
    edit(bundle, site="elsewhere")
    assert status_of("bundle", "verify", str(bundle)) == 1
    text = capsys.readouterr().out
    assert "failed" in text
    assert "not reached" in text
    for words in ("field     site", "must be   elsewhere", "but is    demo"):
        assert words in text


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"schema_version": 99}, "manifest"),
        ({"method": None}, "manifest"),
        ({"files": {}}, "checksums"),
        ({"features": {"beacons": []}}, "features"),
        ({"site": "elsewhere"}, "site"),
        ({"floor": "7"}, "site"),
        ({"beacons": ["name:demo:b01"]}, "beacons"),
    ],
)
def test_verify_for_machines_says_which_check_failed(
    changes: dict[str, Any], check: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = copy_of(demo_bundle(), tmp_path / "b")
    edit(bundle, **changes)
    status = status_of("bundle", "verify", str(bundle), "--json")
    verdict = json.loads(capsys.readouterr().out)
    assert (status, verdict["ok"]) == (1, False)
    assert [name for name, result in verdict["checks"].items() if result == "failed"] == [check]
    assert verdict["field"]


@pytest.mark.parametrize("part", ["manifest.json", "model.tflite", "site.toml", "golden.json"])
def test_verify_says_which_part_is_missing_or_changed(
    part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = copy_of(demo_bundle(), tmp_path / "b")
    content = (bundle / part).read_bytes()
    (bundle / part).unlink()
    assert status_of("bundle", "verify", str(bundle), "--json") == 1
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["checks"]["files"], verdict["field"]) == ("failed", part)
    (bundle / part).write_bytes(content[:-1])
    assert status_of("bundle", "verify", str(bundle), "--json") == 1
    failed = json.loads(capsys.readouterr().out)["checks"]
    assert failed["files"] == "ok"


@pytest.mark.parametrize(
    ("field", "check"),
    [
        ("inputs", "model"),
        ("outputs", "model"),
        ("model.tflite", "model"),
        ("inputs.shape", "shapes"),
        ("golden.json: vectors.0.position_m", "golden"),
    ],
)
def test_errors_of_the_model_belong_to_its_checks(field: str, check: str) -> None:
    error = BundleError("x", field=field, expected=1, got=2)
    assert failed_check(error) == check
    assert check_results(error)[check] == "failed"


def test_a_bundle_that_is_not_there_is_one_clear_line() -> None:
    finished = said("bundle", "inspect", "/nowhere")
    assert finished.returncode == 2
    assert finished.stdout == ""
    (line,) = finished.stderr.splitlines()
    assert line.startswith("localizer: ")
    assert "/nowhere" in line


def test_a_survey_goes_out_and_comes_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, lines, second = tmp_path / "a.survey", tmp_path / "a.jsonl", tmp_path / "b.survey"
    simulated = ("simulate", "demo", "--survey", str(first), "--step", "6", "--seed", "3")
    assert status_of(*simulated) == 0
    assert status_of("data", "export", str(first), str(lines)) == 0
    assert status_of("data", "import", str(lines), str(second)) == 0
    capsys.readouterr()
    assert status_of("data", "list", str(first), "--json") == 0
    before = json.loads(capsys.readouterr().out)
    assert status_of("data", "list", str(second), "--json") == 0
    assert json.loads(capsys.readouterr().out) == before
    assert before["site"] == "demo"
    assert sum(one["fingerprints"] for one in before["sessions"]) > 50
    assert status_of("data", "list", str(first)) == 0
    assert "sealed" in capsys.readouterr().out


def test_damaged_lines_are_named_and_the_rest_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    survey, lines = tmp_path / "a.survey", tmp_path / "a.jsonl"
    assert status_of("simulate", "demo", "--survey", str(survey), "--step", "6") == 0
    assert status_of("data", "export", str(survey), str(lines)) == 0
    good = lines.read_text(encoding="utf-8").splitlines()
    damaged = [*good[:-1], *["{broken"] * 30]
    lines.write_text("\n".join(damaged), encoding="utf-8")
    capsys.readouterr()
    assert status_of("data", "import", str(lines), str(tmp_path / "b.survey")) == 1
    printed = capsys.readouterr()
    assert f"{lines}:{len(good)}" in printed.err
    assert "and 10 more" in printed.err
    assert "30 lines were left out" in printed.err
    assert "fingerprints in" in printed.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["data", "list", "/nowhere.survey"],
        ["data", "export", "/nowhere.survey", "out.jsonl"],
        ["simulate", "/nowhere.toml", "--survey", "/tmp/never.survey"],
    ],
)
def test_what_is_not_there_is_said(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(*arguments) == 2
    assert "nowhere" in capsys.readouterr().err
