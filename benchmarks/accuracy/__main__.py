"""``python -m benchmarks.accuracy``: measure, write docs/accuracy.md and results.json."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from rich.markup import escape

from benchmarks.accuracy.costs import Costs, measure_costs
from benchmarks.accuracy.measure import POOL, Measured, measure, write_readings
from benchmarks.accuracy.page import PAGE, page, rows_of
from benchmarks.accuracy.protocols import DEVELOPMENT, SEALED, development_protocols
from benchmarks.results import write_results
from training.surveys import open_survey
from training.terminal import terminal
from training.workdir import write_json


def main() -> int:
    """Measure every protocol; exit status 1 if the pool's gain is not above 0 on one of them."""
    parser = argparse.ArgumentParser(prog="make accuracy", description=__doc__)
    parser.add_argument("--survey", choices=sorted(SEALED), action="append", help="these alone")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, help="every record of every method")
    asked = parser.parse_args()
    chosen = asked.survey or list(SEALED)
    started = time.monotonic()
    sealed, development, costs = _all(chosen, asked.workers)
    if asked.json:
        write_json(asked.json, [r for one in (*sealed, *development) for r in one.to_records()])
    if chosen == list(SEALED) and costs is not None:
        minutes = (time.monotonic() - started) / 60
        PAGE.write_text(page(sealed, development, costs, minutes), encoding="utf-8")
        write_results(rows_of(sealed, costs))
    return 0 if all(one.gain(one.best_simple)[1] > 0 for one in sealed) else 1


def _all(chosen: list[str], workers: int) -> tuple[list[Measured], list[Measured], Costs | None]:
    console = terminal()
    sealed: list[Measured] = []
    development: list[Measured] = []
    costs = None
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen:
            survey = open_survey(name, Path(folder) / name)
            mine: list[Measured] = []
            for protocol in (
                *SEALED[name](survey),
                *development_protocols(survey, DEVELOPMENT[name]),
            ):
                one = measure(protocol, name, workers)
                best, (gain, low, high) = one.best_simple, one.gain(one.best_simple)
                console.print(
                    escape(
                        f"{protocol.title}: {one.mean(POOL):.3f} {protocol.unit}, best simple "
                        f"{best.method} {one.mean(best.method):.3f}, gain {gain:.3f} "
                        f"[{low:.3f}, {high:.3f}]"
                    ),
                    highlight=False,
                )
                (mine if protocol.reach is not None else development).append(one)
            write_readings(survey, mine)
            sealed += mine
            if name == "uci":
                costs = measure_costs(survey, Path(folder), workers)
    return sealed, development, costs


if __name__ == "__main__":
    sys.exit(main())
