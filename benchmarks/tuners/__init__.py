"""Our tuner beside others': the same space, the same rows, the same wall time."""

from benchmarks.tuners.compared import measure

__all__ = ["measure"]
