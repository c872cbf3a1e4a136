"""The variants of an ablation: one network without augmentation, and with each."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

from localizer.errors import ConfigError
from training.augmentation import AUGMENTATIONS
from training.config import Config, NetworkConfig

EVERYTHING: Final = "all"

MORE_EPOCHS: Final = "epochs-x2"
"""No augmentation, but twice the epochs: most methods double the rows and with them the steps of
an epoch, so a gain that this control has too comes from training longer, not from the rows."""

COMBINATIONS: Final = ("noise+dropout+device", "interpolation+pseudo-labels", "noise+pseudo-labels")
"""Beside each method alone, and `hybrid`, which is one already."""


def variant_names(text: str, *, unlabelled: bool) -> list[str]:
    """Return the variants that a command asks for, without none.

    Args:
        text: names with commas, each of `AUGMENTATIONS`, several joined by `+`, or `epochs-x2`;
            or `all`: the control, each alone and `COMBINATIONS`.
        unlabelled: whether the survey has unlabelled scans; without them `all` leaves out what
            needs them.

    Raises:
        ConfigError: a name is unknown or stands twice.
    """
    if text == EVERYTHING:
        every = [MORE_EPOCHS, *AUGMENTATIONS, *COMBINATIONS]
        return [name for name in every if unlabelled or not _needs_unlabelled(name)]
    names = [name.strip() for name in text.split(",")]
    parts = {part for name in names if name != MORE_EPOCHS for part in name.split("+")}
    if unknown := sorted(parts - set(AUGMENTATIONS)):
        raise ConfigError(
            f"--augment must be `all`, {MORE_EPOCHS!r} or of {list(AUGMENTATIONS)}, with commas "
            f"between variants and + inside one, but got {unknown}"
        )
    if len(set(names)) < len(names):
        raise ConfigError(f"--augment must name each variant once, but got {names}")
    return names


def _needs_unlabelled(variant: str) -> bool:
    return any(AUGMENTATIONS[p].needs_unlabelled for p in variant.split("+") if p in AUGMENTATIONS)


def variants(config: Config, names: Sequence[str]) -> list[NetworkConfig]:
    """Return a network without augmentation, then with each variant.

    Raises:
        ConfigError: it is a pool, or the network augments already, so that there would be no none
            to compare with, or has a + in its name.
    """
    if not isinstance(config, NetworkConfig):
        raise ConfigError(
            f"augmentation joins a network's training set, but {config.name!r} is a pool; ablate "
            "a network, such as `dnn`"
        )
    if "+" in config.name:
        raise ConfigError(
            f"a network's `name` must have no + for an ablation, which puts one before the "
            f"variant, but is {config.name!r}; change it"
        )
    if config.augment:
        raise ConfigError(
            f"`augment` of {config.name!r} must be empty for an ablation, which compares with "
            f"none, but is {list(config.augment)}; empty it"
        )
    return [config, *(_variant(config, name) for name in names)]


def _variant(config: NetworkConfig, name: str) -> NetworkConfig:
    full = f"{config.name}+{name}"
    if name == MORE_EPOCHS:
        return dataclasses.replace(config, name=full, epochs=2 * config.epochs)
    parts: Any = tuple(name.split("+"))
    return dataclasses.replace(config, name=full, augment=parts)


def network_and_variant(config: Config) -> tuple[str, str]:
    """Return what a configuration of `variants` is: its network's name, and its variant or none."""
    network, _, variant = config.name.partition("+")
    return network, variant
