"""Spaces: a base configuration, and the parameters that a study draws in its place."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localizer.errors import ConfigError
from localizer.site import Site
from training.config import NetworkConfig, config_from_values
from training.pool.config import settings_of
from training.tuning.architecture import (
    COUNTS,
    OF_BLOCKS,
    base_counts,
    base_value,
    network_values,
    same_everywhere,
    side_of,
    sides_left,
)
from training.tuning.blocks import chosen, counts_of, fit_image, one_a_block, slots_of
from training.tuning.parameters import (
    AnyParameter,
    ChoiceParameter,
    FloatParameter,
    IntParameter,
    Number,
)
from training.tuning.space_checks import refuse_point, refuse_space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import BaseTrial

Point = dict[str, Any]
"""Values as a person writes them, by parameter; one that is not active is absent."""


@dataclass(frozen=True)
class Space:
    """What a study may try.

    Raises:
        ConfigError: a parameter contradicts itself, the base or another one.
    """

    name: str
    version: int
    """1, and one more with every narrowing and extension."""
    base: NetworkConfig
    """What the parameters leave alone, and the default that a study is compared with."""
    parameters: tuple[AnyParameter, ...]
    """As declared; one with `each` stands for one a block."""
    drawn: tuple[AnyParameter, ...] = field(init=False, repr=False, compare=False)
    """The parameters as a storage knows them, in the order in which they are drawn."""

    def __post_init__(self) -> None:
        for one in self.parameters:
            one.check()
        drawn = [new for one in self.parameters for new in self._one_a_block(one)]
        object.__setattr__(self, "drawn", tuple(drawn))
        refuse_space(self)

    def _one_a_block(self, one: AnyParameter) -> list[AnyParameter]:
        return one_a_block(one, self.parameters, self.base)

    @property
    def sha256(self) -> str:
        """Hash of the base's every setting and of every parameter."""
        values = {
            "name": self.name,
            "version": self.version,
            "base": settings_of(self.base),
            "parameters": [dataclasses.asdict(one) for one in self.parameters],
        }
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    def named(self, name: str) -> AnyParameter:
        """Return a parameter, declared or drawn.

        Raises:
            ConfigError: there is none of this name.
        """
        for one in (*self.parameters, *self.drawn):
            if one.name == name:
                return one
        raise ConfigError(
            f"a parameter must be one of {[one.name for one in self.drawn]}, but got {name!r}"
        )

    def default_of(self, parameter: AnyParameter) -> Any:
        """Return what trials ran with that are older than a parameter.

        Raises:
            ConfigError: neither the parameter nor the base says so.
        """
        value = parameter.default
        own = base_counts(self.base)
        slots = slots_of(parameter, own)
        if value is None and parameter.target in COUNTS:
            value = own.of(COUNTS[parameter.target])
        elif value is None and slots:
            found = [base_value(self.base, slot, own) for slot in slots]
            value = found[0] if all(one == found[0] for one in found) else None
        elif value is None and parameter.target in OF_BLOCKS:
            value = same_everywhere(self.base, parameter.target)
        if value is None:
            raise parameter.fail("a `default` where the base has none", "none", "add one")
        # As TOML and JSON have it.
        return list(value) if isinstance(value, tuple) else value

    # Points

    def suggest(self, trial: BaseTrial) -> Point:
        """Draw a point; kernels and pools are cut to what fits the image."""
        point: Point = {}
        for one in self.drawn:
            if one.active(point):
                point[one.name] = one.suggest(trial)
        return self.fit_image(point)

    def point(self, params: Mapping[str, Number]) -> Point:
        """Return the point of the numbers that a storage holds; missing ones take their default."""
        point: Point = {}
        for one in self.drawn:
            if one.active(point):
                held = params.get(one.name)
                point[one.name] = self.default_of(one) if held is None else one.from_stored(held)
        return self.fit_image(point)

    def fit_image(self, point: Point) -> Point:
        """Return a point with its kernels and pools cut to what leaves room for the rest."""
        return fit_image(self.drawn, self.base, point)

    def default_point(self) -> Point:
        """Return the point of the defaults: the base, where the space holds it."""
        return self.point({})

    def config(self, point: Mapping[str, Any], *, name: str) -> NetworkConfig:
        """Return the configuration of a point.

        Raises:
            ConfigError: the point is not one of the space.
            Infeasible: it is one, and its convolutions do not fit the image.
        """
        refuse_point(self, point, complete=True)
        counts = counts_of(self.drawn, self.base, point)
        writers = chosen(self.drawn, counts, point)
        written = {slot: point[one.name] for slot, one in writers.items()}
        values = {**network_values(self.base, written, counts), "name": name}
        config = config_from_values(values, origin=f"point {dict(point)}")
        if not isinstance(config, NetworkConfig):
            raise ConfigError(f"a space must give a network, but {dict(point)} gives a pool")
        if config.network == "cnn":
            sides_left(side_of(config.convention, config.image_size), config.kernels, config.pools)
        return config

    def params_for_enqueue(self, point: Mapping[str, Any]) -> dict[str, Number]:
        """Return a point written by a person as `study.enqueue_trial` takes it.

        What it leaves open, the sampler draws.

        Raises:
            ConfigError: a name is unknown, a value outside, or a parameter is not active there.
            Infeasible: the point is complete, and its convolutions do not fit the image.
        """
        refuse_point(self, point, complete=False)
        active = [one for one in self.drawn if one.active(point)]
        if all(one.name in point for one in active):
            self.config(point, name="enqueued")
        return self.stored_params(point)

    def stored_params(self, point: Mapping[str, Any]) -> dict[str, Number]:
        """Return a point as a storage holds it, unchecked; what is not active is left out."""
        active = [one for one in self.drawn if one.name in point and one.active(point)]
        return {one.name: one.to_stored(point[one.name]) for one in active}

    # Grids

    def grid(self) -> dict[str, list[Any]]:
        """Return every value of every parameter, as a person writes them.

        Raises:
            ConfigError: a parameter is continuous and has no `step`.
        """
        return {one.name: list(one.candidates()) for one in self.drawn}

    def grid_points(self) -> Iterator[Point]:
        """Return every point of the grid once; what is not active is no other point."""
        grid = self.grid()

        def points(rest: Sequence[AnyParameter], point: Point) -> Iterator[Point]:
            if not rest:
                yield dict(point)
            elif not rest[0].active(point):
                yield from points(rest[1:], point)
            else:
                for value in grid[rest[0].name]:
                    yield from points(rest[1:], {**point, rest[0].name: value})

        return points(self.drawn, {})

    def grid_size(self) -> int:
        """Return how many points the grid has."""
        if not any(one.when for one in self.drawn):
            return math.prod(len(values) for values in self.grid().values())
        return sum(1 for _ in self.grid_points())

    # Distributions

    def stored(self) -> dict[str, BaseDistribution]:
        """Return what a storage is told of each parameter."""
        return {one.name: one.stored() for one in self.drawn}

    def seen(self) -> dict[str, BaseDistribution]:
        """Return what a sampler is shown of each parameter: the present set."""
        return {one.name: one.seen() for one in self.drawn}

    # Versions

    def narrowed(
        self,
        parameter: str,
        *,
        low: Number | None = None,
        high: Number | None = None,
        values: Sequence[Any] | None = None,
    ) -> Space:
        """Return the next version, in which a parameter has a smaller set.

        Old trials keep their numbers: a sampler is shown those outside, save choices that are gone.

        Raises:
            ConfigError: there is no such parameter, or the new set is not inside the old one.
        """
        old = self.named(parameter)
        if old not in self.parameters:
            raise old.fail("a declared parameter", parameter, "narrow what has `each`")
        new = old.narrowed(low, high, values)
        if new.default is None and isinstance(new, FloatParameter | IntParameter):
            # Old trials did run with the base's value, but a default must be one of the set.
            default = self.default_of(old) if not old.each else None
            if default is not None:
                new = dataclasses.replace(new, default=min(max(default, new.low), new.high))
        return self._with(old, new)

    def extended(self, parameter: AnyParameter) -> Space:
        """Return the next version, with a new parameter, or a larger set of one that is there.

        Old trials count as ones with the default of a new parameter.

        Raises:
            ConfigError: the parameter contradicts the space, or its set lacks some of the old one.
        """
        old = next((one for one in self.parameters if one.name == parameter.name), None)
        return self._with(old, parameter if old is None else old.widened(parameter))

    def for_site(self, site: Site) -> Space:
        """Return the space without what a site cannot have: the paper's target needs grid cells.

        Its base has the bounding box for a target then.
        """
        if site.cell_m is not None:
            return self
        base = self.base
        if base.target == "paper":
            base = dataclasses.replace(base, target="box")
        parameters = tuple(
            one.narrowed(None, None, [value for value in one.values if value != "paper"])
            if one.target == "target" and isinstance(one, ChoiceParameter)
            else one
            for one in self.parameters
        )
        return dataclasses.replace(self, base=base, parameters=parameters)

    def _with(self, old: AnyParameter | None, new: AnyParameter) -> Space:
        parameters = tuple(new if one is old else one for one in self.parameters)
        if old is None:
            parameters += (new,)
        return dataclasses.replace(self, version=self.version + 1, parameters=parameters)
