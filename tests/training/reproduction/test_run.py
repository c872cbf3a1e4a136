"""The command as a user gives it, on the real rows with hardly any training."""

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.real_data import uci_files
from training.catalogue import SIMPLE_METHODS
from training.cli import main
from training.ledger import Ledger
from training.reproduction import jobs, run
from training.reproduction.paper import TABLE_2

KEPT = {
    ("dnn-adam-default", "published"),
    ("dnn-adam-default", "clean"),
    ("cnn-adam-default", "published"),
    ("hybrid", "clean"),
}


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", ["training", "reproduce", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code


def reproduce(monkeypatch: pytest.MonkeyPatch, folder: Path) -> tuple[str, dict[str, Any]]:
    """Run the command with one seed and one epoch; return its page and its JSON."""
    uci_files()
    call(
        monkeypatch, "--seeds", "1", "--epochs", "1", "--workers", "1",
        "--out", str(folder / "docs" / "page.md"), "--json", str(folder / "runs.json"),
        "--workdir", str(folder / "work"), "--ledger", str(folder / "ledger.jsonl"),
    )  # fmt: skip
    page = (folder / "docs" / "page.md").read_text()
    return page, json.loads((folder / "runs.json").read_text())


def figures(document: dict[str, Any], part: str, name: str, side: str) -> list[float]:
    key = "model" if part == "networks" else "method"
    return [
        one["error_cells"]
        for one in document[part]
        if (one[key], one["side"]) == (name, side) and not one.get("dead_at_start")
    ]


def check(page: str, document: dict[str, Any]) -> None:
    """The page's structure, and that its figures are those of the records."""
    for heading in ("What stands", "What was run", "Table II", "Figure 6", "Figure 9", "How this"):
        assert page.count(f"\n## {heading}") == 1
    assert "A trial run, not a result:** 1 epochs" in page
    for method in {one["method"] for one in document["simple"]}:
        (published,) = figures(document, "simple", method, "published")
        (clean,) = figures(document, "simple", method, "clean")
        assert f"| {SIMPLE_METHODS[method].title} | {published:.2f} | {clean:.2f} |" in page
    (clean,) = figures(document, "networks", TABLE_2[0].model, "clean")
    assert f"| {clean:.2f} [{clean:.2f}, {clean:.2f}], n = 1 |" in page
    copies = document["evidence"]["copies"]
    assert f"{copies['near_published']} of the {copies['test']} test rows" in page
    (day,) = copies["copies"]
    assert f"{day['matched']} of the {day['rows']} rows of {day['session']}" in page


@pytest.mark.long
def test_the_command_writes_its_page_its_runs_and_a_line_in_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def few(*arguments: Any) -> Sequence[jobs.Job]:
        kept = {}
        for job in jobs.network_jobs(*arguments):
            if (job.model, job.side) in KEPT:
                kept[job.model, job.side] = job
        return list(kept.values())

    monkeypatch.setattr(run, "network_jobs", few)
    simple = {name: SIMPLE_METHODS[name] for name in ("weighted-centroid", "knn")}
    monkeypatch.setattr(jobs, "SIMPLE_METHODS", simple)
    module = importlib.import_module("training.augmentation.autoencoder")
    monkeypatch.setattr(module, "EPOCHS", 1)
    page, document = reproduce(monkeypatch, tmp_path)
    check(page, document)
    rewritten = tmp_path / "again.md"
    call(monkeypatch, "--runs", str(tmp_path / "runs.json"), "--out", str(rewritten))
    assert rewritten.read_text() == page
    (reading,) = Ledger(tmp_path / "ledger.jsonl").readings()
    assert reading.again == "benchmark"
    assert set(reading.sealed) == {"2016-04-19", "2016-04-20"}
    metrics = {one.method: one.metrics for one in reading.results}
    centroid = metrics["weighted-centroid"]
    assert centroid is not None
    (cells,) = figures(document, "simple", "weighted-centroid", "clean")
    assert centroid.n == 284
    assert centroid.mean_m == pytest.approx(cells * 3.048)


@pytest.mark.long
def test_the_whole_command_with_one_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, document = reproduce(monkeypatch, tmp_path)
    check(page, document)
    assert {run["model"] for run in document["networks"]} >= {row.model for row in TABLE_2}
    assert {run["method"] for run in document["simple"]} == set(SIMPLE_METHODS)
