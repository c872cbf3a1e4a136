import io
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from localizer.errors import ConfigError
from localizer.table import FingerprintTable
from tests.training.simulated import quick, small_site, small_survey, small_table
from training.ablation import Gain, ablate, gain_table, gains, to_records, verdicts
from training.augmentation import augment
from training.cli import main
from training.config import NetworkConfig, config_to_toml, load_network
from training.evaluation import Evaluation
from training.fit_network import fit_network
from training.metrics import bootstrap_by_place
from training.recipe import Recipe
from training.splits import SPLITS, Fold, Split
from training.tasks import Workers
from training.variants import variants

SEEDS = (0, 1)


def _halves(table: FingerprintTable) -> list[Fold]:
    odd = table.place % 2 == 1
    sides = (np.flatnonzero(odd), np.flatnonzero(~odd))
    return [Fold("odd", sides[0], sides[1]), Fold("even", sides[1], sides[0])]


HALVES = Split("halves", "half of the places left out", "", _halves)
"""Two folds: a test that trains a dozen networks would be slow with more."""


def configs() -> list[NetworkConfig]:
    return variants(quick("dnn"), ["noise"])


@cache
def done() -> tuple[str, Evaluation]:
    out = io.StringIO()
    recipe = Recipe([HALVES], ["weighted-centroid", "training-centroid"], configs(), SEEDS)
    with Workers(1, small_table(), small_site()) as workers:
        (evaluation,) = ablate(small_survey(), recipe, workers, Console(file=out, width=140))
    return out.getvalue(), evaluation


def found() -> list[Gain]:
    return gains(done()[1], configs())


def test_every_variant_is_compared_with_none_on_the_same_rows_and_seeds() -> None:
    evaluation = done()[1]
    errors = {result.method: result.errors for result in evaluation.results}
    (gain,) = found()
    assert (gain.network, gain.augmentation) == ("dnn", "noise")
    pairs = errors["dnn"] - errors["dnn+noise"]
    assert gain.gain_m == pytest.approx(pairs.mean())
    bounds = bootstrap_by_place(pairs.mean(axis=0), evaluation.rows.place)
    assert (gain.gain_low_m, gain.gain_high_m) == pytest.approx(bounds)
    assert gain.gain_seed_sd_m == pytest.approx(pairs.mean(axis=1).std(ddof=1))
    assert gain.none_mean_m - gain.mean_m == pytest.approx(gain.gain_m)
    assert (gain.seeds, gain.n) == (2, len(small_table()))
    assert gain.best_simple == evaluation.best_baseline.method
    assert gain.best_simple_mean_m == evaluation.best_baseline.summary.mean


def test_where_nobody_stands_still_whole_sessions_are_drawn_again() -> None:
    evaluation = done()[1]
    rows = evaluation.rows
    walked = replace(rows, position_m=rows.position_m + 0.01 * np.arange(len(rows))[:, None])
    (gain,) = gains(replace(evaluation, rows=walked), configs())
    errors = {result.method: result.errors.mean(axis=0) for result in evaluation.results}
    session = np.unique(rows.session, return_inverse=True)[1]
    bounds = bootstrap_by_place(errors["dnn"] - errors["dnn+noise"], session)
    assert (gain.gain_low_m, gain.gain_high_m) == pytest.approx(bounds)


def test_gains_come_best_first() -> None:
    evaluation = done()[1]
    noise = next(r for r in evaluation.results if r.method == "dnn+noise")
    worse = replace(noise, method="dnn+device", errors=noise.errors + 1)
    more = replace(evaluation, results=(*evaluation.results, worse))
    every = variants(quick("dnn"), ["device", "noise"])
    assert [gain.augmentation for gain in gains(more, every)] == ["noise", "device"]


def test_rows_are_added_in_the_training_sides_alone() -> None:
    """Half of the places is held out: noise adds as many rows as are left, on average."""
    assert found()[0].rows_added == pytest.approx(0.5 * len(small_table()))


