"""A small evaluation of each kind, made once a test run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final

import numpy as np
import pytest

from localizer.table import FingerprintTable
from tests.training.simulated import quick, small_site, small_table
from training.baselines import fit_baseline
from training.evaluation import Evaluation, Plan, evaluate
from training.methods import Fitted
from training.splits import SPLITS
from training.tasks import Workers

SIMPLE: Final = ["training-centroid", "weighted-centroid", "knn"]


@cache
def evaluation(workers: int = 1) -> Evaluation:
    plan = Plan(
        "small", small_site(), small_table(), SPLITS["sessions"], SIMPLE, [quick("dnn")], (0, 1)
    )
    with Workers(workers, small_table(), small_site()) as pool:
        return evaluate(plan, pool)


def place_shares(table: FingerprintTable) -> Fitted:
    """A method with a distribution: a normal of 3 m about the weighted centroid, on a grid."""
    centroid = fit_baseline("weighted-centroid", table, small_site())
    x_min, y_min, x_max, y_max = small_site().bounds_m("0")
    axes = np.meshgrid(np.arange(x_min, x_max, 1.0), np.arange(y_min, y_max, 1.0))
    grid = np.stack(axes, axis=-1).reshape(-1, 2).astype(np.float32)

    def graph(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        position = np.asarray(centroid.graph(inputs)["position"])
        log = -((position[:, None] - grid[None]) ** 2).sum(axis=2) / (2 * 3.0**2)
        log -= np.log(np.exp(log).sum(axis=1, keepdims=True))
        return {"position": position, "log_probability": log}

    return replace(centroid, graph=graph, grid_m=grid)


@cache
def with_distributions() -> Evaluation:
    """Two seeds of a network that gives distributions."""
    table, site = small_table(), small_site()
    plan = Plan("small", site, table, SPLITS["sessions"], SIMPLE, [quick("dnn")], (0, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "training.fit_method.fit_network", lambda _, table, *a, **k: place_shares(table)
        )
        with Workers(1, table, site) as pool:
            done = evaluate(plan, pool)
    network = next(result for result in done.results if not result.is_baseline)
    return replace(done, results=(network, *(r for r in done.results if r is not network)))
