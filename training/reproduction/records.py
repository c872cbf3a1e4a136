"""What the reproduction measures: one record a trained network, one a simple method."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, TypeAdapter, ValidationError

from localizer.errors import ConfigError
from training.reproduction.evidence import Evidence
from training.reproduction.protocol import Side

Figure = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]
"""A figure that may not exist: NaN here, null in JSON."""

SPREAD: Final = (0.05, 0.95)
"""Quantiles over seeds that every interval of seeds is between."""


@dataclass(frozen=True, slots=True)
class NetworkRun:
    """One network, trained once."""

    model: str
    """A row of Table II, an augmentation of Figure 9, or a control."""
    side: Side
    seed: int
    drawn: bool
    """Whether the seed was taken as it came; False for one added because it starts alive."""
    dead_at_start: bool
    """Whether an output coordinate was 0 for every training row before the first step."""
    dead_at_end: bool
    error_cells: Figure
    """Mean Euclidean error over the side's test rows after the last epoch."""
    last_rows_cells: Figure
    """The same over the last 284 labelled rows, which every side's test rows hold."""
    copied_cells: Figure
    """The same over those of them that have a near copy among the published training rows."""
    own_cells: Figure
    """The same over those that have none."""
    within: tuple[float, ...]
    """Share of the side's test rows within 1 to 5 cells."""


@dataclass(frozen=True, slots=True)
class SimpleRun:
    """One method that trains no network."""

    method: str
    side: Side
    error_cells: Figure
    within: tuple[float, ...]


class Spread(NamedTuple):
    """Figures of several seeds in one: NaN where there are none."""

    n: int
    median: float
    low: float
    high: float
    least: float


def spread(values: Sequence[float] | NDArray[np.float64]) -> Spread:
    """Return the median, the 5 and 95 % quantiles and the least of figures."""
    if len(values) == 0:
        return Spread(0, *(float("nan"),) * 4)
    low, median, high = np.quantile(np.asarray(values, np.float64), (SPREAD[0], 0.5, SPREAD[1]))
    return Spread(len(values), float(median), float(low), float(high), float(np.min(values)))


@dataclass(frozen=True, slots=True)
class RunFacts:
    """How the run was made."""

    seeds: int
    epochs: int
    workers: int
    cores: int
    load_before: float
    """Mean of processes that wanted a core in the minute before: above 0, others were at work."""
    wall_s: float
    cpu_s: float
    """Of all processes together; crowded cores make it longer too."""
    data_sha256: str
    git_commit: str
    git_dirty: bool
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class Reproduction:
    """All that the page is written from."""

    facts: RunFacts
    networks: tuple[NetworkRun, ...]
    simple: tuple[SimpleRun, ...]
    evidence: Evidence

    def runs(self, model: str, side: Side) -> list[NetworkRun]:
        """Return the runs of one model on one side, by seed."""
        found = [run for run in self.networks if run.model == model and run.side == side]
        return sorted(found, key=lambda run: run.seed)

    def live(
        self,
        model: str,
        side: Side,
        figure: Callable[[NetworkRun], float] = lambda run: run.error_cells,
    ) -> Spread:
        """Return a figure's spread over the runs that started alive."""
        return spread([figure(run) for run in self.runs(model, side) if not run.dead_at_start])

    def drawn(self, model: str, side: Side) -> Spread:
        """Return the error's spread over the seeds as they came, dead or not."""
        return spread([run.error_cells for run in self.runs(model, side) if run.drawn])

    def to_document(self) -> dict[str, Any]:
        """Return everything for JSON; a figure that does not exist (a diverged run) is null."""
        document: dict[str, Any] = _finite(dataclasses.asdict(self))
        return document


def read_reproduction(path: Path) -> Reproduction:
    """Return a reproduction whose document was written as JSON.

    Raises:
        ConfigError: the file cannot be read, or is no document of a reproduction.
    """
    try:
        return _ADAPTER.validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"the runs must be a readable file, but {path}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(
            f"the runs must be the JSON that `reproduce` writes, but in {path} "
            f"{'.'.join(map(str, first['loc']))}: {first['msg']}; run `reproduce` anew"
        ) from error


_ADAPTER: Final = TypeAdapter(Reproduction)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
