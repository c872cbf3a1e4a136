"""Two states of one site made one: floors, beacons, what became of beacons, and plans."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from localizer.beacons import BeaconId
from localizer.errors import SurveyError
from localizer.site import Beacon, Floor, Position, Site
from localizer.survey import BeaconChange, FloorPlan
from localizer.survey_merge.differences import Choices, Side


def refuse_other_sites(a: Site, b: Site, site_of: Side | None) -> None:
    """Refuse surveys of different buildings, unless somebody says that they are one.

    Raises:
        SurveyError: the ids differ and `site_of` is None.
    """
    if a.id != b.id and site_of is None:
        raise SurveyError(
            f"surveys must be of one site to be merged, but A is of {a.id!r} and B of {b.id!r}; "
            "if they are one building in one frame, say whose site it is: --site-of A or B"
        )


def merge_sites(
    a: Site,
    b: Site,
    choices: Choices,
    *,
    changes: tuple[Sequence[BeaconChange], Sequence[BeaconChange]],
    site_of: Side | None,
) -> Site:
    """Return the site that both know.

    Args:
        a: one state.
        b: the other.
        choices: takes the differences.
        changes: replaced and moved beacons that A knows of, and those that B does. A beacon that
            hangs elsewhere because it was moved is no conflict: the survey that knows of it is
            right.
        site_of: whose name and id it has, if the ids differ.
    """
    base = b if site_of == "B" else a
    name, source, cell_m = base.name, base.source, base.cell_m
    if site_of is None:
        name = _field(choices, "name", (a.name, b.name))
        source = _field(choices, "source", (a.source, b.source))
        if a.cell_m != b.cell_m:
            says = (str(a.cell_m), str(b.cell_m))
            cell_m = a.cell_m if choices.decide("site", "cell_m", says) == "A" else b.cell_m
    return Site(
        base.id,
        name,
        _merge_floors(a.floors, b.floors, choices),
        _merge_beacons(a.beacons, b.beacons, choices, changes),
        source,
        cell_m,
    )


def _field(choices: Choices, what: str, says: tuple[str, str]) -> str:
    if says[0] == says[1]:
        return says[0]
    return says[0] if choices.decide("site", what, says) == "A" else says[1]


def _merge_floors(a: Sequence[Floor], b: Sequence[Floor], choices: Choices) -> tuple[Floor, ...]:
    merged = {floor.id: floor for floor in a}
    for floor in b:
        known = merged.setdefault(floor.id, floor)
        if known != floor:
            says = (_floor_words(known), _floor_words(floor))
            if choices.decide("floor", floor.id, says) == "B":
                merged[floor.id] = floor
    return tuple(merged.values())


def _floor_words(floor: Floor) -> str:
    xs, ys = zip(*floor.outline, strict=True)
    return (
        f"{floor.name!r}: {max(xs) - min(xs):.1f} m x {max(ys) - min(ys):.1f} m, "
        f"{len(floor.outline)} corners, {len(floor.blocked)} blocked areas, "
        f"{len(floor.walls)} walls"
    )


def _merge_beacons(
    a: Sequence[Beacon],
    b: Sequence[Beacon],
    choices: Choices,
    changes: tuple[Sequence[BeaconChange], Sequence[BeaconChange]],
) -> tuple[Beacon, ...]:
    only_a = [change for change in changes[0] if change not in changes[1]]
    only_b = [change for change in changes[1] if change not in changes[0]]
    gone_by_a, gone_by_b = _replaced(only_a), _replaced(only_b)
    merged = {beacon.id: beacon for beacon in a if beacon.id not in gone_by_b}
    moved_by_a, moved_by_b = _moved(only_a), _moved(only_b)
    for beacon in b:
        known = merged.setdefault(beacon.id, beacon) if beacon.id not in gone_by_a else beacon
        if known.position == beacon.position or beacon.position is None:
            continue
        if known.position is None or (beacon.id in moved_by_b - moved_by_a):
            merged[beacon.id] = beacon
        elif beacon.id not in moved_by_a - moved_by_b:
            says = (place_words(known.position), place_words(beacon.position))
            if choices.decide("beacon", str(beacon.id), says) == "B":
                merged[beacon.id] = beacon
    return tuple(merged.values())


def _replaced(changes: Sequence[BeaconChange]) -> set[BeaconId]:
    back = {change.replacement for change in changes}
    return {one.beacon for one in changes if one.replacement is not None and one.beacon not in back}


def _moved(changes: Sequence[BeaconChange]) -> set[BeaconId]:
    return {change.beacon for change in changes if change.replacement is None}


def place_words(place: Position | None) -> str:
    """Return a place in words."""
    if place is None:
        return "not measured"
    return f"({place.x_m:.2f}, {place.y_m:.2f}) m, floor {place.floor}"


def merge_changes(
    a: Sequence[BeaconChange], b: Sequence[BeaconChange], choices: Choices
) -> tuple[BeaconChange, ...]:
    """Return what became of beacons, as both surveys know it together.

    What only one knows is added. If both know something of one beacon that the other does not,
    somebody must choose.
    """
    added = []
    for beacon in dict.fromkeys(change.beacon for change in b):
        of_a = [change for change in a if change.beacon == beacon]
        of_b = [change for change in b if change.beacon == beacon]
        new = [change for change in of_b if change not in of_a]
        lacking = [change for change in of_a if change not in of_b]
        if not (new and lacking):
            added += new
            continue
        says = (_change_words(lacking[0]), _change_words(new[0]))
        if choices.decide("beacon change", str(beacon), says) == "B":
            a = [change for change in a if change not in lacking]
            added += new
    return tuple(sorted([*a, *added], key=lambda change: change.since_utc))


def _change_words(change: BeaconChange) -> str:
    what = "moved" if change.replacement is None else f"replaced by {change.replacement}"
    return f"{what} on {change.since_utc:%Y-%m-%d %H:%M} UTC"


def merge_plans(
    a: Sequence[FloorPlan], b: Sequence[FloorPlan], choices: Choices
) -> tuple[FloorPlan, ...]:
    """Return one plan a floor."""
    merged = {plan.floor: plan for plan in a}
    for plan in b:
        known = merged.setdefault(plan.floor, plan)
        if known != plan:
            says = (_plan_words(known), _plan_words(plan))
            if choices.decide("plan", f"floor {plan.floor}", says) == "B":
                merged[plan.floor] = plan
    return tuple(merged.values())


def _plan_words(plan: FloorPlan) -> str:
    scale = "no scale"
    if plan.transform is not None:
        scale = f"{plan.transform.m_per_px:.4g} m a pixel"
    digest = hashlib.sha256(plan.data).hexdigest()[:8]
    return f"{plan.media_type}, {len(plan.data)} bytes ({digest}), {scale}"
