"""From the values of a point to the settings of a network, and what fits an image.

A kernel of k pixels leaves side - k + 1 of them, and a pool of p the p-th part, rounded down. Every
convolution must leave room for those after it: so a kernel or a pool that is drawn as a whole
number is taken as large as drawn or as large as fits, whichever is smaller, and no draw fails.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from localizer.errors import ConfigError
from localizer.floor_image import PAPER_SIZE, SIZES
from training.config import NetworkConfig
from training.tuning.parameters import Group, Infeasible

OF_CONVOLUTIONS: Final = {"filters": "filters", "kernel": "kernels", "pool": "pools"}
"""What a parameter sets of a convolution, by the configuration's list."""

OF_BLOCKS: Final = ("activation", "batch_norm", "dropout")
"""What a parameter sets of convolutions and of dense layers."""

COUNTS: Final[Mapping[str, Group]] = {"convolutions": "convolutions", "layers": "layers"}
"""What counts blocks."""

GROUPS: Final[tuple[Group, ...]] = ("convolutions", "layers")


class Slot(NamedTuple):
    """One place of a configuration that a parameter writes."""

    target: str
    of: Group | None = None
    """None for a setting of the whole network."""
    at: int = 0
    """Number of the block in its group, from 1."""


class Counts(NamedTuple):
    """How many blocks a network has."""

    convolutions: int
    layers: int

    def of(self, group: Group) -> int:
        """Return the number of blocks of a group."""
        return self.convolutions if group == "convolutions" else self.layers


def side_of(convention: str, image_size: int) -> int:
    """Return the pixels a side that a configuration's image has at least.

    Where the site decides (`image_size = 0`), the smallest that it may take.
    """
    if convention == "paper":
        return min(PAPER_SIZE, image_size or PAPER_SIZE)
    return image_size or min(SIZES)


def sides_left(side: int, kernels: Sequence[int], pools: Sequence[int]) -> list[int]:
    """Return the pixels a side after each convolution with its pooling.

    Raises:
        Infeasible: a kernel is larger than what is left, or a pool than what its kernel leaves.
    """
    left = []
    for layer, (kernel, pool) in enumerate(zip(kernels, pools, strict=True), start=1):
        after = (side - kernel + 1) // pool
        if after < 1:
            raise Infeasible(
                f"convolution {layer} must fit the image, but a {kernel}x{kernel} kernel with a "
                f"pool of {pool} meets {side}x{side} pixels; take smaller ones or fewer "
                "convolutions"
            )
        left.append(after)
        side = after
    return left


class Sides(NamedTuple):
    """What one convolution may be: the drawn side last, smaller ones that may stand in before."""

    kernels: tuple[int, ...]
    pools: tuple[int, ...]


def fitted(side: int, wanted: Sequence[Sides]) -> list[tuple[int, int]]:
    """Return kernel and pool of each convolution, as large as leaves room for those after it.

    Where not even the least of each fits, these come back: `sides_left` then says so.
    """
    # From the last one on: the side that the convolutions after each need at least.
    need = [1]
    for one in reversed(wanted[1:]):
        need.append(need[-1] * one.pools[0] + one.kernels[0] - 1)
    found = []
    for one, after in zip(wanted, reversed(need), strict=True):
        kernel = _largest(one.kernels, side - after * one.pools[0] + 1)
        pool = _largest(one.pools, (side - kernel + 1) // after)
        found.append((kernel, pool))
        side = (side - kernel + 1) // pool
    return found


def _largest(values: Sequence[int], most: int) -> int:
    return max((value for value in values if value <= most), default=values[0])


def network_values(
    base: NetworkConfig, chosen: Mapping[Slot, Any], counts: Counts
) -> dict[str, Any]:
    """Return every setting of a network, as `config_from_values` takes them.

    Args:
        base: what nothing chosen is taken from.
        chosen: values by the place that they are written to.
        counts: blocks of the network.

    Raises:
        ConfigError: a block that the base does not have lacks a setting.
    """
    values = dataclasses.asdict(base)
    values |= {slot.target: value for slot, value in chosen.items() if slot.of is None}
    for target, key in OF_CONVOLUTIONS.items():
        values[key] = block_values(base, chosen, target, "convolutions", counts)
    values["hidden"] = block_values(base, chosen, "units", "layers", counts)
    each = {
        target: [
            one for group in GROUPS for one in block_values(base, chosen, target, group, counts)
        ]
        for target in OF_BLOCKS
    }
    values["activations"] = _one_for_all(each["activation"], base.activations)
    values["dropout"] = _one_for_all(each["dropout"], base.dropout)
    norms = enumerate(each["batch_norm"], start=1)
    values["batch_norm_after"] = [block for block, norm in norms if norm]
    return values


def base_value(base: NetworkConfig, slot: Slot, counts: Counts) -> Any:
    """Return what a base has at a place of a network with so many blocks; None for nothing.

    Where the blocks are others than the base's, their activation, normalisation and dropout are
    those of every block of the base: which of three would the dropout of the last stand after, were
    there five? Blocks that differ then say nothing.
    """
    if slot.of is None:
        return getattr(base, slot.target, None)
    values = _by_block(base, slot.target)
    if slot.target not in OF_BLOCKS:
        return values[slot.at - 1] if slot.at <= len(values) else None
    if counts == base_counts(base):
        return values[slot.at - 1 + (counts.convolutions if slot.of == "layers" else 0)]
    return same_everywhere(base, slot.target)


def same_everywhere(base: NetworkConfig, target: str) -> Any:
    """Return what every block of a base has; None where they differ, or there is none."""
    values = _by_block(base, target)
    return values[0] if values and all(value == values[0] for value in values) else None


def _by_block(base: NetworkConfig, target: str) -> list[Any]:
    if target in OF_BLOCKS:
        place = OF_BLOCKS.index(target)
        return [base.of_block(block)[place] for block in range(1, base.blocks + 1)]
    return list(base.hidden if target == "units" else getattr(base, OF_CONVOLUTIONS[target]))


def base_counts(base: NetworkConfig) -> Counts:
    """Return the blocks of a base."""
    return Counts(len(base.filters), len(base.hidden))


def block_values(
    base: NetworkConfig, chosen: Mapping[Slot, Any], target: str, group: Group, counts: Counts
) -> list[Any]:
    """Return what each block of a group has.

    Raises:
        ConfigError: nothing says it of a block.
    """
    found = []
    for at in range(1, counts.of(group) + 1):
        slot = Slot(target, group, at)
        value = chosen[slot] if slot in chosen else base_value(base, slot, counts)
        if value is None:
            raise ConfigError(
                f"a space must set `{target}` of every block, but nothing says that of number "
                f"{at} of the {group}; add a parameter with `each`, or a base that has it"
            )
        found.append(value)
    return found


def _one_for_all(values: list[Any], otherwise: Sequence[Any]) -> list[Any]:
    if not values:
        return list(otherwise[:1])
    return values[:1] if all(value == values[0] for value in values) else values
