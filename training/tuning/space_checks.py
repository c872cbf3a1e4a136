"""What must hold of a space and of a point: told when it is read, not at the hundredth trial."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from localizer.errors import ConfigError
from training.config import NetworkConfig
from training.tuning.architecture import COUNTS, OF_BLOCKS, OF_CONVOLUTIONS
from training.tuning.blocks import NOTHING
from training.tuning.parameters import AnyParameter, Infeasible

if TYPE_CHECKING:
    from training.tuning.space import Space

_OBJECTIVE: Final = "the mean error over held-out rows is what configurations are compared by"

_NEVER: Final[Mapping[str, str]] = {
    "objective": _OBJECTIVE,
    "metric": _OBJECTIVE,
    "name": "it names the result",
    "executor": "it changes how long a training takes, not what it learns",
    "dead_output_tries": "it hides what a configuration does to a network",
    "schedule": "the sampler `pbt` finds schedules",
    "aggregation": "rows are aggregated before the tuner sees them",
}
"""What no space may draw, and why."""

_OF_BLOCKS: Final = frozenset({*OF_CONVOLUTIONS, *OF_BLOCKS, "units"})

_BLOCK_LISTS: Final = frozenset(
    {"filters", "kernels", "pools", "hidden", "activations", "batch_norm_after", "dropout"}
)
"""Settings that are written block by block."""

_WHOLE: Final = frozenset(key.name for key in dataclasses.fields(NetworkConfig)) - _BLOCK_LISTS


def refuse_space(space: Space) -> None:
    """Raise ConfigError where a space contradicts itself."""
    if space.base.schedule:
        raise ConfigError(
            f"the base of a space must have no `schedule`, but that of {space.name!r} has "
            f"{len(space.base.schedule)} stages; leave them out, and let `pbt` find others"
        )
    names = [one.name for one in space.parameters]
    if not names:
        raise ConfigError(
            f"a space must have a parameter, but {space.name!r} has none; add [parameters.NAME]"
        )
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"a parameter must stand once, but {name!r} stands twice; rename one")
    for number, one in enumerate(space.drawn):
        _refuse_parameter(one, space.drawn[:number])
        one.refuse(space.default_of(one))
    _refuse_holes(space)


def _refuse_parameter(one: AnyParameter, earlier: Sequence[AnyParameter]) -> None:
    if one.target in _NEVER:
        raise ConfigError(
            f"parameter {one.name!r}: {one.target!r} may not be tuned, for {_NEVER[one.target]}; "
            "leave it out"
        )
    targets = _WHOLE | _OF_BLOCKS | set(COUNTS) | {NOTHING}
    if one.target not in targets:
        known = sorted(targets - set(_NEVER))
        raise one.fail(f"`sets` (or the name) one of {known}", repr(one.target), "use `sets`")
    if one.at and one.target not in _OF_BLOCKS:
        raise one.fail("`at` with what a block has", repr(one.target), "leave `at` out")
    if one.of and one.target not in _OF_BLOCKS:
        raise one.fail("`of` with what a block has", repr(one.target), "leave `of` out")
    before = {other.name: other for other in earlier}
    for name in one.when:
        if name not in before:
            remedy = "put that one before it, or set it in the base and leave `when` out"
            raise one.fail("`when` with parameters before it", repr(name), remedy)
        if before[name].target in ("kernel", "pool"):
            raise one.fail("`when` without kernels and pools", repr(name), "these may be cut")


def _refuse_holes(space: Space) -> None:
    """Build a few points, with the most blocks that there may be: all must be networks."""
    for number in range(max((len(one.ends()) for one in space.drawn), default=1)):
        point: dict[str, Any] = {}
        for one in space.drawn:
            if one.active(point):
                ends = one.ends()
                point[one.name] = ends[-1] if one.target in COUNTS else ends[number % len(ends)]
        try:
            space.config(space.fit_image(point), name="probe")
        except Infeasible:
            # Some corner of a space may be none: that is what a trial's verdict says.
            continue


def refuse_point(space: Space, point: Mapping[str, Any], *, complete: bool) -> None:
    """Raise ConfigError where a point is not one of the space.

    Args:
        space: what it must be in.
        point: values as a person writes them.
        complete: whether every active parameter must have a value.
    """
    for name in point:
        space.named(name)
    for one in space.drawn:
        here, active = one.name in point, one.active(point)
        if here:
            one.refuse(point[one.name])
        # What a sampler has still to draw may yet make it active.
        settled = complete or all(name in point for name in one.when)
        if here and not active and settled:
            raise one.fail(f"{dict(one.when)} for it to be there", dict(point), "leave it out")
        if complete and active and not here:
            raise one.fail("a value in a whole point", dict(point), "add it")