def test_the_table_shows_none_and_the_best_simple_method() -> None:
    text = done()[0]
    assert "(simple)" in text
    assert "reference" in text
    assert "noise" in text
    assert "2 seeds" in text


def a_gain(split: str, low: float, *, variant: str = "noise") -> Gain:
    return replace(found()[0], split=split, gain_low_m=low, augmentation=variant)


def test_a_variant_earns_its_place_above_zero_on_all_splits_only() -> None:
    both = [a_gain("cells", 0.1), a_gain("sessions", 0.2)]
    assert verdicts(both) == [
        "dnn+noise: earns its place: its interval is above 0 on cells, sessions"
    ]
    one = [a_gain("cells", 0.1), a_gain("sessions", -0.1)]
    assert verdicts(one) == ["dnn+noise: stays off: its interval is not above 0 on sessions"]
    nothing = [a_gain("cells", float("nan"))]
    assert verdicts(nothing) == ["dnn+noise: stays off: its interval is not above 0 on cells"]


def test_the_control_is_no_augmentation() -> None:
    (line,) = verdicts([a_gain("cells", 0.1, variant="epochs-x2")])
    assert line == "dnn+epochs-x2: no augmentation, but a control; above 0 on 1 of 1"


def test_records_are_json_and_a_figure_that_does_not_exist_is_null() -> None:
    records = to_records([a_gain("cells", float("nan"))], ["a line"])
    assert json.loads(json.dumps(records, allow_nan=False))["gains"][0]["gain_low_m"] is None
    assert records["verdicts"] == ["a line"]


def test_no_variants_give_an_empty_table() -> None:
    assert gain_table(done()[1], []).row_count == 1


def test_the_command_prints_verdicts_and_writes_gains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluation = done()[1]
    monkeypatch.setattr("training.ablation.ablate", lambda *_: [evaluation])
    network = tmp_path / "quick.toml"
    network.write_text(config_to_toml(quick("dnn")))
    gains_file, work = tmp_path / "gains.json", tmp_path / "work"
    command = ["ablate", small_survey().path, "--config", network, "--augment", "noise"]
    rest = ["--workers", 1, "--workdir", work, "--json", gains_file]
    monkeypatch.setattr("sys.argv", ["training", *map(str, command + rest)])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    assert verdicts(found())[0] in capsys.readouterr().out
    records = json.loads(gains_file.read_text())
    assert [gain["augmentation"] for gain in records["gains"]] == ["noise"]
    assert json.loads((work / "ablation.json").read_text()) == records
    written = load_network(str(work / "config-dnn+noise.toml"))
    assert written.augment == ("noise",)


def test_a_split_that_is_not_honest_is_refused() -> None:
    recipe = Recipe([SPLITS["random"]], ["knn"], configs(), SEEDS)
    with (
        Workers(1, small_table(), small_site()) as workers,
        pytest.raises(ConfigError, match="an ablation needs honest splits"),
    ):
        ablate(small_survey(), recipe, workers, Console(file=io.StringIO()))


def test_a_network_trains_on_the_augmented_rows_and_says_so() -> None:
    config = quick("dnn", augment=("noise", "interpolation"))
    table = small_table()
    fitted = fit_network(config, table, small_site(), seed=1)
    added = augment(config.augment, table, table.rows(slice(0)), small_site(), seed=1)
    assert fitted.settings["augmented_rows"] == added.counts()
    assert "its training rows are augmented by noise, interpolation" in fitted.notes
    plain = fit_network(quick("dnn"), table, small_site(), seed=1)
    assert "augmented_rows" not in plain.settings
    assert np.abs(plain.predict(table) - fitted.predict(table)).max() > 0.01


def test_a_network_without_unlabelled_scans_refuses_what_needs_them() -> None:
    config = quick("dnn", augment=("pseudo-labels",))
    with pytest.raises(ConfigError, match="gives positions to unlabelled scans"):
        fit_network(config, small_table(), small_site(), seed=0)
