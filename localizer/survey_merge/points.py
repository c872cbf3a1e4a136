"""The reference points of two surveys made one list."""

from __future__ import annotations

from dataclasses import dataclass, replace

from localizer.survey import Point
from localizer.survey_merge.differences import Choices, free_name
from localizer.survey_merge.opened import Opened
from localizer.survey_merge.sites import place_words


@dataclass(frozen=True, slots=True)
class MergedPoints:
    """All points, and under which id each survey's own are among them."""

    points: tuple[Point, ...]
    ids_of_a: dict[str, str]
    """New ids of those of A that were renamed."""
    ids_of_b: dict[str, str]


def merge_points(a: Opened, b: Opened, choices: Choices) -> MergedPoints:
    """Return the points of both.

    Where one id means two places, the one that is believed keeps it. The other point is kept under
    a new id with what was recorded there, because that was recorded at its own place; if nobody
    stood there, it is left out.
    """
    merged = {point.id: point for point in a.survey.points.all()}
    ids_of_a: dict[str, str] = {}
    ids_of_b: dict[str, str] = {}
    theirs = b.survey.points.all()
    taken = merged.keys() | {point.id for point in theirs}
    used_in_a, used_in_b = a.points_used, b.points_used
    for point in theirs:
        known = merged.setdefault(point.id, point)
        if known.position == point.position:
            merged[point.id] = _with_one_name(known, point, choices)
            continue
        says = (place_words(known.position), place_words(point.position))
        new_id = free_name(point.id, taken)
        what = f"the other is {new_id!r} if it has recordings"
        if choices.decide("point", point.id, says, loser=what) == "A":
            loser, ids, used = point, ids_of_b, used_in_b
        else:
            loser, ids, used = known, ids_of_a, used_in_a
            merged[point.id] = point
        if loser.id in used:
            taken |= {new_id}
            ids[loser.id] = new_id
            merged[new_id] = replace(loser, id=new_id)
    return MergedPoints(tuple(merged.values()), ids_of_a, ids_of_b)


def _with_one_name(a: Point, b: Point, choices: Choices) -> Point:
    if a.name == b.name or not b.name:
        return a
    if not a.name:
        return replace(a, name=b.name)
    chosen = choices.decide("point name", a.id, (repr(a.name), repr(b.name)))
    return a if chosen == "A" else replace(a, name=b.name)
