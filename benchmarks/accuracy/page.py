"""docs/accuracy.md: every figure of the run, and what it means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks.accuracy.costs import Costs, curve_lines
from benchmarks.accuracy.measure import LATER, NETWORK, POOL, Measured
from benchmarks.results import Row, at_most
from training.catalogue import SIMPLE_METHODS
from training.evaluation import outage_records

PAGE: Final = Path(__file__).parents[2] / "docs" / "accuracy.md"
AREA: Final = "accuracy"
TRAINING_S: Final = 180.0
"""A survey of 1,500 scans must train in so long."""
WORSE: Final = 0.25
"""Share by which the error may grow with one beacon gone."""

_HEAD: Final = """# Accuracy

Written by `make accuracy`, which reads sealed sessions with the reason `benchmark` and says so in
the ledger. Mean error in the plane of single scans; UCI in cells of 10 ft (3.048 m) on its 820
genuine rows, UJI and TETAM in metres. The recipe is the preset `pool`, the same on all three: what
it chooses by itself, it chooses on the training side of each fold. Nothing in it is drawn at random
except the copies for a phone without labels, so one seed stands for all. Intervals are 95 %, paired
by scan and bootstrapped by place (by walk on TETAM). Scans that hear nothing are left out for every
method, because the edge answers them with `no_signal` (8 scans of UJI).

[What resists, and what was tried](accuracy-tried.md) is a page of its own.

