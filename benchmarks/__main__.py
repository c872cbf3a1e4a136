"""``python -m benchmarks [--only AREA]``: measure, print a table, write results.json."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Final

from benchmarks import edge, executors
from benchmarks.results import Row, print_table, write_results

AREAS: Final[dict[str, Callable[[], Iterator[Row]]]] = {
    "edge": edge.measure,
    "executors": executors.measure,
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
