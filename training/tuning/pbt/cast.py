"""Which trials of a study are one population, and what its members have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from training.tuning.budget import FIXED, seed_of
from training.tuning.budget import Point as StudyPoint
from training.tuning.parameters import Number
from training.tuning.pbt.explore import changing
from training.tuning.space import Point, Space


@dataclass(frozen=True, slots=True)
class Cast:
    """The points that are one population: so many consecutive ranks."""

    number: int
    """0 for the first of the study."""
    points: tuple[StudyPoint, ...]

    def seed(self, study_seed: int) -> int:
        """Return the seed that all members train with.

        One for all: the same initial weights and orders of rows, so that members differ by their
        settings and none is best by a lucky start.
        """
        return seed_of(study_seed, self.points[0].first.number)

    def shared(self, space: Space) -> dict[str, Number] | None:
        """Return what the first member that was drawn shares with the others; None before."""
        for point in self.points:
            held = {**point.last.system_attrs.get(FIXED, {}), **point.last.params}
            found = shared_of(space, held)
            if found is not None:
                return found
        return None


def shared_of(space: Space, held: dict[str, Number]) -> dict[str, Number] | None:
    """Return the stored values of a member that its whole population has; None if one lacks.

    These are its architecture and all else that does not change in a training, and what is 0: a
    layer of dropout is there for all members or for none.
    """
    free = {one.name for one in changing(space)}
    point: Point = {}
    found: dict[str, Number] = {}
    for one in space.drawn:
        if not one.active(point):
            continue
        if one.name in held:
            point[one.name] = one.from_stored(held[one.name])
            if one.name not in free or not point[one.name]:
                found[one.name] = held[one.name]
        elif one.name not in free:
            return None
    return found


def cast_of(known: Sequence[StudyPoint], number: int, size: int) -> Cast:
    """Return the population of a trial.

    Args:
        known: the points of the study, by rank.
        number: of the trial, any attempt at its point.
        size: members of a population.
    """
    rank = next(p.rank for p in known if any(one.number == number for one in p.attempts))
    first = rank - rank % size
    return Cast(rank // size, tuple(known[first : first + size]))