"""


def page(
    sealed: Sequence[Measured], development: Sequence[Measured], costs: Costs, minutes: float
) -> str:
    """Return the page."""
    parts = [
        _HEAD,
        "## Against the best simple method of each split\n\n",
        _gains(sealed),
        f"\nThe {_title('gp-residual')} is a simple method too, but was not among those that the "
        "bar names; the pool has two of them as members. What the pool gains on it:\n\n",
        _gains_over(sealed, "gp-residual"),
        "\n## Every method\n\n",
        _all_methods(sealed),
        "\n## Development sessions alone\n\n"
        "Cross-validation that no sealed session had a part in. Members and priors of the pool "
        "were compared on these and with the table above in view; docs/decisions/0006 says how."
        "\n\n",
        _all_methods(development),
        "\n## The predicted spread\n\n",
        _spreads([*sealed, *development]),
        "\n## Beacons gone\n\n",
        _outages(development),
        "\n## How much survey a floor needs\n\n"
        "UCI, cells left out, development sessions; cells. Test places stay whole.\n\n",
        "\n".join(curve_lines(costs.curves, sealed[0].protocol.unit_m, (POOL, "knn"))),
        "\n\n## Costs\n\n",
        f"The model of UCI has {costs.model_bytes / 1024:.0f} KiB and takes {costs.scan_us:.0f} µs "
        f"a scan on one thread, distribution included. {costs.rows} simulated scans train in "
        f"{costs.training_s:.0f} s in one process. This page took {minutes:.0f} minutes.\n",
    ]
    return "".join(parts)


def rows_of(sealed: Sequence[Measured], costs: Costs) -> list[Row]:
    """Return the figures for benchmarks/results.json."""
    return [*_result_rows(sealed), *_cost_rows(costs)]


def _result_rows(sealed: Sequence[Measured]) -> Iterator[Row]:
    for one in sealed:
        best = one.best_simple
        error, (_, low, _high) = one.mean(POOL), one.gain(best)
        other = one.mean(best.method)
        yield Row(
            AREA,
            one.protocol.title,
            error,
            one.protocol.unit,
            against=f"{_title(best.method)} {other:.3f}",
            ratio=error / other,
            goal=f"lower bound of the paired gain above 0 (is {low:.3f})",
            met=low > 0,
        )


def _cost_rows(costs: Costs) -> Iterator[Row]:
    yield at_most(AREA, f"training of {costs.rows} scans", costs.training_s, "s", TRAINING_S)
    yield Row(AREA, "model size", costs.model_bytes / 1024, "KiB")
    yield Row(AREA, "one scan through the model", costs.scan_us, "us")


def _title(method: str) -> str:
    return SIMPLE_METHODS[method].title if method in SIMPLE_METHODS else method


def _gains(done: Sequence[Measured]) -> str:
    lines = [
        "| data, split | n | best simple method | its error | pool | gain | wanted | reached |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in done:
        best, (gain, low, high) = one.best_simple, one.gain(one.best_simple)
        summary, unit = one.of(POOL).summary, one.protocol.unit_m
        wanted = one.protocol.reach or 0.0
        reached = (
            "bar" if low > 0 else "no bar",
            "edge" if one.mean(POOL) <= wanted else "no edge",
        )
        lines.append(
            f"| {one.protocol.title} ({one.protocol.unit}) | {summary.n} | {_title(best.method)} | "
            f"{one.mean(best.method):.3f} | **{one.mean(POOL):.3f}** "
            f"[{summary.ci_low / unit:.2f}, {summary.ci_high / unit:.2f}] | "
            f"{gain:.3f} [{low:.3f}, {high:.3f}] | {wanted:.2f} | "
            f"{', '.join(reached)} |"
        )
    return "\n".join(lines) + _anchors(done)


def _anchors(done: Sequence[Measured]) -> str:
    text = (
        "\n\n*Bar*: the lower bound of the gain is above 0. *Edge*: the figure wanted, which is "
        "the edge of what quick trials saw, is reached. Anchors, known before / here: "
    )
    known = [
        f"{one.protocol.title}: {_title(method)} {before:.2f} / {one.mean(method):.2f}"
        for one in done
        if one.protocol.anchor is not None
        for method, before in [one.protocol.anchor]
    ]
    return text + "; ".join(known) + ".\n"


def _gains_over(done: Sequence[Measured], method: str) -> str:
    lines = [f"| data, split | {_title(method)} | pool | gain |", "|---|---|---|---|"]
    for one in done:
        gain, low, high = one.gain(one.of(method))
        lines.append(
            f"| {one.protocol.title} | {one.mean(method):.3f} | {one.mean(POOL):.3f} | "
            f"{gain:.3f} [{low:.3f}, {high:.3f}] |"
        )
    return "\n".join(lines) + "\n"


def _all_methods(done: Sequence[Measured]) -> str:
    known = {result.method for one in done for result in one.evaluation.results}
    names = [POOL, NETWORK, *sorted(LATER), *(m for m in SIMPLE_METHODS if m not in LATER)]
    names = [name for name in names if name in known]
    titles = " | ".join(f"{one.protocol.title} ({one.protocol.unit})" for one in done)
    lines = [f"| method | {titles} |", "|---" * (len(done) + 1) + "|"]
    for name in names:
        means = " | ".join(f"{one.mean(name):.3f}" for one in done)
        lines.append(f"| {_title(name)} | {means} |")
    if NETWORK in known:
        lines.append(f"\n`{NETWORK}` is the mean of three seeds.")
    return "\n".join(lines) + "\n"


def _spreads(done: Sequence[Measured]) -> str:
    lines = [
        "Share of scans within the radius that is said to hold 68 % and 95 % (coverage), and that "
        "radius (sharpness, m).\n",
        "| data, split | NLL (nat) | energy score (m) | coverage 68 / 95 % | r68 / r95 (m) |",
        "|---|---|---|---|---|",
    ]
    for one in done:
        spread = one.of(POOL).summary.spread
        if spread is not None:
            lines.append(
                f"| {one.protocol.title} | {spread.nll:.2f} | {spread.energy_score:.2f} | "
                f"{spread.coverage_68:.2f} / {spread.coverage_95:.2f} | "
                f"{spread.sharpness_68:.2f} / {spread.sharpness_95:.2f} |"
            )
    return "\n".join(lines) + "\n"


def _outages(done: Sequence[Measured]) -> str:
    one = next(m for m in done if m.of(POOL).outages is not None)
    lines = [
        f"{one.protocol.title}, development sessions: every beacon gone in turn, then pairs and "
        "triples, weighted by how often they are heard. Scans that then hear nothing are scored "
        "at the last known position.\n",
        "| method | none gone (m) | 1 | 2 | 3 | silent with 1 / 2 / 3 gone |",
        "|---|---|---|---|---|---|",
    ]
    for method in (POOL, "weighted-centroid", "knn"):
        records = outage_records(one.of(method))
        if records is not None:
            first, *rest = records
            cells = " | ".join(f"{r['mean']:.2f} ({r['worse']:+.0%})" for r in rest)
            silent = " / ".join(f"{r['silent_share']:.0%}" for r in rest)
            lines.append(f"| {_title(method)} | {first['mean']:.2f} | {cells} | {silent} |")
    return "\n".join(lines) + "\n"
