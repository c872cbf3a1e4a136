"""What is to be known about the labelled scans of a survey before anything is fitted to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from localizer.scans import Fingerprint
from localizer.site import Position, Site

FEW_PLACES: Final = 10
"""Below so many places a cross-validated error is that of the places, not of the floor."""

OUTSIDE_M: Final = 1.0
"""Beyond the floor by more is a mistake: outlines that are drawn by hand are off by less."""


def notes_on(rows: Sequence[Fingerprint]) -> tuple[str, ...]:
    """Return what is left out of labelled scans, and what they are too few for."""
    silent = sum(not row.scan.readings for row in rows)
    places = len({row.position for row in rows})
    notes = []
    if silent:
        notes.append(
            f"{silent} of {len(rows)} labelled scans heard nothing and are left out: the edge "
            "answers them with no_signal, not with a position"
        )
    if places < FEW_PLACES:
        those = "1 place" if places == 1 else f"{places} places"
        notes.append(f"only {those}: the errors say little about the rest of the floor")
    return tuple(notes)


def outside_in_words(site: Site, rows: Iterable[Fingerprint]) -> tuple[str, ...]:
    """Return a warning a floor on which scans are labelled with places beyond its bounds.

    One place that is a thousand metres off moves every mean, and says so nowhere else.

    Args:
        site: its floors' outlines and beacons are the bounds; rows on other floors say nothing.
        rows: labelled.
    """
    found = []
    at = [row.position for row in rows if row.position is not None]
    for floor in site.floors:
        bounds = site.bounds_m(floor.id)
        beyond = [one for one in at if one.floor == floor.id and _beyond_m(one, bounds) > OUTSIDE_M]
        if beyond:
            worst = max(beyond, key=lambda one: _beyond_m(one, bounds))
            x_min, y_min, x_max, y_max = bounds
            found.append(
                f"{len(beyond)} labelled scans must lie on floor {floor.id!r}, x {x_min:.1f} to "
                f"{x_max:.1f} m and y {y_min:.1f} to {y_max:.1f} m, but lie beyond it by up to "
                f"{_beyond_m(worst, bounds):.1f} m, at ({worst.x_m:.2f}, {worst.y_m:.2f}) m; they "
                "train and are scored like the others: correct their places, or the outline"
            )
    return tuple(found)


def _beyond_m(at: Position, bounds: tuple[float, float, float, float]) -> float:
    x_min, y_min, x_max, y_max = bounds
    return max(x_min - at.x_m, at.x_m - x_max, y_min - at.y_m, at.y_m - y_max, 0.0)
