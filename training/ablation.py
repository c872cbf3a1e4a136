"""Which augmentations earn their place: each against none, paired by fold and seed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from localizer.errors import ConfigError
from training.config import Config
from training.evaluation import Evaluation, MethodResult, Plan, evaluate, plan_tasks
from training.recipe import Recipe
from training.report import progress_bars, title_of
from training.surveys import OpenedSurvey
from training.tasks import Workers
from training.variants import MORE_EPOCHS, network_and_variant


@dataclass(frozen=True, slots=True)
class Gain:
    """What one variant gains on none over one split, metres; negative for a loss."""

    survey: str
    split: str
    network: str
    augmentation: str
    """Names of `AUGMENTATIONS` joined by `+`, or `epochs-x2`."""
    n: int
    seeds: int
    mean_m: float
    none_mean_m: float
    gain_m: float
    gain_low_m: float
    """Bounds of the 95 % interval, paired by row (seeds averaged), bootstrapped by place."""
    gain_high_m: float
    gain_seed_sd_m: float
    """Standard deviation over seeds of the mean gain; 0 for one seed."""
    best_simple: str
    """The best of the simple methods, which no augmentation concerns, and its mean error."""
    best_simple_mean_m: float
    rows_added: float
    """Mean over the folds and seeds."""

    @property
    def above_zero(self) -> bool:
        """Whether the interval lies above 0; a gain that is no number does not."""
        return self.gain_low_m > 0


def ablate(
    survey: OpenedSurvey, recipe: Recipe, workers: Workers, console: Console
) -> list[Evaluation]:
    """Score every variant on every split, with bars while it runs and a table after each.

    Args:
        survey: what to train on.
        recipe: its configurations are those of `variants`, one network's or several's.
        workers: they hold the survey's development rows.
        console: where bars and tables go.

    Raises:
        ConfigError: a split is not honest: a gain on it says nothing.
    """
    for split in recipe.splits:
        if not split.honest:
            raise ConfigError(
                f"an ablation needs honest splits, but {split.name!r} is {split.caveat}; leave it "
                "out"
            )
    evaluations = []
    for split in recipe.splits:
        rows = workers.material.table
        plan = Plan(
            survey.name, survey.site, rows, split, recipe.baselines, recipe.configs, recipe.seeds
        )
        with progress_bars(console, plan_tasks(plan)) as progress:
            done = evaluate(plan, workers, progress=progress)
        console.print(gain_table(done, gains(done, recipe.configs)))
        evaluations.append(done)
    return evaluations


def gains(evaluation: Evaluation, configs: Sequence[Config]) -> list[Gain]:
    """Return what each variant gains on its network without augmentation, the best first."""
    results = {result.method: result for result in evaluation.results}
    found = []
    for config in configs:
        network, augmentation = network_and_variant(config)
        if augmentation:
            pair = (results[network], results[config.name])
            found.append(_gain(evaluation, network, augmentation, pair))
    return sorted(found, key=lambda gain: (math.isnan(gain.gain_m), -gain.gain_m))


def _gain(
    evaluation: Evaluation,
    network: str,
    augmentation: str,
    pair: tuple[MethodResult, MethodResult],
) -> Gain:
    none, with_it = pair
    pairs = none.errors - with_it.errors
    mean, low, high = evaluation.gain_over(none, with_it)
    by_seed = pairs.mean(axis=1)
    made = [sum(chosen.get("augmented_rows", {}).values()) for chosen in with_it.settings]
    simple = evaluation.best_baseline
    return Gain(
        survey=evaluation.survey,
        split=evaluation.split.name,
        network=network,
        augmentation=augmentation,
        n=pairs.shape[1],
        seeds=pairs.shape[0],
        mean_m=with_it.summary.mean,
        none_mean_m=none.summary.mean,
        gain_m=mean,
        gain_low_m=low,
        gain_high_m=high,
        gain_seed_sd_m=float(by_seed.std(ddof=1)) if len(by_seed) > 1 else 0.0,
        best_simple=simple.method,
        best_simple_mean_m=simple.summary.mean,
        rows_added=float(np.mean(made)),
    )


def gain_table(evaluation: Evaluation, found: Sequence[Gain]) -> Table:
    """Return the gains of one split, with none and the best simple method beside them."""
    split = evaluation.split
    table = Table(title=f"{evaluation.survey}, split {split.name!r}: {split.what}")
    table.caption = (
        f"n = {len(evaluation.rows)} single scans, {found[0].seeds if found else 0} seeds; gain "
        "over none paired by fold and seed, interval 95 % by place; sd of the gain over seeds"
    )
    for column in ("network", "augmentation"):
        table.add_column(column)
    for column in ("rows added", "mean, m", "gain, m", "interval, m", "seed sd"):
        table.add_column(column, justify="right")
    simple = evaluation.best_baseline
    table.add_row(title_of(simple), "(simple)", "", f"{simple.summary.mean:.2f}", "", "", "")
    for network in dict.fromkeys(gain.network for gain in found):
        own = [gain for gain in found if gain.network == network]
        table.add_row(network, "none", "0", f"{own[0].none_mean_m:.2f}", "reference", "", "")
        for gain in own:
            table.add_row(*_cells(gain), style="green" if gain.above_zero else "")
    return table


def _cells(gain: Gain) -> list[str]:
    return [
        gain.network,
        gain.augmentation,
        f"{gain.rows_added:.0f}",
        f"{gain.mean_m:.2f}",
        f"{gain.gain_m:+.2f}",
        f"{gain.gain_low_m:+.2f} to {gain.gain_high_m:+.2f}",
        f"{gain.gain_seed_sd_m:.2f}",
    ]


def verdicts(found: Sequence[Gain]) -> list[str]:
    """Return a line a variant: it earns its place if its interval is above 0 on all splits."""
    by_variant: dict[str, list[Gain]] = {}
    for gain in found:
        by_variant.setdefault(f"{gain.network}+{gain.augmentation}", []).append(gain)
    return [f"{name}: {_verdict(own)}" for name, own in by_variant.items()]


def _verdict(own: Sequence[Gain]) -> str:
    short = [gain.split for gain in own if not gain.above_zero]
    if own[0].augmentation == MORE_EPOCHS:
        return f"no augmentation, but a control; above 0 on {len(own) - len(short)} of {len(own)}"
    if short:
        return f"stays off: its interval is not above 0 on {', '.join(short)}"
    splits = ", ".join(gain.split for gain in own)
    return f"earns its place: its interval is above 0 on {splits}"


def to_records(found: Sequence[Gain], lines: Sequence[str]) -> dict[str, Any]:
    """Return gains and verdicts for JSON; a figure that does not exist is null."""
    rows = [
        {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in dataclasses.asdict(gain).items()
        }
        for gain in found
    ]
    return {"gains": rows, "verdicts": list(lines)}
