import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from localizer.bundle import load_bundle
from localizer.errors import BundleError, ConfigError
from localizer.locate import Locator
from tests.training.evaluated import SIMPLE, evaluation, with_distributions
from tests.training.simulated import quick, small_site, small_survey, small_table
from training import export
from training.catalogue import SIMPLE_METHODS
from training.config import Config
from training.convert import to_tflite
from training.criterion import choose
from training.evaluation import Plan, evaluate, to_records
from training.export import write_bundle
from training.fit_method import fit_method
from training.journey import Export, Target, fit_and_write
from training.ledger import Ledger
from training.methods import Fitted
from training.metrics import errors_m
from training.recipe import Recipe
from training.records import Record, bundle_metrics, records_from
from training.report import error_table
from training.splits import SPLITS
from training.tasks import Material, Progress, Workers
from training.workdir import write_run


def test_every_method_is_scored_on_every_row_best_first() -> None:
    done = evaluation()
    assert {r.method for r in done.results} == {*SIMPLE, "dnn"}
    means = [r.summary.mean for r in done.results]
    assert means == sorted(means)
    assert len(done.rows) == len(small_table())
    network = next(r for r in done.results if r.method == "dnn")
    assert network.errors.shape == (2, len(done.rows))
    assert not network.is_baseline
    assert network.summary.seed_sd > 0


def test_errors_belong_to_their_rows() -> None:
    done = evaluation()
    for result in done.results:
        again = errors_m(result.predicted[0], done.rows.position_m)
        np.testing.assert_allclose(again, result.errors[0])


def test_worker_processes_give_what_one_process_gives() -> None:
    alone, together = evaluation(), evaluation(2)
    for one, other in zip(alone.results, together.results, strict=True):
        assert one.method == other.method
        np.testing.assert_allclose(one.errors, other.errors, atol=1e-4)


def test_an_error_in_a_worker_reaches_the_caller() -> None:
    plan = Plan("small", small_site(), small_table(), SPLITS["sessions"], ["nothing"], [], (0,))
    with (
        pytest.raises(Exception, match="a simple method must be one of"),
        Workers(2, small_table(), small_site()) as pool,
    ):
        evaluate(plan, pool)


