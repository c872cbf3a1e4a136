"""``python -m benchmarks.tuners [PART]``: one part by itself, printed and recorded."""

from __future__ import annotations

import argparse
import os

from benchmarks.results import print_table, write_results
from benchmarks.tuners.compared import (
    RULES_SECONDS,
    RULES_SEEDS,
    SECONDS,
    rules,
    speed,
    versus,
)


def main() -> None:
    """Measure a part, print it and write results.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("speed", "versus", "rules"))
    parser.add_argument("--seconds", type=float, help="of each study")
    parser.add_argument("--seeds", type=int, default=RULES_SEEDS, help="of the rules")
    options = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    if options.part == "speed":
        rows = list(speed())
    elif options.part == "versus":
        rows = list(versus(options.seconds or SECONDS))
    else:
        rows = list(rules(options.seconds or RULES_SECONDS, range(options.seeds)))
    print_table(rows)
    write_results(rows)


if __name__ == "__main__":
    main()
