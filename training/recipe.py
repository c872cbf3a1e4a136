"""What a run trains, and how it scores it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from localizer.features import Aggregation
from training.config import Config
from training.criterion import CRITERION
from training.splits import Split


@dataclass(frozen=True)
class Recipe:
    """The choices of one run."""

    splits: Sequence[Split]
    baselines: Sequence[str]
    configs: Sequence[Config]
    seeds: Sequence[int]
    """Each network is trained once a fold and seed."""
    criterion: Sequence[str] = CRITERION
    """The splits that decide which method is exported."""
    outages: bool = False
    """Whether every method is also scored with beacons gone."""

    @property
    def methods(self) -> list[str | Config]:
        """Every method, a simple one by its name."""
        return [*self.baselines, *self.configs]

    @property
    def aggregation(self) -> Aggregation:
        """How the rows of every method are aggregated; the first network's way."""
        return self.configs[0].aggregation if self.configs else "mean"
