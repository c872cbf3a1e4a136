"""Our tuner beside others': the same space, the same rows, the same wall time."""
