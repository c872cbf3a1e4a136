"""From a pooled locator, whose model has a distribution over the floor, to the edge."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from localizer.beacons import BeaconId
from localizer.bundle import Bundle
from localizer.errors import BundleError
from localizer.locate import Locator
from localizer.manifest import Golden, Metrics, Provenance, SpreadMetrics
from localizer.runtime import signature_names
from localizer.scans import Scan
from tests.training.simulated import small_site, small_table
from training.config import load_config
from training.convert import EXPORT_TOLERANCE, to_tflite, verified_model
from training.distributions import Distributions, disc_radius_m
from training.export import Origin, write_bundle
from training.methods import Fitted
from training.pool.config import PoolConfig
from training.pool.fit import fit_pool

_FOLDER: Final = TemporaryDirectory(prefix="pool-bundle-")


@cache
def fitted() -> Fitted:
    """A pool of two methods over 80 cells."""
    config = load_config("pool")
    assert isinstance(config, PoolConfig)
    two = (config.experts[0], config.experts[-1])
    few = replace(config, grid_cells=8, inner_folds=2, experts=two)
    none = small_table().rows(slice(0))
    return fit_pool(few, small_table(), small_site(), seed=0, unlabelled=none)


def cells_m() -> NDArray[np.float32]:
    assert fitted().grid_m is not None
    return np.asarray(fitted().grid_m)


def origin(spread: SpreadMetrics | None) -> Origin:
    metrics = Metrics(
        split="cells",
        honest=True,
        n=184,
        seeds=1,
        mean_m=2.0,
        ci_low_m=1.8,
        ci_high_m=2.2,
        median_m=1.9,
        p75_m=2.5,
        p95_m=4.0,
        baseline="weighted-centroid",
        baseline_mean_m=2.4,
        spread=spread,
    )
    provenance = Provenance(
        survey="small",
        data_sha256="0" * 64,
        sessions=("s1",),
        rows=184,
        config_sha256="0" * 64,
        git_commit="0" * 40,
        git_dirty=False,
        seed=0,
        versions={},
    )
    return Origin(False, (metrics,), provenance, "2026-11-21T08:00:00+00:00")


@cache
def bundle() -> Bundle:
    known = SpreadMetrics(
        nll=3.21, energy_score_m=1.23, coverage_68=0.71, coverage_95=0.94, r68_m=2.34, r95_m=4.56
    )
    folder = Path(_FOLDER.name) / "pool"
    return write_bundle(folder, fitted(), small_site(), small_table(), origin(known))


def test_the_manifest_says_which_output_is_which_and_over_which_cells() -> None:
    manifest, cells = bundle().manifest, bundle().cells
    outputs = {tensor.feature: tensor for tensor in manifest.outputs}
    names = signature_names(to_tflite(fitted())).outputs
    assert {feature: tensor.name for feature, tensor in outputs.items()} == names
    assert manifest.grid is not None
    assert cells is not None
    assert manifest.grid.cells == len(cells_m())
    assert outputs["log_probability"].shape == (None, manifest.grid.cells)
    np.testing.assert_allclose(cells.centres_m, cells_m(), atol=1e-4)


def test_the_edge_says_what_training_says() -> None:
    table, locator = small_table(), Locator(bundle())
    wanted = fitted().predict_all(table)
    assert wanted.log_probability is not None
    said = Distributions(wanted.log_probability, cells_m(), wanted.position_m)
    found = locator.fresh().estimate_array(table.rssi_dbm, table.mask)
    heard = table.mask.any(axis=1)
    assert heard.sum() > 100
    np.testing.assert_allclose(found.position_m[heard], wanted.position_m[heard], atol=2e-3)
    radii = np.stack([disc_radius_m(said, share) for share in (0.68, 0.95)], axis=1)
    # A disc ends at a cell: two runtimes may disagree on the last one, in few scans.
    away = np.abs(found.radii_m[heard] - radii[heard])
    assert (away < 5e-3).mean() > 0.97
    assert away.max() < np.ptp(cells_m()[:2, 0]) * 1.01
    for i in np.flatnonzero(heard)[:20]:
        readings = {table.beacons[j]: (float(table.rssi_dbm[i, j]),)
                    for j in np.flatnonzero(table.mask[i])}  # fmt: skip
        one = locator.locate(Scan(0, 1.0, readings))
        assert one.position is not None
        assert (one.position.x_m, one.position.y_m) == pytest.approx(
            tuple(wanted.position_m[i]), abs=2e-3
        )
        assert [one.r68_m, one.r95_m] == pytest.approx(found.radii_m[i].tolist(), abs=5e-3)


def test_probabilities_of_the_file_sum_to_one_and_are_those_of_the_graph() -> None:
    table = small_table()
    model, worst = verified_model(fitted(), to_tflite(fitted()), table.rows(slice(0, 40)))
    assert worst.position_m < 1e-3
    assert 0 < worst.probability < EXPORT_TOLERANCE
    vector = np.zeros((1, *model.input_shapes["vector"]), np.float32)
    silent = model.run_all({"vector": vector}).log_probability
    assert silent is not None
    assert np.exp(silent).sum() == pytest.approx(1.0, abs=1e-4)


def test_golden_vectors_hold_the_covariance() -> None:
    text = (Path(_FOLDER.name) / "pool" / "golden.json").read_text()
    vectors = Golden.model_validate_json(text).vectors
    assert len({vector.covariance_m2 for vector in vectors}) > 5
    assert all(v.covariance_m2 is not None and v.covariance_m2[0] > 0 for v in vectors)


def test_the_card_says_how_often_the_truth_lay_in_the_discs(tmp_path: Path) -> None:
    assert "| cells | 71% | 2.34 | 94% | 4.56 | 3.21 | 1.23 |" in bundle().card
    assert "no measure of its own uncertainty" not in bundle().card
    assert bundle().manifest.metrics[0].spread is not None
    unknown = write_bundle(tmp_path, fitted(), small_site(), small_table(), origin(None))
    assert "Nobody has measured how often the truth lies in them." in unknown.card


def test_a_graph_without_the_distribution_that_it_promises_is_refused() -> None:
    whole = fitted()
    half = replace(whole, graph=lambda inputs: {"position": whole.graph(inputs)["position"]})
    with pytest.raises(BundleError, match="log_probability") as caught:
        verified_model(whole, to_tflite(half), small_table().rows(slice(0, 2)))
    assert caught.value.field == "model.tflite"


def test_a_file_of_other_probabilities_is_refused() -> None:
    whole = fitted()

    def turned(inputs: object) -> dict[str, object]:
        said = whole.graph(inputs)  # type: ignore[arg-type]
        return {"position": said["position"], "log_probability": said["log_probability"][:, ::-1]}

    with pytest.raises(BundleError, match="in the probability of a cell"):
        verified_model(
            whole, to_tflite(replace(whole, graph=turned)), small_table().rows(slice(0, 4))
        )


def test_cells_that_are_no_regular_grid_are_not_exported(tmp_path: Path) -> None:
    grid = cells_m() * [1.0, 1.5]
    crooked = replace(fitted(), grid_m=grid.astype(np.float32))
    with pytest.raises(BundleError, match="regular grid"):
        write_bundle(tmp_path, crooked, small_site(), small_table(), origin(None))


def test_a_bundle_carries_the_ids_of_replaced_beacons(tmp_path: Path) -> None:
    known = fitted().spec.beacons[0]
    before = BeaconId("name:small:before")
    about = replace(origin(None), replaced={before: known, BeaconId("name:a:b"): before})
    bundle = write_bundle(tmp_path, fitted(), small_site(), small_table(), about)
    assert bundle.manifest.aliases == {before: known}
    locator = Locator(bundle)
    heard, heard_before = (Scan(0, 3.0, {one: (-60.0,)}) for one in (known, before))
    assert locator.locate(heard_before) == locator.locate(heard)
