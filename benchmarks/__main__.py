"""``python -m benchmarks [--only AREA]``: measure, print a table, write results.json.

All of it takes two hours; `tuners`, which compares our tuner with others, the most of that.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Final

from benchmarks import edge, executors, survey
from benchmarks.results import Row, print_table, write_results


def _of(module: str) -> Callable[[], Iterator[Row]]:
    """Return a measurement whose module loads TensorFlow or Optuna: others do not wait for that."""

    def measure() -> Iterator[Row]:
        measured: Callable[[], Iterator[Row]] = import_module(f"benchmarks.{module}").measure
        return measured()

    return measure


AREAS: Final[dict[str, Callable[[], Iterator[Row]]]] = {
    "edge": edge.measure,
    "survey": survey.measure,
    "executors": executors.measure,
    "tuning": _of("tuning_ask"),
    "swarm": _of("tuning_swarm"),
    "tuners": _of("tuners"),
}


def main() -> int:
    """Run the areas asked for; exit status 1 if a goal was missed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=sorted(AREAS), help="one part")
    only = parser.parse_args().only
    rows: list[Row] = []
    for area in [only] if only else AREAS:
        rows += AREAS[area]()
    print_table(rows)
    write_results(rows)
    return 0 if all(row.met is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
