from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.accuracy.measure import Measured, write_readings
from benchmarks.accuracy.page import _gains
from benchmarks.accuracy.protocols import Protocol, visit_means, without_labels
from localizer.table import FingerprintTable
from tests.training.simulated import small_site, small_survey, small_table
from training.evaluation import Evaluation, MethodResult
from training.leaks import find_leaks
from training.ledger import Ledger
from training.metrics import summarise
from training.splits import SPLITS


def test_the_mean_of_a_visit_is_over_what_was_heard() -> None:
    table = small_table()
    means = visit_means(table)
    assert len(means) == len(np.unique(table.visit))
    mine = table.visit == means.visit[0]
    wanted = np.nanmean(table.rssi_dbm[mine][:, means.mask[0]], axis=0)
    np.testing.assert_allclose(means.rssi_dbm[0][means.mask[0]], wanted, rtol=1e-6)
    np.testing.assert_array_equal(means.mask[0], table.mask[mine].any(axis=0))
    assert means.position_m[0] == pytest.approx(table.position_m[mine][0])


def test_a_table_without_labels_has_none() -> None:
    bare = without_labels(small_table())
    assert not bare.labelled.any()
    np.testing.assert_array_equal(bare.mask, small_table().mask)


def protocol(reach: float) -> Protocol:
    table = small_table()
    return Protocol(
        "p", "small", table, table.rows(slice(0)), small_site(), SPLITS["cells"], 1.0, reach
    )


def result(method: str, rows: FingerprintTable, error: np.ndarray) -> MethodResult:
    predicted = rows.position_m + np.stack([error, np.zeros_like(error)], axis=1)
    errors = error[None]
    summary = summarise(errors, rows.place, np.zeros(len(rows), np.int64), cell_m=None)
    return MethodResult(
        method, method != "pool", errors, predicted[None], ({},), ({},), (), summary
    )


def measured(pool_error: float, *, reach: float) -> Measured:
    rows = small_table()
    noise = np.random.default_rng(0).uniform(0, 0.2, len(rows))
    results = [
        result("pool", rows, noise + pool_error),
        result("gp-residual", rows, noise + 1.0),
        result("weighted-centroid", rows, noise + 2.0),
        result("knn", rows, noise + 3.0),
    ]
    results.sort(key=lambda one: one.summary.mean)
    one = protocol(reach)
    leaks = find_leaks(rows, one.split.folds(rows), one.split)
    fold = np.zeros(len(rows), np.int64)
    return Measured(one, Evaluation("small", one.split, rows, fold, tuple(results), leaks))


@pytest.mark.parametrize(
    ("error", "reach", "words"),
    [(1.5, 2.0, "bar, edge"), (1.5, 1.0, "bar, no edge"), (2.5, 3.0, "no bar, edge")],
)
def test_the_page_says_what_was_reached(error: float, reach: float, words: str) -> None:
    line = _gains([measured(error, reach=reach)]).splitlines()[2]
    assert "weighted centroid" in line
    assert line.rstrip(" |").endswith(words)


def test_the_gain_is_over_the_best_of_the_named_simple_methods() -> None:
    one = measured(1.5, reach=2.0)
    assert one.best_simple.method == "weighted-centroid"
    gain, low, high = one.gain(one.best_simple)
    assert low <= gain <= high
    assert gain == pytest.approx(0.5, abs=1e-9)
    assert one.gain(one.of("gp-residual"))[0] == pytest.approx(-0.5, abs=1e-9)


@pytest.mark.parametrize(("final", "split"), [(True, "sealed"), (False, "p")])
def test_the_ledger_calls_sealed_what_a_final_evaluation_would_give(
    final: bool, split: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    monkeypatch.setattr("benchmarks.accuracy.measure.LEDGER", ledger)
    one = measured(1.5, reach=2.0)
    write_readings(small_survey(), [replace(one, protocol=replace(one.protocol, final=final))])
    (reading,) = Ledger(ledger).readings()
    assert {result.metrics.split for result in reading.results if result.metrics} == {split}
    assert reading.again == "benchmark: p"


def test_records_carry_the_protocol() -> None:
    records = measured(1.5, reach=2.0).to_records()
    assert {record["protocol"] for record in records} == {"p"}
    assert replace(protocol(1.0), unit_m=3.048).unit == "cells"
