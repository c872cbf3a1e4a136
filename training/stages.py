"""Settings of a training that are others from some epoch on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import ConfigDict, Field

from localizer.errors import ConfigError

if TYPE_CHECKING:
    from training.config import NetworkConfig

_Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
_AboveZero = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_FromZero = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class Stage:
    """What a training goes on with after so many epochs, in full.

    Each setting is the one of the same name in `NetworkConfig`.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    after_epochs: Annotated[int, Field(ge=1)]
    """Epochs that ran before, in all."""
    learning_rate: _AboveZero
    beta1: _Share
    beta2: _Share
    rho: _Share
    weight_decay: _FromZero
    momentum: _Share
    l2: _FromZero
    dropout: Annotated[tuple[_Share, ...], Field(min_length=1)]

    def settings(self) -> dict[str, Any]:
        """Return the settings by name."""
        return {name: getattr(self, name) for name in CHANGEABLE}


CHANGEABLE: Final[tuple[str, ...]] = tuple(
    one.name for one in dataclasses.fields(Stage) if one.name != "after_epochs"
)
"""Settings that may change while a network trains: its weights and the optimiser's memory of them
keep their shapes and their meaning."""


def refuse_schedule(config: NetworkConfig, origin: str) -> None:
    """Raise ConfigError where the stages of a configuration contradict it or each other."""
    starts = [one.after_epochs for one in config.schedule]
    if starts != sorted({one for one in starts if one < config.epochs}):
        raise ConfigError(
            f"{origin}: the stages of `schedule` must begin in order, each after fewer than the "
            f"{config.epochs} epochs, but begin after {starts}"
        )
    for one in config.schedule:
        if len(one.dropout) not in (1, config.blocks):
            raise ConfigError(
                f"{origin}: `dropout` of a stage must have one value, or one for each of the "
                f"{config.blocks} blocks, but got {one.dropout}"
            )
    for stage, _ in config.stages():
        # Without dropout or L2 there is no layer or penalty whose amount could change.
        other = [name for name in CHANGEABLE if is_there(config, name) != is_there(stage, name)]
        if other:
            raise ConfigError(
                f"{origin}: `{other[0]}` must be 0 in all stages of `schedule` or in none, but is "
                f"{getattr(config, other[0])} at first and {getattr(stage, other[0])} later"
            )


def is_there(config: NetworkConfig, name: str) -> list[bool]:
    """Tell whether a changeable setting is above 0; of dropout, after which blocks."""
    if name == "dropout":
        return [bool(config.of_block(block)[2]) for block in range(1, config.blocks + 1)]
    return [bool(getattr(config, name))]
