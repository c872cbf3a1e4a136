"""Fitting any method, a simple one or a network, behind one function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from localizer.errors import ConfigError
from localizer.site import Site
from localizer.table import FingerprintTable
from training.baselines import fit_baseline
from training.catalogue import SIMPLE_METHODS, Settings
from training.condense import condense
from training.config import Config, NetworkConfig
from training.fit_network import fit_network
from training.methods import Fitted
from training.metrics import errors_m
from training.pool.config import PoolConfig
from training.pool.fit import fit_pool
from training.splits import inner_folds
from training.tasks import INNER_FOLDS


def fit_method(
    method: str | Config,
    table: FingerprintTable,
    site: Site,
    *,
    seed: int,
    split: str,
    unlabelled: FingerprintTable,
    progress: Callable[[int], None],
) -> Fitted:
    """Return a method fitted to a training side.

    Args:
        method: a key of `SIMPLE_METHODS`, or a network's configuration.
        table: labelled rows of one floor.
        site: with every beacon of the table.
        seed: of a network; the simple methods have none.
        split: how the training side is cut when settings are chosen on it.
        unlabelled: scans of the training side without a position.
        progress: told about ended steps (epochs; one for a simple method).

    Raises:
        ConfigError: there is no such method, or nothing to fit.
    """
    if len(table) == 0:
        raise ConfigError(
            "a fit needs labelled scans of a development session, but the training side has none; "
            "survey some places, or mark a session as development"
        )
    if isinstance(method, PoolConfig):
        return fit_pool(method, table, site, seed=seed, unlabelled=unlabelled, progress=progress)
    if isinstance(method, NetworkConfig):
        return fit_network(method, table, site, seed=seed, unlabelled=unlabelled, progress=progress)
    if method not in SIMPLE_METHODS:
        raise ConfigError(
            f"a simple method must be one of {list(SIMPLE_METHODS)}, but got {method!r}"
        )
    rows, notes = condense(table, SIMPLE_METHODS[method].most_rows or len(table))
    fitted = fit_baseline(method, rows, site, choose_settings(method, rows, site, split=split))
    progress(1)
    return replace(fitted, notes=(*notes, *fitted.notes))


def choose_settings(method: str, table: FingerprintTable, site: Site, *, split: str) -> Settings:
    """Return the settings with the least mean error over folds of the training side alone."""
    grid = SIMPLE_METHODS[method].grid
    folds = list(inner_folds(table, split, INNER_FOLDS)) if len(grid) > 1 else []
    if not folds:
        return grid[0]

    def mean_error(settings: Settings) -> float:
        errors = []
        for fold in folds:
            fitted = fit_baseline(method, table.rows(fold.train), site, settings)
            test = table.rows(fold.test)
            errors.append(errors_m(fitted.predict(test), test.position_m))
        return float(np.concatenate(errors).mean())

    return min(grid, key=mean_error)
