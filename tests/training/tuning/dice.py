"""A trial that draws by itself, without what a storage does at every draw."""

from __future__ import annotations

import numpy as np
from optuna.trial import FixedTrial


class Dice(FixedTrial):
    """Draws evenly from whatever it is asked for."""

    def __init__(self, seed: int) -> None:
        super().__init__({})
        self.drawn: dict[str, float] = {}
        self._rng = np.random.default_rng(seed)

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        value = low + step * int(self._rng.integers((high - low) // step + 1))
        self.drawn[name] = value
        return value

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        value = float(self._rng.uniform(low, high))
        if step is not None:
            value = low + step * int(self._rng.integers(round((high - low) / step) + 1))
        self.drawn[name] = value
        return value
