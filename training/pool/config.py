"""The configuration of a pooled locator: which methods it pools, and how it weighs them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field

POOLED: Final = "pool"

Positive = Annotated[int, Field(ge=1)]
AboveZero = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class Expert:
    """One method of the pool."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    method: Literal["weighted-centroid", "gp-residual", "learned-centroid", "floor-softmax"]
    settings: dict[str, float]
    """Of a simple method its own; `ridge` of a learned centroid; `price` of a floor softmax, whose
    absence leaves it what all beacons share alone."""
    prior: AboveZero
    """What it counts before the data speak, against the others: the less a method learns, the less
    it can go wrong where nobody has surveyed."""


@dataclass(frozen=True, slots=True)
class PoolConfig:
    """Every choice of a pooled locator. A file must set every key."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._+-]{0,63}$")]
    """What tables and files call it."""
    network: Literal["pool"]
    aggregation: Literal["mean", "median", "max"]
    most_rows: Positive
    """Larger surveys are condensed to so many scans, evenly over places and time."""
    inner_folds: Annotated[int, Field(ge=2)]
    """Folds of neighbourhoods of the training side that weights and spread are chosen on."""
    trust: AboveZero
    """Price, a nat, of weights that leave the prior; in shares of the best method's error."""
    grid_cells: Annotated[int, Field(ge=8, le=64)]
    """Cells of the distribution on the longer side of the floor."""
    device_copies: Annotated[int, Field(ge=0)]
    """Copies of each scan as a phone would hear it that has unlabelled scans only; 0 for none."""
    experts: Annotated[tuple[Expert, ...], Field(min_length=1)]

    @property
    def epochs(self) -> int:
        """Steps of progress: the inner folds and the final fit."""
        return self.inner_folds + 1

    @property
    def sha256(self) -> str:
        """Hash of every setting."""
        return sha256_of_settings(self)


def settings_of(config: Any) -> dict[str, Any]:
    """Return every field of a configuration by name.

    A schedule that is empty is left out: what was hashed before there were any stays the same.
    """
    values: dict[str, Any] = dataclasses.asdict(config)
    if not values.get("schedule", True):
        del values["schedule"]
    return values


def sha256_of_settings(config: Any) -> str:
    """Return the hash of every field of a configuration."""
    text = json.dumps(settings_of(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
