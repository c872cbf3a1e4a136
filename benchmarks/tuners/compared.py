"""Our tuner beside others'.

Each gets the same wall time on the same core, one after the other, each in a process of its own.
What it holds for best is trained again on 16 fresh seeds and scored on rows that no tuner has seen.
The comparison of the rules goes over several seeds of the study.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.results import Row
from benchmarks.tuners.bench import FOLDS, SHAPES, Bench, Found, opened
from benchmarks.tuners.crashes import survived
from training.metrics import bootstrap_by_place, resampled_groups

SPEED, VERSUS, RULES = "tuners: speed", "tuners: versus", "tuners: rules"
"""Areas of their own: each may be measured by itself, and takes the place of its own rows alone."""
SECONDS: Final = 180.0
RULES_SECONDS: Final = 60.0
RULES_SEEDS: Final = 10
TRIALS: Final = 1_000
REPEATS: Final = 3
PAPER: Final = "cisco-dnn-adam"

Search = Callable[[Bench, float, int], Found]


class Searched(NamedTuple):
    """What a search came to, and how long it really took."""

    found: Found
    seconds: float


def versus(seconds: float) -> Iterator[Row]:
    """Compare the best of each tuner at equal wall time."""
    with opened() as bench:
        yield from _versus(bench, seconds)


def _versus(bench: Bench, seconds: float) -> Iterator[Row]:
    for name in TUNERS:
        if name.startswith("KerasTuner") and importlib.util.find_spec("keras_tuner") is None:
            yield Row(VERSUS, f"{name}: not installed", float("nan"), "")
            continue
        searched = _in_a_process(name, SHAPES, seconds, 0)
        yield from _rows_of(bench, name, searched)
    errors = bench.honest(bench.space.base)
    yield _honest(bench, "the default, nothing tuned", errors)
    for name, done, asked in survived():
        what = f"{name}: trials done of {asked}, a quarter of the points crash"
        yield Row(VERSUS, what, done, "trials")


def _rows_of(bench: Bench, name: str, searched: Searched) -> Iterator[Row]:
    what = f"{name}, {searched.seconds:.0f} s"
    note = f" ({searched.found.note})" if searched.found.note else ""
    yield Row(VERSUS, f"{what}: trials{note}", searched.found.trials, "trials")
    if searched.found.config is not None:
        yield _honest(bench, what, bench.honest(searched.found.config))


def _honest(bench: Bench, what: str, errors: NDArray[np.float64]) -> Row:
    table = bench.rows.table.rows(bench.rows.unseen_fold.test)
    groups = resampled_groups(table.place, table.session)
    low, high = bootstrap_by_place(errors.mean(axis=0), groups)
    against = f"[{low:.2f}, {high:.2f}]"
    return Row(VERSUS, f"{what}: error on unseen rows", float(errors.mean()), "m", against)


def rules(seconds: float, seeds: Sequence[int]) -> Iterator[Row]:
    """Compare studies with and without the rules at equal wall time, paired by seed.

    In the paper's space: there a minute is for more than twenty trials, and rules act every ten.
    """
    with opened(PAPER) as bench:
        yield from _rules(bench, seconds, seeds)


def _rules(bench: Bench, seconds: float, seeds: Sequence[int]) -> Iterator[Row]:
    errors: dict[str, list[float]] = {"rules on": [], "rules off": []}
    trials: dict[str, list[int]] = {"rules on": [], "rules off": []}
    for seed in seeds:
        for way, told in errors.items():
            found = _in_a_process(way, PAPER, seconds, seed).found
            config = found.config or bench.space.base
            told.append(float(bench.honest(config, seeds=4).mean()))
            trials[way].append(found.trials)
    for way, values in errors.items():
        name = f"{way}, {PAPER}, {len(seeds)} studies of {seconds:.0f} s"
        yield Row(RULES, f"{name}: error on unseen rows", float(np.mean(values)), "m")
        yield Row(RULES, f"{name}: trials", float(np.mean(trials[way])), "trials")
    gains = np.subtract(errors["rules off"], errors["rules on"])
    draws = np.random.default_rng(0).choice(gains, (2_000, len(gains))).mean(axis=1)
    low, high = np.quantile(draws, (0.025, 0.975))
    against = f"[{low:.2f}, {high:.2f}]"
    yield Row(RULES, "what the rules gain, paired by study", float(gains.mean()), "m", against)


def speed() -> Iterator[Row]:
    """Time studies of the paper's own space, small and large."""
    from benchmarks.tuners.ours import wall_time

    with opened(PAPER) as bench:
        for trials, repeats in ((15, 1), (TRIALS, REPEATS)):
            seconds, done = wall_time(bench, trials, repeats=repeats)
            name = f"{PAPER}, {done:,} trials, {FOLDS} folds, seeds a trial: {repeats}; the search"
            yield Row(SPEED, name, seconds, "s")


def _localizer(bench: Bench, seconds: float, seed: int, *, rules: bool) -> Found:
    from benchmarks.tuners.ours import by_localizer

    return by_localizer(bench, seconds, seed, rules=rules)


def _optuna(bench: Bench, seconds: float, seed: int) -> Found:
    from benchmarks.tuners.rivals import by_optuna

    return by_optuna(bench, seconds, seed)


def _keras_tuner(kind: str, bench: Bench, seconds: float, seed: int) -> Found:
    from benchmarks.tuners.rivals import by_keras_tuner

    return by_keras_tuner(kind)(bench, seconds, seed)


TUNERS: Final = (
    "Localizer",
    "Optuna and Keras fit",
    "KerasTuner random",
    "KerasTuner Bayesian",
    "KerasTuner Hyperband",
)

SEARCHES: Final[dict[str, Search]] = {
    "Localizer": partial(_localizer, rules=True),
    "rules on": partial(_localizer, rules=True),
    "rules off": partial(_localizer, rules=False),
    "Optuna and Keras fit": _optuna,
    "KerasTuner random": partial(_keras_tuner, "random"),
    "KerasTuner Bayesian": partial(_keras_tuner, "bayesian"),
    "KerasTuner Hyperband": partial(_keras_tuner, "hyperband"),
}


def _in_a_process(name: str, space: str, seconds: float, seed: int) -> Searched:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_search, args=(theirs, name, space, seconds, seed)
    )
    process.start()
    theirs.close()
    try:
        searched: Searched = ours.recv()
    finally:
        process.join()
    return searched


def _search(pipe: object, name: str, space: str, seconds: float, seed: int) -> None:
    with opened(space) as bench:
        began = time.monotonic()
        found = SEARCHES[name](bench, seconds, seed)
        pipe.send(Searched(found, time.monotonic() - began))  # type: ignore[attr-defined]


def measure() -> Iterator[Row]:
    """Time our studies, then compare them with others' and with those without rules."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    yield from speed()
    yield from versus(SECONDS)
    yield from rules(RULES_SECONDS, range(RULES_SEEDS))