def _killed(_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_is_killed_is_an_error_of_ours_with_what_to_do() -> None:
    with (
        pytest.raises(ConfigError, match="fewer --workers"),
        Workers(2, small_table(), small_site()) as pool,
    ):
        pool.call(_killed)


def test_a_method_without_a_mean_never_comes_first() -> None:
    diverging = quick("dnn", name="diverging", optimizer="sgd", learning_rate=1e30)
    site, table = small_site(), small_table()
    plan = Plan("small", site, table, SPLITS["cells"], SIMPLE, [diverging], (0,))
    with Workers(1, table, site) as pool:
        done = evaluate(plan, pool)
    assert done.results[-1].method == "diverging"
    record = to_records(done, None)[-1]
    assert record["mean"] is None
    assert "training diverged: its loss is no number" in record["notes"]


def test_a_bundle_serves_the_aggregation_that_was_evaluated(tmp_path: Path) -> None:
    table = small_survey().development("max")
    fit_and_write(small_material()._replace(table=table), export_of("knn", tmp_path))
    assert load_bundle(tmp_path).spec.aggregation == "max"


def test_progress_counts_every_epoch() -> None:
    told: list[Progress] = []
    plan = Plan(
        "small", small_site(), small_table(), SPLITS["cells"], ["knn"], [quick("dnn")], (0,)
    )
    with Workers(1, small_table(), small_site()) as pool:
        evaluate(plan, pool, progress=told.append)
    steps = {m: sum(p.steps for p in told if p.method == m) for m in ("knn", "dnn")}
    assert steps == {"knn": 5, "dnn": 15}


def test_the_gain_is_paired_and_0_for_the_best_baseline() -> None:
    done = evaluation()
    assert done.gain(done.best_baseline) == (0, 0, 0)
    worst = next(r for r in done.results if r.method == "training-centroid")
    gain, low, high = done.gain(worst)
    assert low < gain < high < 0
    assert gain == pytest.approx(done.best_baseline.summary.mean - worst.summary.mean)


def test_outages_are_scored_on_every_row_and_recorded() -> None:
    plan = Plan(
        "small", small_site(), small_table(), SPLITS["sessions"], SIMPLE[1:], [], (0,), outages=True
    )
    with Workers(1, small_table(), small_site()) as pool:
        done = evaluate(plan, pool)
    for result, record in zip(done.results, to_records(done, None), strict=True):
        assert [o["gone"] for o in record["outages"]] == [0, 1, 2, 3]
        assert record["outages"][0]["mean"] == pytest.approx(result.summary.mean)
        assert record["outages"][1]["worse"] > 0
        assert all(0 <= o["silent_share"] <= 1 for o in record["outages"])
    assert all(record["outages"] is None for record in to_records(evaluation(), None))


def test_distributions_are_scored_fold_by_fold_and_seed_by_seed() -> None:
    done = with_distributions()
    result = done.results[0]
    spread = result.summary.spread
    assert spread is not None
    assert result.scores["nll"].shape == result.errors.shape
    assert spread.nll == pytest.approx(result.scores["nll"].mean())
    assert 0 < spread.coverage_68 <= spread.coverage_95 <= 1
    assert 0 < spread.sharpness_68 < spread.sharpness_95
    record = to_records(done, None)[0]
    assert record["energy_score"] == spread.energy_score
    assert evaluation().best.summary.spread is None
    assert to_records(evaluation(), None)[0]["nll"] is None


def test_records_and_table_hold_every_method_with_its_split() -> None:
    done = evaluation()
    records = to_records(done, None)
    assert [r["method"] for r in records] == [r.method for r in done.results]
    assert all(r["split"] == "sessions" and r["unit"] == "m" and r["honest"] for r in records)
    assert error_table(done, None).row_count == len(done.results)


def test_a_run_leaves_metrics_curves_plots_and_its_configuration(tmp_path: Path) -> None:
    recipe = Recipe([SPLITS["sessions"]], SIMPLE, [quick("dnn")], (0, 1))
    write_run(tmp_path, small_survey(), recipe, [evaluation()])
    found = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    best = evaluation().best.method
    assert found >= {
        "config-dnn.toml",
        "metrics.json",
        "run.json",
        "curves-sessions.csv",
        "plots/error-cdf-sessions.png",
        f"plots/error-map-sessions-{best}.png",
        "plots/training-curves-sessions.png",
    }


@pytest.mark.parametrize(
    "name",
    [
        "training-centroid",
        "weighted-centroid",
        "strongest-beacon",
        "knn",
        "weighted-knn",
        "kernel-mean",
        "kernel-median",
        "gp-residual",
        "random-forest",
        "extra-trees",
    ],
)
def test_every_simple_method_is_exported_and_located_by_the_edge(name: str, tmp_path: Path) -> None:
    check_export(name, tmp_path)


@pytest.mark.parametrize("preset", ["dnn", "cnn", "paper-dnn"])
def test_every_network_is_exported_and_located_by_the_edge(preset: str, tmp_path: Path) -> None:
    check_export(quick(preset, target="box"), tmp_path)


def small_material() -> Material:
    return Material(small_table(), small_site(), small_table().rows(slice(0)))


def fit_one(method: str | Config) -> Fitted:
    table, site, unlabelled = small_material()
    return fit_method(
        method,
        table,
        site,
        seed=0,
        split="sessions",
        unlabelled=unlabelled,
        progress=lambda _: None,
    )


def check_export(method: str | Config, folder: Path) -> None:
    table = small_table()
    name = method if isinstance(method, str) else method.name
    fit_and_write(small_material(), export_of(method, folder))
    bundle = load_bundle(folder)
    assert bundle.manifest.method == name
    assert bundle.manifest.is_baseline is isinstance(method, str)
    fitted = fit_one(method)
    located = Locator(bundle).locate_array(table.rssi_dbm, table.mask)
    heard = table.mask.any(axis=1)
    np.testing.assert_allclose(located[heard], fitted.predict(table)[heard], atol=2e-3)


def records(winner: str) -> tuple[Record, ...]:
    """The figures above, as if `winner` had won: what is exported is tested, not who wins."""
    done = evaluation()
    won = replace(done.best, method=winner, is_baseline=winner in SIMPLE_METHODS)
    others = tuple(result for result in done.results[1:] if result.method != winner)
    return records_from(to_records(replace(done, results=(won, *others)), None))


def export_of(method: str | Config, folder: Path) -> Export:
    figures = records(method if isinstance(method, str) else method.name)
    choice = choose(figures, ["sessions"])
    target = Target(folder, Ledger(folder / "ledger.jsonl"))
    return Export(method, choice, 0, small_survey(), figures, target)


def test_the_card_and_the_manifest_say_what_the_bundle_is(tmp_path: Path) -> None:
    job = export_of(evaluation().best.method, tmp_path)
    fit_and_write(small_material(), job)
    bundle = load_bundle(tmp_path)
    (metrics,) = bundle.manifest.metrics
    assert (metrics,) == bundle_metrics(job.records, job.choice.method)
    assert metrics.mean_m == evaluation().best.summary.mean
    assert metrics.split == "sessions"
    assert f"| sessions | {metrics.n} | {metrics.mean_m:.2f} |" in bundle.card
    assert job.choice.words in bundle.card
    assert "Never read" in bundle.card
    assert bundle.manifest.forced is None
    assert bundle.manifest.provenance.rows == len(small_table())
    assert bundle.manifest.provenance.data_sha256 == small_survey().data_sha256
    assert set(bundle.manifest.provenance.sessions) == set(small_table().session.tolist())


def test_the_same_fit_gives_the_same_model_file(tmp_path: Path) -> None:
    for name in ("first", "second"):
        fit_and_write(small_material(), export_of(quick("dnn"), tmp_path / name))
    first, second = (load_bundle(tmp_path / name).manifest for name in ("first", "second"))
    assert first.files["model.tflite"] == second.files["model.tflite"]


def test_write_bundle_refuses_a_model_that_computes_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = small_table()
    fitted = fit_one("knn")
    swapped = to_tflite(fit_one("weighted-centroid"))
    monkeypatch.setattr(export, "to_tflite", lambda _: swapped)
    with pytest.raises(BundleError, match="do not ship it"):
        write_bundle(tmp_path, fitted, small_site(), table, cast("export.Origin", None))
