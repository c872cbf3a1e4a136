import dataclasses
import json
from pathlib import Path

import pytest

from localizer.errors import ConfigError
from tests.training.reproduction.made_up import SEEDS, network_run, reproduction
from training.reproduction.page import page, write_page
from training.reproduction.paper import TABLE_2, PaperRow
from training.reproduction.protocol import Side
from training.reproduction.records import Reproduction, read_reproduction
from training.reproduction.verdicts import JUDGES, augmentation, copies, no_network, tuning


def changed(model: str, side: Side, error_cells: float) -> Reproduction:
    """Every run of a model on one side with another error."""
    found = reproduction()
    return dataclasses.replace(
        found,
        networks=tuple(
            network_run(model, side, run.seed, error_cells + 0.01 * run.seed)
            if (run.model, run.side) == (model, side)
            else run
            for run in found.networks
        ),
    )


def line_of(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(start))


def test_the_page_has_every_part_and_every_figure_of_the_paper() -> None:
    text = page(reproduction())
    for heading in ("Table II", "Figure 6", "Figure 9", "What stands", "What was run"):
        assert f"## {heading}" in text
    for row in TABLE_2:
        assert f"| {row.title} | {row.loss_cells:.2f} |" in text
    for feet in ("23.2", "21.9", "20.7", "19.7"):
        assert f"| {feet} |" in text
    assert "trial run" not in text
    assert "took 10.0 minutes" in text
    assert "used 15.0 minutes of processor time" in text


@pytest.mark.parametrize("row", TABLE_2, ids=lambda row: row.model)
def test_figures_of_ours_come_from_the_records(row: PaperRow) -> None:
    line = line_of(page(changed(row.model, "published", 7.77)), f"| {row.title} |")
    assert "7.78 [7.77, 7.80], n = 4 | no" in line


def test_simple_methods_stand_beside_with_their_own_figures() -> None:
    text = page(reproduction())
    assert "| k-NN | 1.91 | 2.87 |" in text
    assert "| weighted centroid | 2.79 | 2.79 |" in text


def test_a_run_with_fewer_epochs_says_that_it_is_none() -> None:
    found = reproduction()
    short = dataclasses.replace(found, facts=dataclasses.replace(found.facts, epochs=3))
    assert "A trial run, not a result:** 3 epochs" in page(short)


def test_verdicts_turn_with_the_figures() -> None:
    base = TABLE_2[0].model
    assert copies(reproduction()).verdict == "does not stand"
    assert copies(changed(base, "clean", 1.0)).verdict == "stands"
    assert no_network(reproduction()).verdict == "does not stand"
    assert no_network(changed(base, "clean", 1.0)).verdict == "stands"
    assert tuning(reproduction()).verdict.startswith("4 of 4 gains")
    tuned = TABLE_2[1].model
    assert tuning(changed(tuned, "clean", 9.0)).verdict.startswith("3 of 4 gains")
    assert augmentation(reproduction()).verdict == "stands"
    assert augmentation(changed("hybrid", "clean", 9.0)).verdict != "stands"


def test_nothing_breaks_where_every_network_started_dead() -> None:
    found = reproduction()
    dead = dataclasses.replace(
        found,
        networks=tuple(dataclasses.replace(run, dead_at_start=True) for run in found.networks),
    )
    text = page(dead)
    assert "nan" not in text
    assert all(judge(dead).because for judge in JUDGES)


def test_the_page_is_written_with_its_pictures(tmp_path: Path) -> None:
    write_page(reproduction(), tmp_path / "reproduction.md")
    text = (tmp_path / "reproduction.md").read_text()
    pictures = sorted((tmp_path / "figures").iterdir())
    assert len(pictures) == 2
    assert all(f"figures/{picture.name}" in text for picture in pictures)


def test_everything_can_be_written_as_json_and_read_again(tmp_path: Path) -> None:
    found = changed(TABLE_2[0].model, "clean", float("nan"))
    document = found.to_document()
    assert [run["error_cells"] for run in document["networks"]].count(None) == len(SEEDS)
    path = tmp_path / "runs.json"
    path.write_text(json.dumps(document, allow_nan=False))
    assert page(read_reproduction(path)) == page(found)
    del document["evidence"]["copies"]["test"]
    path.write_text(json.dumps(document))
    with pytest.raises(ConfigError, match=r"evidence\.copies\.test: Field required"):
        read_reproduction(path)
    with pytest.raises(ConfigError, match="readable"):
        read_reproduction(tmp_path / "none.json")
