import json
import math
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.training.simulated import quick, small_site, small_survey, small_table
from training.cli import main
from training.evaluation import Plan, evaluate
from training.learning_curve_report import curve_cells, curve_markdown, plot_learning_curves
from training.learning_curves import (
    AMOUNTS,
    SCANS,
    SHARES,
    Amount,
    Axis,
    LearningCurves,
    learning_curve_tasks,
    learning_curves,
    thin,
    to_records,
)
from training.splits import CELL_FOLDS, SPLITS
from training.tasks import Workers

AXES: tuple[Axis, ...] = ("scans", "places")


def plan(**changes: object) -> Plan:
    made = Plan("small", small_site(), small_table(), SPLITS["cells"], ["knn"], [], (0, 1))
    return replace(made, **changes)  # type: ignore[arg-type]


@cache
def curves() -> LearningCurves:
    with Workers(1, small_table(), small_site()) as pool:
        return learning_curves(plan(), pool)


def test_each_place_keeps_so_many_scans() -> None:
    table, rows = small_table(), np.arange(3, len(small_table()) - 5)
    for count in SCANS:
        kept = thin(table, rows, Amount("scans", count), seed=1)
        assert set(kept) <= set(rows)
        before, after = (np.bincount(table.place[r]) for r in (rows, kept))
        np.testing.assert_array_equal(after, np.minimum(before, count))
    assert len(thin(table, rows, Amount("scans", math.inf), seed=1)) == len(rows)


def test_so_many_places_keep_all_their_scans() -> None:
    table, rows = small_table(), np.arange(len(small_table()))
    places = len(np.unique(table.place))
    for share in (*SHARES, 1.0):
        kept = thin(table, rows, Amount("places", share), seed=1)
        left = np.unique(table.place[kept])
        assert len(left) == math.ceil(round(share * places, 9))
        assert len(kept) == np.isin(table.place, left).sum()
    assert len(np.unique(table.place[thin(table, rows, Amount("places", 0.001), seed=1)])) == 1


@pytest.mark.parametrize("axis", AXES)
def test_a_larger_survey_has_what_a_smaller_one_of_the_draw_has(axis: str) -> None:
    table, rows = small_table(), np.arange(len(small_table()))
    amounts = [amount for amount in AMOUNTS if amount.axis == axis]
    kept = [set(thin(table, rows, amount, seed=4).tolist()) for amount in amounts]
    for small, large in pairwise(kept):
        assert small <= large
    other = set(thin(table, rows, amounts[0], seed=5).tolist())
    assert other != kept[0]


def test_more_survey_is_better_and_all_of_it_is_the_evaluation() -> None:
    done = curves()
    for axis in AXES:
        line = done.of(axis, "knn")
        assert line[0].summary.mean > line[-1].summary.mean
        assert [p.training_scans for p in line] == sorted(p.training_scans for p in line)
    with Workers(1, small_table(), small_site()) as pool:
        whole = evaluate(plan(), pool)
    for axis in AXES:
        assert done.of(axis, "knn")[-1].summary.mean == pytest.approx(whole.best.summary.mean)
    assert done.of("scans", "knn")[0].summary.seeds == 2
    assert done.of("scans", "knn")[-1].summary.seeds == 1


def test_records_and_tables_hold_every_point(tmp_path: Path) -> None:
    done = curves()
    records = to_records(done)
    assert len(records) == len(AMOUNTS)
    assert [r["kept"] for r in records if r["axis"] == "scans_per_place"] == [1, 2, 3, 5, None]
    json.dumps(records, allow_nan=False)
    header, rows = curve_cells(done, "places")
    assert header[-1] == "k-NN"
    assert [row[0] for row in rows] == ["10 %", "20 %", "40 %", "60 %", "80 %", "100 %"]
    assert "±" in curve_markdown(done)
    plot_learning_curves(done, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 10_000


def test_networks_are_trained_anew_for_each_draw_and_simple_methods_once_on_all() -> None:
    tasks = learning_curve_tasks(plan(configs=[quick("dnn")]))
    networks = [task for task in tasks if task.config is not None]
    assert len(networks) == len(AMOUNTS[:-1]) * 2 * CELL_FOLDS
    assert {task.seed for task in networks} == {0, 1}
    assert len(tasks) - len(networks) == (len(AMOUNTS[:-1]) * 2 - 1) * CELL_FOLDS


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["training", "learning-curve", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_the_command_writes_tables_records_and_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    work, figures = tmp_path / "work", tmp_path / "figures.json"
    status = run(
        monkeypatch, small_survey().path, "--split", "cells", "--methods", "weighted-centroid",
        "--seeds", 1, "--workers", 1, "--workdir", work, "--json", figures,
    )  # fmt: skip
    assert status == 0
    assert "scans a place" in capsys.readouterr().out
    found = {path.relative_to(work).as_posix() for path in work.rglob("*") if path.is_file()}
    assert found >= {"learning-curve.json", "learning-curve.md", "plots/learning-curve.png"}
    assert json.loads(figures.read_text()) == json.loads((work / "learning-curve.json").read_text())


def test_a_split_that_flatters_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--split", "random", "--workdir", tmp_path / "work")
    assert run(monkeypatch, small_survey().path, *given) == 2
    assert "must be one of" in capsys.readouterr().err
