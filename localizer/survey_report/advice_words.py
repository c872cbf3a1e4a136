"""A piece of advice, and how things are called in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from localizer.survey import PointCoverage
from localizer.surveying.progress import PointProgress

Need = Literal["first", "soon", "later"]
"""``first``: what is there misleads. ``soon``: something lacks. ``later``: worth knowing."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do."""

    need: Need
    title: str
    text: str
    points: tuple[str, ...] = ()
    """Where, in the order of need; names of points."""


def name_of(one: PointProgress | PointCoverage) -> str:
    """Return what a point is called on a page."""
    return one.point.name or one.point.id


def points_words(points: Sequence[PointProgress | PointCoverage]) -> str:
    """Return how many points there are, in words."""
    return count_words(len(points), "point")


def count_words(number: int, thing: str) -> str:
    """Return how many there are of a thing, in words."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def was_words(names: Sequence[str]) -> str:
    """Return the verb that fits so many."""
    return "was" if len(names) == 1 else "were"
