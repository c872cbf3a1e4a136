"""A site for scans that came without one: as many floors as their places name, each a box."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from localizer.beacons import BeaconId
from localizer.errors import SiteError
from localizer.site import Beacon, Floor, Position, Site

MARGIN_M: Final = 1.0
"""Around the outermost places, metres: a surveyor stands about that far from a wall. The box is no
outline that anybody measured; `Site.source` says so."""

_NOT_OF_AN_ID: Final = re.compile(r"[^a-z0-9._-]+")


def site_around(
    name: str,
    places: Sequence[Position],
    beacons: Sequence[BeaconId],
    *,
    beacons_at: Mapping[BeaconId, Position] | None = None,
) -> Site:
    """Return a site whose floors are boxes around what is known to be on them.

    Args:
        name: of the file that was read; the site's id is made of it.
        places: where somebody stood.
        beacons: all that are known.
        beacons_at: where some of them hang.

    Raises:
        SiteError: nothing has a place.
    """
    hanging = dict(beacons_at or {})
    all_places = [*places, *hanging.values()]
    if not all_places:
        raise SiteError(
            "a site can be made of places alone, but none of the scans has one; give the site's "
            "file (--site)"
        )
    by_floor: dict[str, list[Position]] = {}
    for place in all_places:
        by_floor.setdefault(place.floor, []).append(place)
    floors = tuple(Floor(floor, floor, _box(on_it)) for floor, on_it in sorted(by_floor.items()))
    placed = tuple(Beacon(beacon, hanging.get(beacon)) for beacon in sorted(set(beacons)))
    source = f"no plan: a box around the places in {name}, {MARGIN_M:g} m wider"
    return Site(site_id_of(name), name, floors, placed, source)


def site_id_of(name: str) -> str:
    """Return the id of a site that is called after a file."""
    return _NOT_OF_AN_ID.sub("-", name.lower()).strip("-._")[:64] or "imported"


def _box(places: Sequence[Position]) -> tuple[tuple[float, float], ...]:
    xs, ys = [place.x_m for place in places], [place.y_m for place in places]
    left, right = min(xs) - MARGIN_M, max(xs) + MARGIN_M
    low, high = min(ys) - MARGIN_M, max(ys) + MARGIN_M
    return (left, low), (right, low), (right, high), (left, high)
