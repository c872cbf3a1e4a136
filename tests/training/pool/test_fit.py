from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from localizer.errors import ConfigError
from localizer.table import FingerprintTable
from tests.training.pool.test_device_copies import of_a_phone
from tests.training.simulated import small_site, small_table
from training.config import load_config
from training.methods import Fitted
from training.pool.config import PoolConfig
from training.pool.fit import fit_pool


def quick_pool() -> PoolConfig:
    config = load_config("pool")
    assert isinstance(config, PoolConfig)
    few = (*config.experts[:3], config.experts[-1])
    return replace(config, grid_cells=8, inner_folds=2, experts=few)


def fitted_to(table: FingerprintTable, config: PoolConfig | None = None) -> Fitted:
    none = table.rows(slice(0))
    return fit_pool(config or quick_pool(), table, small_site(), seed=0, unlabelled=none)


@cache
def fitted() -> Fitted:
    return fitted_to(small_table())


def test_weights_sum_to_one_and_the_distribution_has_the_position_as_its_mean() -> None:
    weights = fitted().settings["weights"]
    assert len(weights) == len(quick_pool().experts)
    assert sum(weights.values()) == pytest.approx(1.0, abs=0.01)
    said = fitted().predict_all(small_table())
    assert said.log_probability is not None
    assert fitted().grid_m is not None
    mean = np.exp(said.log_probability) @ fitted().grid_m
    away = np.hypot(*(mean - said.position_m).T)
    assert np.median(away) < 0.05


def test_it_locates_better_than_the_middle() -> None:
    errors = np.hypot(*(fitted().predict(small_table()) - small_table().position_m).T)
    middle = small_table().position_m.mean(axis=0)
    assert errors.mean() < 0.6 * np.hypot(*(middle - small_table().position_m).T).mean()


def test_the_order_of_the_rows_does_not_matter() -> None:
    order = np.random.default_rng(0).permutation(len(small_table()))
    shuffled = fitted_to(small_table().rows(order))
    np.testing.assert_allclose(
        shuffled.predict(small_table()), fitted().predict(small_table()), atol=0.05
    )


def test_a_survey_of_one_place_is_fitted_with_the_prior() -> None:
    table = small_table()
    one = table.rows(table.place == table.place[0])
    weights = list(fitted_to(one).settings["weights"].values())
    priors = np.array([expert.prior for expert in quick_pool().experts])
    assert weights == pytest.approx(priors / priors.sum(), abs=0.001)


def test_members_without_a_map_give_no_distribution() -> None:
    config = quick_pool()
    plain = replace(config, experts=tuple(e for e in config.experts if e.method != "floor-softmax"))
    alone = fitted_to(small_table(), plain)
    assert alone.grid_m is None
    assert alone.predict_all(small_table()).log_probability is None


def test_a_phone_without_labels_is_copied_and_said() -> None:
    theirs = of_a_phone("new", most=2, louder_db=6)
    with_it = fit_pool(quick_pool(), small_table(), small_site(), seed=0, unlabelled=theirs)
    assert with_it.settings["rows"] == 3 * len(small_table())
    assert any("copies of scans as new would hear them" in note for note in with_it.notes)


def test_progress_counts_every_step() -> None:
    told: list[int] = []
    config, table = quick_pool(), small_table()
    fit_pool(
        config, table, small_site(), seed=0, unlabelled=table.rows(slice(0)), progress=told.append
    )
    assert sum(told) == config.epochs


def test_scans_of_silence_alone_are_refused() -> None:
    table = small_table()
    silent = replace(
        table, mask=np.zeros_like(table.mask), rssi_dbm=np.full_like(table.rssi_dbm, np.nan)
    )
    with pytest.raises(ConfigError, match="hear a beacon"):
        fitted_to(silent)
