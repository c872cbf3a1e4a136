"""What a difference between seeds alone would look like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from training.metrics import BOOTSTRAP_DRAWS, CONFIDENCE
from training.reproduction.paper import FIGURE_6_STEPS
from training.reproduction.records import NetworkRun, Reproduction, Spread, spread

_SEED: Final = 20_200_616
"""Of every drawing: the same runs give the same figures."""


class Gain(NamedTuple):
    """Mean of differences of pairs, and its 95 % interval over seeds; NaN without pairs."""

    mean: float
    low: float
    high: float
    pairs: int

    @property
    def sure(self) -> bool:
        """Whether the interval lies above 0."""
        return self.low > 0


def gain(worse: Sequence[NetworkRun], better: Sequence[NetworkRun]) -> Gain:
    """Return by how many cells one model's error is below another's, paired by seed.

    Runs of one seed share their initial weights (of one network) and the order of the rows. Those
    of seeds that started dead in either are left out. The interval is bootstrapped over seeds.
    """
    first = {run.seed: run.error_cells for run in worse if not run.dead_at_start}
    second = {run.seed: run.error_cells for run in better if not run.dead_at_start}
    pairs = np.array([first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())])
    if len(pairs) < 2:
        mean = float(pairs.mean()) if len(pairs) else float("nan")
        return Gain(mean, float("nan"), float("nan"), len(pairs))
    rng = np.random.default_rng(_SEED)
    means = pairs[rng.integers(0, len(pairs), (BOOTSTRAP_DRAWS, len(pairs)))].mean(axis=1)
    low, high = np.quantile(means, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return Gain(float(pairs.mean()), float(low), float(high), len(pairs))


class BestOf(NamedTuple):
    """The best of several runs that differ by their seed alone."""

    spread: Spread
    """Of the best, over drawings."""
    reached: float
    """Share of drawings whose best is no worse than a figure."""


def best_of(runs: Sequence[NetworkRun], count: int, figure_cells: float) -> BestOf:
    """Draw `count` of the runs, with replacement, again and again, and keep the best of each.

    That is what a search of so many trials finds where its settings change nothing.

    Args:
        runs: of one model on one side, dead or not: a search does not know.
        count: trials.
        figure_cells: what is to be reached.
    """
    errors = np.array([run.error_cells for run in runs if run.drawn])
    if not len(errors):
        return BestOf(spread([]), float("nan"))
    rng = np.random.default_rng(_SEED)
    best = errors[rng.integers(0, len(errors), (BOOTSTRAP_DRAWS, count))].min(axis=1)
    return BestOf(spread(best), float((best <= figure_cells).mean()))


def mean_share(run: NetworkRun) -> float:
    """Return the mean of a run's shares within 1 to 5 cells: its curve of Figure 6 in one."""
    return float(np.mean(run.within))


def share_above(better: Sequence[NetworkRun], worse: Sequence[NetworkRun]) -> float:
    """Return in which share of pairs, any seed with any, one model's curve lies above another's.

    By `mean_share`, among live runs; ties count half, so that 0.5 is a coin.
    """
    first = np.array([mean_share(run) for run in better if not run.dead_at_start])
    second = np.array([mean_share(run) for run in worse if not run.dead_at_start])
    if not len(first) or not len(second):
        return float("nan")
    off = first[:, np.newaxis] - second
    return float(((off > 0) + 0.5 * (off == 0)).mean())


def curve(reproduction: Reproduction, model: str, side: str) -> list[Spread]:
    """Return the spread over live seeds of the share within 1 to 5 cells."""
    live = [
        run
        for run in reproduction.networks
        if run.model == model and run.side == side and not run.dead_at_start
    ]
    return [spread([run.within[i] for run in live]) for i in range(len(FIGURE_6_STEPS))]
