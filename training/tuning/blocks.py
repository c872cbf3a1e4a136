"""Which blocks of a network a parameter writes, and one parameter a block where it says `each`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from training.config import NetworkConfig
from training.tuning.architecture import (
    COUNTS,
    GROUPS,
    OF_BLOCKS,
    OF_CONVOLUTIONS,
    Counts,
    Sides,
    Slot,
    base_counts,
    block_values,
    fitted,
    side_of,
)
from training.tuning.parameters import AnyParameter, FloatParameter, Group

NOTHING: Final = "nothing"
"""What a switch sets."""


def one_a_block(
    one: AnyParameter, declared: Sequence[AnyParameter], base: NetworkConfig
) -> list[AnyParameter]:
    """Return the parameters that one with `each` stands for; itself without.

    Raises:
        ConfigError: `each` names nothing that counts blocks.
    """
    if not one.each:
        return [one]
    counter = next((other for other in declared if other.name == one.each), None)
    target = one.each if counter is None else counter.target
    if target not in COUNTS:
        must = "`each` must name what counts layers or convolutions"
        raise one.fail(must, repr(one.each), "name such a parameter")
    group = COUNTS[target]
    if one.of not in ("", group):
        raise one.fail(f"`of` = {group!r} with that `each`", repr(one.of), "leave it out")
    most = max(counter.ends()) if counter is not None else base_counts(base).of(group)
    found = []
    for block in range(1, most + 1):
        # There is a second convolution for two of them and for three.
        counted = {} if counter is None else {counter.name: tuple(range(block, most + 1))}
        when = {**one.when, **counted}
        name, sets = f"{one.name}_{block}", one.target
        found.append(
            dataclasses.replace(
                one, name=name, sets=sets, each="", of=group, at=(block,), when=when
            )
        )
    return found


def slots_of(one: AnyParameter, counts: Counts) -> list[Slot]:
    """Return the places that a parameter writes in a network with so many blocks."""
    if one.target in COUNTS or one.target == NOTHING:
        return []
    groups = _groups_of(one)
    if not groups:
        return [Slot(one.target)]
    slots = [Slot(one.target, of, at + 1) for of in groups for at in range(counts.of(of))]
    numbered = enumerate(slots, start=1)
    return [slot for number, slot in numbered if not one.at or number in one.at]


def _groups_of(one: AnyParameter) -> tuple[Group, ...]:
    if one.target in OF_CONVOLUTIONS:
        return ("convolutions",)
    if one.target == "units":
        return ("layers",)
    if one.target in OF_BLOCKS:
        return (one.of,) if one.of else GROUPS
    return ()


def counts_of(
    drawn: Iterable[AnyParameter], base: NetworkConfig, point: Mapping[str, Any]
) -> Counts:
    """Return the blocks of a point's network."""
    found = base_counts(base)._asdict()
    network = base.network
    for one in drawn:
        if one.name in point and one.target in COUNTS:
            found[COUNTS[one.target]] = point[one.name]
        if one.name in point and one.target == "network":
            network = point[one.name]
    counts = Counts(**found)
    return counts._replace(convolutions=0) if network == "dnn" else counts


def chosen(
    drawn: Iterable[AnyParameter], counts: Counts, point: Mapping[str, Any]
) -> dict[Slot, AnyParameter]:
    """Return the parameter that writes each place.

    Raises:
        ConfigError: two write the same one.
    """
    found: dict[Slot, AnyParameter] = {}
    for one in drawn:
        for slot in slots_of(one, counts) if one.name in point else []:
            if slot in found:
                other = found[slot].name
                raise one.fail("one parameter a setting", f"{other!r} beside it", "add `when`")
            found[slot] = one
    return found


def fit_image(
    drawn: Iterable[AnyParameter], base: NetworkConfig, point: dict[str, Any]
) -> dict[str, Any]:
    """Return a point with its kernels and pools cut to what leaves room for the rest."""
    counts = counts_of(drawn, base, point)
    writers = chosen(drawn, counts, point)
    if not any(slot.target in ("kernel", "pool") for slot in writers):
        return point
    written = {slot: point[one.name] for slot, one in writers.items()}
    each = [
        [
            _up_to(value, writers.get(Slot(target, "convolutions", at)))
            for at, value in enumerate(
                block_values(base, written, target, "convolutions", counts), start=1
            )
        ]
        for target in ("kernel", "pool")
    ]
    wanted = [Sides(*sides) for sides in zip(*each, strict=True)]
    convention = written.get(Slot("convention"), base.convention)
    side = side_of(convention, written.get(Slot("image_size"), base.image_size))
    cut = dict(point)
    for at, sides in enumerate(fitted(side, wanted), start=1):
        for target, side in zip(("kernel", "pool"), sides, strict=True):
            writer = writers.get(Slot(target, "convolutions", at))
            if writer is not None:
                # One parameter for all of them: the smallest fits everywhere.
                cut[writer.name] = min(side, cut[writer.name])
    return cut


def _up_to(drawn: int, writer: AnyParameter | None) -> tuple[int, ...]:
    if writer is None or isinstance(writer, FloatParameter):
        return (drawn,)
    return tuple(sorted(value for value in writer.candidates() if value <= drawn))
